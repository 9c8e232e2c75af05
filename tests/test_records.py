"""Results tables on disk: what their two files hold, and what is said of damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.reproduce import _recorded
from tests.tables import STEP, made_up, recorded_by, threshold_of

RULES = "task.num_rules"


def test_a_record_is_read_as_it_was_written(tmp_path: Path):
    table, path = threshold_of(STEP, diverged=[(100, 2)]), tmp_path / "deep" / "cpu.csv"
    results.write(table.sample(fraction=1, shuffle=True, seed=0), path)
    first = path.read_bytes(), results.runs_beside(path).read_bytes()
    again = results.read(path)
    assert again.schema == results.check(table).schema
    order = [RULES, "seed", "learner", "condition", "position", "step"]
    assert again.equals(results.check(table).sort(order).with_columns(pl.col(pl.Float64).round_sig_figs(6)))
    results.write(again, path)
    assert (path.read_bytes(), results.runs_beside(path).read_bytes()) == first
    assert sorted(file.name for file in path.parent.iterdir()) == ["cpu.csv", "cpu.runs.csv"]


def test_a_runs_facts_stand_once_in_a_record(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    table = recorded_by(threshold_of(STEP), "5e77", "c417", **{"task.dynamic": 0.25, "model.name": "gpt"})
    results.write(table, path)
    scores, runs = pl.read_csv(path), pl.read_csv(results.runs_beside(path))
    assert scores.columns == [
        *("run", "step", "learner", "condition", "position"),
        *("exact_match", "token_accuracy", "nll", "examples"),
    ]
    assert len(scores) == len(table)
    assert runs.columns == [
        *("study", "run", "seed", RULES, "last_step", "status", "device", "versions", "commit", "date"),
        *("settings", "criterion", "task.dynamic", "model.name"),
    ]
    assert runs["run"].to_list() == [f"{rules}-{seed}" for rules in STEP for seed in range(3)]
    again = results.read(path)
    assert results.swept(again) == [RULES]
    assert results.arms(again) == ["task.dynamic", "model.name"]
    assert again.select("settings", "criterion", "task.dynamic", "model.name").unique().rows() == [
        ("5e77", "c417", 0.25, "gpt")
    ]


def test_the_scores_at_one_position_stand_once_in_a_record(tmp_path: Path):
    scores = {"unseen": (0.9, 0.8), "unseen@0": (0.5, 0.4), "unseen@1": (1.0, 0.9)}
    table, path = made_up("boolean/diversity/cpu", ["task.pool"], {(5,): scores}), tmp_path / "cpu.csv"
    results.write(table, path)
    written = pl.read_csv(path)
    assert written.filter(pl.col("position").is_not_null())["token_accuracy"].null_count() == 4
    assert written.filter(pl.col("position").is_null())["token_accuracy"].null_count() == 0
    again = results.read(path)
    assert (again["token_accuracy"] == again["exact_match"]).all()
    other = pl.when(pl.col("position").is_null()).then("token_accuracy").otherwise(0.75).alias("token_accuracy")
    results.write(table.with_columns(other), path)
    assert results.read(path).filter(pl.col("position").is_not_null())["token_accuracy"].unique().to_list() == [0.75]


def test_swept_keys_and_values_of_arms_come_back_in_their_own_types(tmp_path: Path):
    table = threshold_of({10: (0.0, 0.1)})
    place = table.columns.index("step")
    for name, value in (("task.flag", True), ("model", "tiny"), ("optim.lr", 0.5)):
        table.insert_column(place, pl.Series(name, [value] * len(table)))
    table = recorded_by(table, None, None, **{"task.hidden": False, "task.style": "trace", "task.digits": 3})
    results.write(table, tmp_path / "r.csv")
    again = results.read(tmp_path / "r.csv")
    assert results.swept(again) == [RULES, "optim.lr", "model", "task.flag"]
    assert [again[key].dtype for key in results.arms(again)] == [pl.Boolean, pl.String, pl.Int64]
    assert again.columns == table.columns
    assert again.select(results.swept(again)).schema == table.select(results.swept(again)).schema


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    before = path.read_bytes(), results.runs_beside(path).read_bytes()
    with pytest.raises(RecordError, match="has no rows"):
        results.write(threshold_of(STEP).clear(), path)
    assert (path.read_bytes(), results.runs_beside(path).read_bytes()) == before


def test_scores_that_are_not_numbers_belong_to_diverged_runs_only():
    table = threshold_of(STEP, diverged=[(100, 2)]).with_columns(pl.col("exact_match").fill_null(float("nan")))
    assert not results.check(table)["exact_match"].is_nan().any()
    with pytest.raises(RecordError, match="run 100-2 finished but has no exact_match at step 1200"):
        results.check(table.with_columns(status=pl.lit("finished")))


def test_the_last_evaluation_of_a_run_alone_is_its_final_one():
    table = threshold_of(STEP).with_columns(final=pl.lit(False))
    with pytest.raises(RecordError, match="run 10-0: `final` must be true on its last evaluation"):
        results.check(table)


Damage = Callable[[str], str]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: "", "not readable as CSV"),
        (lambda text: text.splitlines()[0] + "\n", "has no rows"),
        (lambda text: text[: len(text) // 2], "column|run"),  # cut off in the middle of a line
        (lambda text: text.replace("exact_match", "accuracy", 1), "lacks the column exact_match"),
        (lambda text: text.replace("run,", "spoon,run,", 1), "where run, step, learner, condition, position"),
        (
            lambda text: text.replace("0.98", "lots"),
            "line 29: column exact_match has 'lots' where a number is wanted",
        ),
        (lambda text: text.replace("0.98", "9.8"), "column exact_match has 9.8, which is out of range"),
        (lambda text: text.replace("0.98", ""), "run 1000-0 finished but has no exact_match at step 1200"),
        (lambda text: text.replace(",512", ",0", 1), "column examples has a number below 1"),
        (lambda text: text.replace(",512", ",", 1), "column examples has 1 empty value$"),
        (lambda text: text.replace("10-1,", "10-0,"), "run 10-1 has no scores$"),
        (lambda text: text.replace("10-1,", "10-9,"), "run 10-9 is not among the runs beside it"),
        (
            lambda text: text.replace("10-0,600,", "10-0,1200,", 1),
            "run 10-0 has the condition seen/applied twice at step",
        ),
        (lambda text: text.replace("10-0,1200,", "10-0,900,"), "run 10-0 ends at step 900, but at 1200 among the runs"),
        (lambda text: text.replace("seen/applied", "seen/noop", 2), "has no last evaluation of"),
    ],
)
def test_damaged_scores_are_named_in_one_line(tmp_path: Path, damage: Damage, why: str):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(RecordError, match=why) as error:
        results.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: "", "not readable as CSV"),
        (lambda text: text.splitlines()[0] + "\n", "has no rows"),
        (lambda text: text[: len(text) // 2], "column"),
        (lambda text: text.replace("device", "machine", 1), "lacks the column device"),
        (lambda text: text.replace("seed,", "spoon,seed,", 1), "where study, run, seed, <swept keys>, last_step"),
        (lambda text: text.replace("finished", "asleep", 1), "column status has 'asleep'"),
        (lambda text: text.replace("abc+", "", 1), "column commit has 1 empty value$"),
        (lambda text: text.replace("cpu", "gpu", 1), "mixes the studies"),
        (lambda text: text.replace("1200", "soon", 1), "line 2: column last_step has 'soon' where a whole number is"),
        (lambda text: text.replace("10-1,1", "10-0,1"), "run 10-0 stands there twice"),
        (lambda text: text.replace("10-1,1", "10-1,0"), "runs 10-0 and 10-1 are of one seed and setting"),
    ],
)
def test_damaged_runs_are_named_in_one_line(tmp_path: Path, damage: Damage, why: str):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    beside = results.runs_beside(path)
    beside.write_text(damage(beside.read_text()))
    with pytest.raises(RecordError, match=why) as error:
        results.read(path)
    assert str(error.value).startswith(f"{beside}: ")
    assert "\n" not in str(error.value)


def test_a_record_with_other_keys_is_named_by_its_claims_check(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP).rename({RULES: "task.alphabet"}), path)
    with pytest.raises(RecordError, match=r"cpu\.csv: sweeps task.alphabet, where task.num_rules alone is wanted$"):
        _recorded(claims.claim_for("markov/threshold"), path)


def test_a_missing_or_unreadable_record_is_named_in_one_line(tmp_path: Path):
    with pytest.raises(RecordError, match=r"none\.csv: no such record$"):
        results.read(tmp_path / "none.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    (tmp_path / "noise.runs.csv").write_bytes(bytes(range(256)))
    for path in (tmp_path / "noise.csv", tmp_path):
        with pytest.raises(RecordError) as error:
            results.read(path)
        assert "\n" not in str(error.value)


def test_a_record_that_lacks_a_half_is_named_in_one_line(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    runs = results.runs_beside(path).read_bytes()
    results.runs_beside(path).unlink()
    with pytest.raises(RecordError, match=r"cpu\.runs\.csv: no such file, which the scores in cpu\.csv need$"):
        results.read(path)
    results.runs_beside(path).write_bytes(runs)
    path.unlink()
    with pytest.raises(RecordError, match=r"cpu\.csv: no such record$"):
        results.read(path)


def test_records_have_their_place():
    assert results.path_for("markov/threshold/cpu").parts[-5:] == (
        "paper",
        "results",
        "markov",
        "threshold",
        "cpu.csv",
    )
    for name in ("markov/threshold", "../../x", "a/b/c/d"):
        with pytest.raises(RecordError, match="is not of the form"):
            results.path_for(name)


# --- the records that are committed


def test_a_record_in_the_place_of_another_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    path = results.path_for("markov/noop/cpu")
    results.write(threshold_of(STEP), path)
    with pytest.raises(RecordError, match=r"noop/cpu\.runs\.csv: is a record of markov/threshold/cpu, whose place is "):
        results.read(path)


def test_every_record_has_its_figure_beside_it():
    studies = results.recorded()
    assert studies
    for study in studies:
        path = results.path_for(study)
        for kind in ("png", "svg"):
            assert path.with_suffix(f".{kind}").stat().st_size > 0
        assert results.read(path)["study"][0] == study
