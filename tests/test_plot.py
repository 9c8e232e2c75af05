"""`plot` shows one's own sweep: a table and a figure from nothing but a folder of runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from experiments import plot
from experiments.engine import config
from experiments.errors import ConfigError
from experiments.sweeps import read_sweep
from tests.commands import TINY

SCORES = {(20, 1): (0.1, 0.2), (20, 2): (0.3, 0.5), (30, 1): (0.8, 0.9), (30, 2): (1.0, 1.0)}  # rules, depth: by seed


def write_run(folder: Path, rules: int, depth: int, seed: int, score: float, status: str = "finished") -> Path:
    """A run's folder as training leaves it, with one score on every condition that the task has."""
    words = [*(word for word in TINY if "num_rules" not in word), f"task.num_rules={rules}", f"model.depth={depth}"]
    (job,) = config.jobs([[*words, f"seed={seed}"]])
    path = folder / f"{rules}-{depth}-{seed}"
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(job.config, sort_keys=False))
    rows = [
        {"step": step, "learner": "model", "condition": name, "exact_match": score * step / 40, "examples": 512}
        for step in (20, 40)
        for name in job.run.task.conditions()
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if status:
        end = {"status": status, "id": job.id, "step": 40, "scores": {}, "reason": "loss is not finite"}
        (path / ("result.json" if status == "finished" else "error.json")).write_text(json.dumps(end))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for (rules, depth), scores in SCORES.items():
        for seed, score in enumerate(scores):
            write_run(tmp_path / "runs", rules, depth, seed, score)
    return tmp_path / "runs"


@pytest.fixture
def plotted(monkeypatch, capsys):
    """Runs the command in this process and returns what it prints."""

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["plot", *map(str, words)])
        assert plot.main() == 0
        return capsys.readouterr().out

    return run


def test_a_sweep_knows_what_was_varied_and_that_seeds_do_not_count(folder: Path):
    assert read_sweep(folder).varied() == ["task.num_rules", "model.depth"]


def test_scores_are_those_of_the_last_step_by_setting_and_seed(folder: Path):
    scores = read_sweep(folder).scores(["task.num_rules", "model.depth"], "unseen/applied", "exact_match")
    assert scores == {setting: dict(enumerate(of_seeds)) for setting, of_seeds in SCORES.items()}


def test_the_command_prints_a_row_a_setting_and_draws_a_png_and_an_svg(folder: Path, plotted):
    lines = plotted(folder, "x=task.num_rules", "by=model.depth").splitlines()
    assert [line.split()[:3] for line in lines[-5:-1]] == [
        ["20", "1", "0.150"],
        ["20", "2", "0.400"],
        ["30", "1", "0.850"],
        ["30", "2", "1.000"],
    ]
    assert all(line.endswith("2") for line in lines[-5:-1])  # seeds
    assert (folder / "plot.png").read_bytes()[:4] == b"\x89PNG"
    assert lines[-1] == f"figure: {folder / 'plot.png'} {folder / 'plot.svg'}"


def test_a_filter_leaves_one_axis_so_that_it_need_not_be_named(folder: Path, plotted):
    assert "0.400" in plotted(folder, "model.depth=2")


def test_a_run_that_diverged_counts_as_0_and_one_that_has_not_ended_is_left_out(folder: Path, plotted):
    write_run(folder, 30, 2, 2, 1.0, status="diverged")
    write_run(folder, 30, 2, 3, 1.0, status="")
    text = plotted(folder, "x=task.num_rules", "by=model.depth")
    assert "0.667" in text
    assert "left out: 1 run that has not ended" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["x=task.num_rules"],
            r"^by: several runs have the same task.num_rules and seed 0; they differ in model.depth",
        ),
        ([], r"^x: name the key of the axis, as x=KEY; the runs vary task.num_rules, model.depth$"),
        (["x=task.rules"], r"^task.rules: no run has this key; the runs vary task.num_rules, model.depth$"),
        (["model.depth=3"], r"^model.depth: no run has 3; allowed: 1, 2$"),
        (["x=task.num_rules", "model.depth=1", "condition=old"], r"^condition: there is no old; allowed: train, seen"),
        (["x=task.num_rules", "model.depth=1", "score=f1"], r"^score: there is no f1; allowed: exact_match$"),
        (["rules"], r"^rules: expected KEY=VALUE, such as x=task.num_rules$"),
    ],
)
def test_plot_refuses_a_bad_word_in_one_line_and_draws_nothing(folder: Path, plotted, words: list[str], message: str):
    with pytest.raises(ConfigError, match=message):
        plotted(folder, *words)
    assert not list(folder.glob("plot.*"))


def test_a_folder_without_an_ended_run_is_named(tmp_path: Path, plotted):
    with pytest.raises(ConfigError, match=f"^FOLDER: no run below {tmp_path} has ended$"):
        plotted(tmp_path)
    write_run(tmp_path, 20, 1, 0, 0.5, status="")
    with pytest.raises(ConfigError, match=f"^FOLDER: no run below {tmp_path} has ended; 1 have not ended$"):
        plotted(tmp_path)
