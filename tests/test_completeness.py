"""A record that lacks runs is not judged: the settings say which runs there must be."""

from __future__ import annotations

import polars as pl
import pytest

from experiments import completeness, settings, summary
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies import claim_for, every


def record_of(study: str) -> pl.DataFrame:
    return results.read(results.path_for(study))


@pytest.mark.parametrize("claim", every(), ids=lambda claim: claim.name)
def test_every_record_is_whole_and_any_run_that_it_lacks_is_named(claim):
    study = f"{claim.name}/cpu"
    record = record_of(study)
    completeness.check(study, record)
    runs = record.select("run", "seed", *results.swept(record)).unique().sort("run")
    for row in runs.iter_rows(named=True):
        with pytest.raises(
            RecordError, match=rf"lacks 1 of the {len(runs)} runs that the settings of {study} ask for"
        ) as error:
            completeness.check(study, record.filter(pl.col("run") != row["run"]))
        assert f"seed={row['seed']}" in str(error.value)


def test_a_seed_more_is_no_fault_in_a_study_that_is_looked_at_once_but_must_have_the_whole_grid(monkeypatch):
    monkeypatch.setattr(settings, "later_seeds", lambda study: ())
    more = with_seed(record_of("markov/threshold/cpu"), 9)
    completeness.check("markov/threshold/cpu", more)
    with pytest.raises(RecordError, match=r"lacks 1 of the 28 runs .*: task.num_rules=100, seed=9$"):
        completeness.check(
            "markov/threshold/cpu", more.filter((pl.col("seed") != 9) | (pl.col("task.num_rules") != 100))
        )


def test_a_record_that_lacks_many_runs_names_three():
    record = record_of("tint/why/cpu").filter(seed=1)
    with pytest.raises(RecordError, match=r"lacks 48 of the 72 runs .* and 45 more$"):
        completeness.check("tint/why/cpu", record)


def test_a_bisection_may_have_run_the_whole_grid():
    grid = [("10", "1"), ("20", "1"), ("30", "1")]
    sweep = {"x": ["10", "20", "30"], "seed": ["1"]}
    assert set(completeness._bisected(["x", "seed"], sweep, "x", set(grid))) == set(grid)


@pytest.mark.parametrize(
    ("words", "values"),
    [("1,2", ["1", "2"]), ("range(1,4)", ["1", "2", "3"]), ("a, 'b'", ["a", "b"]), ("true,0.50", ["true", "0.5"])],
)
def test_the_words_of_a_sweep_are_its_values(words, values):
    assert list(completeness.expand(words)) == values


def test_the_check_of_a_record_refuses_one_that_lacks_a_run(tmp_path):
    study = "markov/budget/cpu"
    record = record_of(study)
    path = tmp_path / "cpu.csv"
    results.write(record.filter(pl.col("run") != record["run"][0]), path)
    with pytest.raises(RecordError, match=rf"^{path}: lacks 1 of the 45 runs"):
        summary.read(claim_for(study), path)


@pytest.fixture
def looked_at_twice(monkeypatch):
    """Declares a second look with seeds 7 and 8 for markov/threshold, and returns its record with six others."""
    monkeypatch.setattr(settings, "later_seeds", lambda study: (7, 8))
    return record_of("markov/threshold/cpu")


def with_seed(record: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Adds a copy of the runs of seed 27 as those of another seed."""
    copy = record.filter(seed=27).with_columns(seed=pl.lit(seed, pl.Int64), run=pl.col("run") + str(seed))
    return pl.concat([record, copy])


def test_a_record_has_no_run_of_a_second_look_or_all_of_them(looked_at_twice):
    completeness.check("markov/threshold/cpu", looked_at_twice)
    some = with_seed(looked_at_twice, 7)
    with pytest.raises(RecordError, match=r"lacks 4 of the 32 runs .*: task.num_rules=100, seed=8; "):
        completeness.check("markov/threshold/cpu", some)
    completeness.check("markov/threshold/cpu", with_seed(some, 8))


def test_a_record_of_two_looks_has_no_other_seeds(looked_at_twice):
    with pytest.raises(RecordError, match=r"^has the seed 9, which is in neither of the two looks of markov/thresh"):
        completeness.check("markov/threshold/cpu", with_seed(looked_at_twice, 9))
