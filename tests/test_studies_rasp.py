"""What is special to the studies of length generalisation: program lengths, lengths of each run's own, their notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import studies
from experiments.judging.claim import Judgement
from experiments.judging.frame import RecordError
from experiments.studies.rasp import addition, mode_scratchpad, positions
from experiments.studies.rasp import table as rasp_table
from experiments.studies.rasp.family import AT_LONGEST, WITHIN
from synthetic.rasp.programs import PROGRAMS, length
from tests.tables import judged, made_up

HIGH, MIDDLE, LOW = (0.98, 0.99, 1.0), (0.55, 0.6, 0.65), (0.01, 0.0, 0.02)


def test_a_task_that_is_not_fitted_is_left_out_and_named():
    judgement = judged("rasp/table", {(AT_LONGEST, ("rasp_parity_plain", 20)): MIDDLE})
    assert judgement.verdict == "reproduced"
    assert judgement.left() == [
        "Left out, as exact match at the longest training length is below 0.9: 0.600 at parity, plain."
    ]
    none = judged("rasp/table", {(AT_LONGEST, (task, 20)): MIDDLE for task in rasp_table.LONG})
    assert none.verdict == "not fitted"


def test_program_lengths_are_recorded_as_they_are_and_named_in_rows():
    recorded = dict(pl.read_csv(rasp_table.programs()).iter_rows())
    assert recorded == {name: length(program) for name, program in PROGRAMS.items()}
    assert {program for _, program in rasp_table.SHORT.values()} <= set(recorded)
    rows = [row.setting for row in judged("rasp/table").rows]
    assert rows[0] == f"count ({recorded['count']})"
    assert rows[-1] == "mode, bad scratchpad"


@pytest.mark.parametrize("text", ["program,steps,who\nsort,3,we\n", "operations\n3\n", ""])
def test_damaged_program_lengths_are_named_in_one_line(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "programs.csv").write_text(text)
    monkeypatch.setattr(rasp_table, "programs", lambda: tmp_path / "programs.csv")
    with pytest.raises(RecordError, match=r"programs\.csv: ") as error:
        judged("rasp/table")
    assert "\n" not in str(error.value)


def count_of(fit: Sequence[float] = HIGH, **lengths: Sequence[float]) -> Judgement:
    """What is said of counting trained to 20, which is fitted so well, and to 40, which solves these lengths."""
    settings = {(20,): {"within": fit, "length_50": MIDDLE}, (40,): {"within": HIGH, "length_60": HIGH, **lengths}}
    return studies.claim_for("rasp/count_curves").judge(
        made_up("rasp/count_curves/cpu", ["task.train_length"], settings)
    )


def test_each_run_of_count_is_scored_at_its_own_length():
    judgement = count_of(length_100=HIGH)
    assert judgement.verdict == "reproduced"
    assert [row.setting for row in judgement.rows] == ["1 to 20", "1 to 40"]
    assert judgement.rows[0].interval("at 2.5 times").estimate == pytest.approx(0.6)
    assert judgement.rows[1].scores["at 2.5 times"] == judgement.effect
    assert judgement.notes[-1] == (
        "Longest tested length solved half of the time or more: 50 (2.5 times) from 1 to 20; 100 (2.5 times) from 1 "
        "to 40 (not judged)."
    )


def test_the_longest_length_must_have_been_tested():
    judgement = count_of()
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "arm missing")
    assert judgement.sentence == (
        "There are no runs of exact match at 2.5 times the training length with the longest training length."
    )


def test_one_training_maximum_that_is_not_fitted_bars_a_verdict():
    assert count_of(MIDDLE, length_100=HIGH).verdict == "not fitted"


def test_plain_parity_counts_though_it_is_not_fitted():
    judgement = judged("rasp/parity", {(WITHIN, (20, False)): MIDDLE})
    assert judgement.verdict == "reproduced"
    assert not judgement.left_out
    assert judgement.notes[-1].startswith("Plain parity within its training lengths: 0.600 [")
    assert judgement.notes[-1].endswith(", not fitted.")
    assert judged("rasp/parity").notes[-1].endswith(", fitted.")


def test_the_other_scratchpad_and_balanced_carries_are_noted_and_not_judged():
    other = {(mode_scratchpad.LONGER, (20, "by_appearance")): MIDDLE}
    (note,) = (note for note in judged("rasp/mode_scratchpad", other).notes if "not judged" in note)
    assert note.startswith("Exact match at length 30 with the other scratchpad, in order of first appearance: 0.600 [")
    carries = {(addition.HARD, (20, "reverse", True, 1.0)): MIDDLE, (addition.HARD, (20, "reverse", True, 0.0)): LOW}
    judgement = judged("rasp/addition", carries)
    start = "Exact match on hard carries at length 30 with reverse and hints, balanced minus standard: 0.590 ["
    assert judgement.notes[-1].startswith(start)
    assert "hard, 30 digits" in judgement.rows[0].scores


def test_one_scheme_without_the_contrast_refutes_and_rows_show_both_tasks():
    both = {(positions.LONGER, (task, 20, "rope", True)): LOW for task in positions.TASKS.tried}
    judgement = judged("rasp/positions", both)
    assert judgement.verdict == "not reproduced"
    assert "with rope positions and packed and shifted, sort" in judgement.sentence
    rows = {row.setting: row for row in judgement.rows}
    assert list(rows) == [
        f"{scheme}, {layout}" for scheme in ("alibi", "rope") for layout in ("one a row", "packed and shifted")
    ]
    assert rows["rope, packed and shifted"].interval("sort").estimate == pytest.approx(0.01)
    assert (
        rows["rope, one a row"].interval("sort").estimate > rows["rope, one a row"].interval("copy, repeated").estimate
    )


def test_a_scheme_counts_where_both_tasks_are_fitted():
    weak = {
        (AT_LONGEST, ("rasp_sort", 20, "rope", True)): MIDDLE,
        (positions.LONGER, ("rasp_sort", 20, "rope", True)): LOW,
    }
    judgement = judged("rasp/positions", weak)
    assert judgement.verdict == "reproduced"
    assert "the worst of 3; at least 0.25 is wanted" in judgement.sentence
