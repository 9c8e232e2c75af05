"""One's own sweep has results: a table at its end, and by a command of its own, also in a file."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from experiments import results, run
from experiments.engine import config
from experiments.errors import ConfigError
from tests.test_plot import SCORES, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for (rules, depth), scores in SCORES.items():
        for seed, score in enumerate(scores):
            write_run(tmp_path / "runs", rules, depth, seed, score)
    return tmp_path / "runs"


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs the command in this process and returns what it prints."""

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["results", *map(str, words)])
        assert results.main() == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_of_runs_becomes_a_file_of_means_with_intervals_by_setting_and_condition(folder, call, tmp_path, kind):
    out = tmp_path / f"scores.{kind}"
    said = call(folder, f"out={out}")
    assert f"table: {out}" in said
    table = pl.read_csv(out) if kind == "csv" else pl.read_parquet(out)
    (job,) = config.jobs([["task=markov"]])
    assert set(table["condition"]) == set(job.run.task.conditions())
    assert len(table) == len(SCORES) * len(job.run.task.conditions())
    for row in table.iter_rows(named=True):
        scores = SCORES[row["task.num_rules"], row["model.depth"]]
        assert row["mean"] == pytest.approx(sum(scores) / 2)
        assert row["lower"] <= row["mean"] <= row["upper"]
        assert row["seeds"] == 2


def test_the_table_of_results_names_each_setting_once_and_can_be_narrowed(folder, call):
    lines = call(folder, "condition=train,seen/noop", "model.depth=2").splitlines()
    assert lines[0].split() == ["task.num_rules", "condition", "exact", "match", "[95", "%]", "seeds"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["20", "train"],
        ["seen/noop", "0.400"],
        ["30", "train"],
        ["seen/noop", "1.000"],
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["out=scores.txt"], "out: expected a file that ends in .csv or .parquet, got scores.txt"),
        (["condition=tea"], "condition: there is no tea; allowed: train, "),
        (["score=tea"], "score: there is no tea; allowed: "),
        (["task.num_rules=7"], "task.num_rules: no run has 7; allowed: 20, 30"),
        (["tea"], "tea: expected KEY=VALUE, such as condition=train"),
    ],
)
def test_a_wrong_word_of_results_is_one_line_that_says_what_is_allowed(folder, monkeypatch, words, says):
    monkeypatch.setattr(sys, "argv", ["results", str(folder), *words])
    with pytest.raises(ConfigError) as caught:
        results.main()
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_seeds_is_a_short_form_of_so_many_seeds_from_1_on():
    assert run._spell_seeds("seeds=4") == "seed=1,2,3,4"
    assert run._spell_seeds("task.seed=4") == "task.seed=4"
    for word in ("seeds=0", "seeds=x", "seeds=", "seeds=1,2"):
        with pytest.raises(
            ConfigError, match=r"^seeds: expected an integer from 1 to 10000, the number of seeds, got "
        ):
            run._spell_seeds(word)
