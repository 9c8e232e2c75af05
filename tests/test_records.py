"""Results tables on disk, what is said of damaged ones, and a fresh run beside the record."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.printing import show_comparison
from experiments.reproduce import _compared, _effects, _recorded
from experiments.studies.markov.threshold import criterion
from tests.tables import STEP, threshold_of
from tests.test_claims_boolean import teaching_of


def test_a_record_is_read_as_it_was_written(tmp_path: Path):
    table, path = threshold_of(STEP, diverged=[(100, 2)]), tmp_path / "deep" / "cpu.csv"
    results.write(table.sample(fraction=1, shuffle=True, seed=0), path)
    first = path.read_bytes()
    again = results.read(path)
    assert again.schema == table.schema
    order = ["task.num_rules", "seed", "learner", "condition", "position", "step"]
    assert again.equals(table.sort(order).with_columns(pl.col(pl.Float64).round_sig_figs(6)))
    results.write(again, path)
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["cpu.csv"]


def test_swept_keys_come_back_in_their_own_types(tmp_path: Path):
    table = threshold_of({10: (0.0, 0.1)})
    place = table.columns.index("step")
    for name, value in (("task.flag", True), ("model", "tiny"), ("optim.lr", 0.5)):
        table.insert_column(place, pl.Series(name, [value] * len(table)))
    results.write(table, tmp_path / "r.csv")
    again = results.read(tmp_path / "r.csv")
    assert results.swept(again) == ["task.num_rules", "optim.lr", "model", "task.flag"]
    assert again.schema == table.schema


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    before = path.read_bytes()
    with pytest.raises(RecordError, match="has no rows"):
        results.write(threshold_of(STEP).clear(), path)
    assert path.read_bytes() == before


def test_scores_that_are_not_numbers_belong_to_diverged_runs_only():
    table = threshold_of(STEP, diverged=[(100, 2)]).with_columns(pl.col("exact_match").fill_null(float("nan")))
    assert not results.check(table)["exact_match"].is_nan().any()
    with pytest.raises(RecordError, match="run 100-2 finished but has no exact_match at step 1200"):
        results.check(table.with_columns(status=pl.lit("finished")))


Damage = Callable[[str], str]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: "", "not readable as CSV"),
        (lambda text: text.splitlines()[0] + "\n", "has no rows"),
        (lambda text: text[: len(text) // 2], "column"),  # cut off in the middle of a line
        (lambda text: text.replace("exact_match", "accuracy", 1), "lacks the column exact_match"),
        (lambda text: text.replace("seed,", "spoon,seed,", 1), "where study, run, seed, <swept keys>, step"),
        (
            lambda text: text.replace("0.98", "lots"),
            "line 29: column exact_match has 'lots' where a number is wanted",
        ),
        (lambda text: text.replace("0.98", "9.8"), "column exact_match has 9.8, which is out of range"),
        (lambda text: text.replace("0.98", ""), "run 1000-0 finished but has no exact_match at step 1200"),
        (lambda text: text.replace("finished", "asleep", 1), "column status has 'asleep'"),
        (lambda text: text.replace("cpu", "gpu", 1), "mixes the studies"),
        (lambda text: text.replace(",512,", ",0,", 1), "column examples has a number below 1"),
        (
            lambda text: text.replace("10-1,1", "10-0,0"),
            "run 10-0 has the condition seen/applied twice at step",
        ),
        (lambda text: text.replace("10-1,1", "10-0,1"), "run 10-0 mixes two settings|twice"),
        (lambda text: text.replace("10-1,1", "10-1,0"), "runs 10-0 and 10-1 are of one seed and setting"),
        (
            lambda text: text.replace("true", "false", 1),
            "run 10-0: `final` must be true on its last evaluation",
        ),
        (lambda text: text.replace("seen/applied", "seen/noop", 2), "has no last evaluation of"),
    ],
)
def test_a_damaged_record_is_named_in_one_line(tmp_path: Path, damage: Damage, why: str):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(RecordError, match=why) as error:
        results.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_record_with_other_keys_is_named_by_its_claims_check(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(threshold_of(STEP).rename({"task.num_rules": "task.alphabet"}), path)
    with pytest.raises(RecordError, match=r"cpu\.csv: sweeps task.alphabet, where task.num_rules alone is wanted$"):
        _recorded(claims.claim_for("markov/threshold"), path)


def test_a_missing_or_unreadable_record_is_named_in_one_line(tmp_path: Path):
    with pytest.raises(RecordError, match=r"none\.csv: no such record$"):
        results.read(tmp_path / "none.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    for path in (tmp_path / "noise.csv", tmp_path):
        with pytest.raises(RecordError) as error:
            results.read(path)
        assert "\n" not in str(error.value)


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


# --- a fresh run beside the record


FRESH = threshold_of({10: (0.0, 0.0), 100: (0.9, 0.9), 3000: (1.0, 1.0)})


def test_a_fresh_run_is_inside_or_outside_the_record():
    claim, record = claims.claim_for("markov/threshold"), threshold_of(STEP)
    assert _compared(claim, record, record)["inside"].all()
    found = _compared(claim, FRESH, record).filter(condition="unseen/applied")
    assert found["task.num_rules"].to_list() == [10, 100, 3000]
    assert found["inside"].to_list() == [True, False, None]


def test_a_comparison_prints_what_is_outside():
    file = io.StringIO()
    found = _compared(claims.claim_for("markov/threshold"), FRESH, threshold_of(STEP))
    show_comparison(found, Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    assert lines[0] == "against the record: 3 of 4 means inside its 95 % intervals, 2 not recorded"
    assert lines[1].startswith("  outside: unseen/applied at task.num_rules=100: 0.900, recorded 0.170 [")


def test_the_point_of_a_curve_is_compared_that_the_claim_judges():
    claim = claims.claim_for("boolean/teaching")
    record, fresh = (teaching_of(at, (0.5, 0.52, 0.49)) for at in ((1.0,) * 3, (0.6,) * 3))
    found = _compared(claim, fresh, record)
    assert set(found["condition"]) == {"unseen at position 10"}
    assert found.filter(~pl.col("inside"))["task.teaching"].to_list() == [True, True]
    said = claim.criterion(record)
    assert _effects(said, said).endswith(f", inside the recorded {said.effect}")
    assert _effects(claim.criterion(fresh), said).endswith(f", outside the recorded {said.effect}")


def test_decoded_answers_are_compared_where_answers_are_judged():
    claim = claims.claim_for("tint/static_vs_dynamic")
    recorded = results.read(results.path_for("tint/static_vs_dynamic/cpu"))
    assert _compared(claim, recorded, recorded)["inside"].all()
    found = _compared(claim, recorded.with_columns(answer=pl.lit(0.0)), recorded)
    assert set(found["condition"]) == {"test answer"}
    assert not found["inside"].any()


def test_a_score_that_the_record_lacks_is_not_compared():
    table = threshold_of(STEP)
    assert results.compare(table, table, [("unseen/applied", None, "exact_match")])["inside"].all()
    fresh = table.insert_column(table.columns.index("examples"), pl.lit(0.5).alias("answer"))
    found = results.compare(fresh, threshold_of(STEP), [("unseen/applied", None, "answer")])
    assert found["inside"].to_list() == [None] * 3


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.name)
def test_every_record_compared_with_itself_is_inside(claim):
    table = results.read(results.path_for(f"{claim.name}/cpu"))
    compared = _compared(claim, table, table)
    assert len(compared) >= 3
    assert compared["inside"].all()


def test_an_effect_that_was_not_measured_is_said_so():
    none = criterion(threshold_of({10: (0.1,)}))
    assert _effects(criterion(FRESH), none).endswith("recorded not measured")


# --- the records that are committed


def test_a_record_in_the_place_of_another_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    path = results.path_for("markov/noop/cpu")
    results.write(threshold_of(STEP), path)
    with pytest.raises(RecordError, match=r"noop/cpu\.csv: is a record of markov/threshold/cpu, whose place is "):
        results.read(path)


def test_every_record_has_its_figure_beside_it():
    records = list(results.RESULTS.glob("*/*/*.csv"))
    assert records
    for path in records:
        for kind in ("png", "svg"):
            assert path.with_suffix(f".{kind}").stat().st_size > 0
        assert results.path_for(results.read(path)["study"][0]) == path
