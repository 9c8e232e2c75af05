"""What is added to a record: further runs beside those that are there, each with its own facts, of one settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import completeness, reproduction, settings
from experiments.engine import config
from experiments.engine.job import Job
from experiments.engine.results import check_addable
from experiments.judging import looks, results
from experiments.judging.frame import further
from experiments.judging.results import RecordError
from experiments.settings import settings_hash
from tests.tables import STEP, recorded_by, threshold_of

RULES = "task.num_rules"
STUDY = "markov/threshold/smoke"


def facts(table: pl.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """Returns the named facts of every run, in order of the runs."""
    return table.unique("run").sort("run").select(names).rows()


def seeded(scores: Sequence[float], first: int, **values: str) -> pl.DataFrame:
    """Makes up a table of 10 rules alone, with seeds from `first` on."""
    table = threshold_of({10: scores})
    seed = pl.col("seed") + first
    run = pl.concat_str(pl.lit("10-"), seed)
    table = table.with_columns(seed=seed, run=run)
    return table.with_columns(pl.lit(value).alias(name) for name, value in values.items())


def test_further_seeds_are_added_to_a_record_and_each_run_keeps_its_provenance(tmp_path: Path):
    old = recorded_by(seeded((0.1, 0.2), 0), "5e77", "c417")
    new = recorded_by(seeded((0.3,), 2, device="8 cores", date="2026-02-02"), "5e77", "c418")
    path = tmp_path / "cpu.csv"
    results.write(old, path)
    results.write(results.added(results.read(path), new), path)
    whole = results.read(path)
    assert facts(whole, "seed", "device", "date", "settings", "criterion") == [
        (0, "2 cores", "2025-01-01", "5e77", "c417"),
        (1, "2 cores", "2025-01-01", "5e77", "c417"),
        (2, "8 cores", "2026-02-02", "5e77", "c418"),
    ]
    assert results.final_scores(whole, "unseen/applied")["exact_match"].to_list() == [0.1, 0.2, 0.3]


def test_a_run_recorded_anew_takes_the_place_of_that_of_its_setting_and_seed():
    old = recorded_by(seeded((0.1, 0.2), 0), "5e77", None)
    new = recorded_by(seeded((0.9,), 1, date="2026-02-02", run="another"), "5e78", "c418")
    whole = results.added(results.check(old), new)
    assert facts(whole, "run", "date", "settings", "criterion") == [
        ("10-0", "2025-01-01", "5e77", None),
        ("another", "2026-02-02", "5e78", "c418"),
    ]
    assert results.final_scores(whole, "unseen/applied")["exact_match"].to_list() == [0.1, 0.9]


def test_a_run_that_was_not_trained_anew_keeps_the_criterion_that_it_was_recorded_by():
    old = results.check(recorded_by(seeded((0.1, 0.2), 0), "5e77", "c417"))
    changed = recorded_by(seeded((0.1, 0.2), 0), "5e78", "c418")
    assert facts(results.added(old, changed), "settings", "criterion") == [("5e77", "c417")] * 2
    trained = recorded_by(seeded((0.1, 0.2), 0, commit="def"), "5e78", "c418")
    assert facts(results.added(old, trained), "settings", "criterion") == [("5e78", "c418")] * 2


def test_a_column_that_one_part_of_a_record_lacks_is_empty_there():
    old = results.check(seeded((0.1,), 0))
    new = recorded_by(seeded((0.3,), 1), "5e77", None, **{"task.dynamic": 0.5})
    new.insert_column(new.columns.index("examples"), pl.lit(0.5).alias("answer"))
    whole = results.check(results.added(old, new))
    assert further(whole) == ["answer"]
    assert results.arms(whole) == ["task.dynamic"]
    assert facts(whole, "task.dynamic") == [(None,), (0.5,)]
    assert facts(results.check(results.added(results.check(new), seeded((0.1,), 0))), "task.dynamic") == facts(
        whole, "task.dynamic"
    )


def test_runs_that_sweep_other_keys_are_not_added():
    old = results.check(threshold_of(STEP))
    with pytest.raises(RecordError, match=r"^sweeps task\.num_rules, which is not what the fresh runs sweep$"):
        results.added(old, old.rename({RULES: "task.alphabet"}))


# --- what `--record` does


def results_of(jobs: Sequence[Job], criterion: str) -> pl.DataFrame:
    """Makes up results of jobs of markov/threshold."""
    tables = []
    for job in jobs:
        facts = {"study": job.study, "run": job.id, "seed": job.run.seed}
        table = threshold_of({job.swept[RULES]: (0.5,)})
        tables.append(table.with_columns(pl.lit(value).alias(name) for name, value in facts.items()))
    return recorded_by(pl.concat(tables), settings_hash(STUDY), criterion)


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Returns where the study's record goes; results are made up in place of trained."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(reproduction._Study, "run", lambda study, progress: config.jobs(study.grid))
    monkeypatch.setattr(reproduction, "table", results_of)
    return results.path_for(STUDY)


def test_recording_further_seeds_or_settings_adds_their_runs(record):
    reproduction._one(STUDY, ["seed=0,1"], record=True)
    first = results.read(record)
    reproduction._one(STUDY, ["seed=2"], record=True)
    whole = results.read(record)
    assert whole.filter(pl.col("seed") < 2).equals(first)
    assert whole["seed"].unique().sort().to_list() == [0, 1, 2]
    reproduction._one(STUDY, [f"{RULES}=7", "seed=0,1,2"], record=True)
    assert len(results.read(record)) == len(whole) * 3 / 2
    reproduction._one(STUDY, [], record=True)
    assert len(results.read(record)) == len(whole) * 3 / 2


def test_a_record_of_other_settings_is_not_added_to_and_nothing_is_trained(record, monkeypatch):
    reproduction._one(STUDY, ["seed=0,1"], record=True)
    other = pl.concat_str(pl.lit("other"), pl.col("run").str.slice(5))
    results.write(results.read(record).with_columns(other.alias("run"), settings=pl.lit("0ther")), record)
    before = results.read(record)
    with monkeypatch.context() as patch:
        patch.setattr(reproduction._Study, "run", lambda study, progress: pytest.fail("trained"))
        with pytest.raises(RecordError) as error:
            reproduction._one(STUDY, ["seed=2"], record=True)
    run = before["run"][0]
    assert str(error.value) == (
        f"{record}: 4 of its runs, as {run}, are of other settings than the study's present ones; delete the record, "
        "both files, to begin it anew"
    )
    assert results.read(record).equals(before)
    reproduction._one(STUDY, ["seed=0,1,2"], record=True)  # takes the place of all of them
    assert results.read(record)["settings"].unique().to_list() == [settings_hash(STUDY)]


def test_runs_that_may_stay_are_refused_where_it_is_not_known_which_jobs_will_run(record):
    """A bisection runs some of its jobs, and nobody knows which before it ends."""
    reproduction._one(STUDY, ["seed=0"], record=True)
    run = pl.concat_str("seed", RULES)
    results.write(results.read(record).with_columns(run.alias("run"), settings=pl.lit("0ther")), record)
    jobs = config.jobs(config.sweep([f"study={STUDY}", "seed=0"]))
    check_addable(STUDY, jobs, ["seed=0"], all_run=True)
    with pytest.raises(RecordError, match="2 of its runs, as 02, are of other settings"):
        check_addable(STUDY, jobs, ["seed=0"], all_run=False)


def test_a_run_whose_id_the_present_settings_give_is_of_them_whatever_hash_it_names(record):
    reproduction._one(STUDY, ["seed=0,1"], record=True)
    results.write(results.read(record).with_columns(settings=pl.lit(None, pl.String)), record)
    reproduction._one(STUDY, ["seed=2"], record=True)
    assert facts(results.read(record).filter(pl.col(RULES) == 30), "settings").count((None,)) == 2


def test_a_record_that_sweeps_other_keys_is_not_added_to(record):
    reproduction._one(STUDY, ["seed=0"], record=True)
    results.write(results.read(record).rename({RULES: "task.alphabet"}), record)
    with pytest.raises(RecordError, match=r"smoke\.csv: sweeps task\.alphabet, which .*; delete the record"):
        reproduction._one(STUDY, ["seed=1"], record=True)


# --- two looks


FIRST, THEN = (0, 1), (7, 8)
SCORES = {"open": {2: (0.01, 0.01), 30: (0.60, 0.75)}, "sure": {2: (0.01, 0.01), 30: (0.97, 0.97)}}


@pytest.fixture
def trained(record, monkeypatch):
    """Declares a second look of two seeds; returns the list of those that were trained, and scores to be set."""
    seeds: list[int] = []
    scores: dict[int, tuple[float, float]] = dict(SCORES["open"])

    def run(study, progress):
        jobs = config.jobs(study.grid)
        seeds.extend(sorted({job.run.seed for job in jobs}))
        return jobs

    def made(jobs, criterion):
        tables = []
        for job in jobs:
            value = scores[job.swept[RULES]][(FIRST + THEN).index(job.run.seed) % 2]
            table = threshold_of({job.swept[RULES]: (value,)})
            facts = {"study": job.study, "run": job.id, "seed": job.run.seed}
            tables.append(table.with_columns(pl.lit(value).alias(name) for name, value in facts.items()))
        return recorded_by(pl.concat(tables), settings_hash(STUDY), criterion)

    monkeypatch.setattr(settings, "later_seeds", lambda study: THEN)
    monkeypatch.setattr(reproduction._Study, "run", run)
    monkeypatch.setattr(reproduction, "table", made)
    return seeds, scores


def test_an_undecided_first_look_is_recorded_with_a_second_and_no_third(record, trained):
    seeds, _ = trained
    reproduction._one(STUDY, [], record=True)
    assert seeds == [*FIRST, *THEN]
    assert results.read(record)["seed"].unique().sort().to_list() == [*FIRST, *THEN]
    reproduction._one(STUDY, [], record=True)
    assert seeds == [*FIRST, *THEN, *FIRST]
    completeness.check(STUDY, results.read(record))


def test_a_first_look_that_decides_has_no_second(record, trained):
    seeds, scores = trained
    scores.update(SCORES["sure"])
    reproduction._one(STUDY, [], record=True)
    assert seeds == [*FIRST]


def test_seeds_in_two_camps_are_not_looked_at_again(record, trained):
    seeds, scores = trained
    scores[30] = (0.05, 0.95)
    reproduction._one(STUDY, [], record=True)
    assert seeds == [*FIRST]


def test_a_second_look_is_recorded_alone_and_a_command_without_it_says_what_it_would_take(record, trained, capsys):
    seeds, _ = trained
    reproduction._one(STUDY, [], record=False)
    assert seeds == [*FIRST]
    assert "--record would look once more, with seeds 7, 8\n" in capsys.readouterr().out


def test_other_seeds_than_those_declared_are_not_recorded_and_nothing_is_trained(record, trained):
    seeds, _ = trained
    with pytest.raises(RecordError, match=r"^seed=9: markov/threshold/smoke is recorded with the seeds .* 0, 1, 7, 8$"):
        reproduction._one(STUDY, ["seed=1,9"], record=True)
    assert not seeds


def test_each_of_two_looks_judges_at_the_level_with_which_both_pass_two_and_a_half_percent(record, trained, capsys):
    reproduction._one(STUDY, [], record=True)
    assert "the second of two looks at most, each with an interval of 97.22%" in " ".join(
        capsys.readouterr().out.split()
    )
    assert looks.level_for(STUDY) == 1 - 2 * 0.0139
    assert looks.overall(looks.TAIL, STUDY) == pytest.approx(0.025)
    assert looks.overall(1e-4, STUDY) == pytest.approx(2e-4)


@pytest.mark.slow
def test_the_second_looks_of_all_studies_are_trained_at_once_and_recorded(record, trained, monkeypatch):
    launched: list[list[int]] = []
    monkeypatch.setattr(settings, "studies", lambda: [STUDY])
    monkeypatch.setattr(
        reproduction, "launch", lambda jobs, *_: launched.append(sorted({job.run.seed for job in jobs}))
    )
    assert reproduction._all("smoke", [], record=False) == 0
    assert launched == [[*FIRST]]
    assert reproduction._all("smoke", [], record=True) == 0
    assert launched == [[*FIRST], [*FIRST], [*THEN]]
    assert results.read(record)["seed"].unique().sort().to_list() == [*FIRST, *THEN]
