"""Criteria of the claims on length generalisation, on made-up tables for every verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies.rasp import positions as rasp_positions
from experiments.studies.rasp import table as rasp_table
from synthetic.rasp.programs import PROGRAMS, length
from tests.criteria import assert_drawn_and_printed, passes_by_chance
from tests.tables import Scores, made_up

HIGH, MIDDLE, LOW, SPREAD = (0.95, 0.93, 0.96), (0.6, 0.55, 0.62), (0.01, 0.0, 0.02), (0.0, 0.5, 0.99)
FIT = (0.99, 0.98, 1.0)


def table_of(short: Sequence[float], long: Sequence[float], fit: Mapping[str, Sequence[float]] | None = None):
    fit = fit or {}
    names = dict.fromkeys(rasp_table.SHORT, short) | dict.fromkeys(rasp_table.LONG, long)
    settings = {(n, 20): {"within": fit.get(n, FIT), "length_30": scores} for n, scores in names.items()}
    return made_up("rasp/table/cpu", ["task", "task.train_length"], settings)


def count_of(at_end: Sequence[float], fit: Sequence[float] = FIT, longest: int = 100):
    settings: dict[tuple[int], Scores] = {
        (20,): {"within": FIT, "length_30": MIDDLE, "length_50": LOW, f"length_{longest}": LOW},
        (40,): {"within": fit, "length_30": HIGH, "length_50": HIGH, f"length_{longest}": at_end},
    }
    return made_up("rasp/count_curves/cpu", ["task.train_length"], settings)


def addition_of(reverse: Sequence[float], forward: Sequence[float], fit: Sequence[float] = FIT):
    settings = {
        (6, order, hints, carries): {
            "within": fit if order == "forward" else FIT,
            "length_9": HIGH,
            "hard/length_9": at,
        }
        for order, at in (("reverse", reverse), ("forward", forward))
        for hints in (True, False)
        for carries in (0.0, 1.0)
    }
    return made_up("rasp/addition/cpu", ["task.train_length", "task.order", "task.hints", "task.carries"], settings)


def parity_of(scratchpad: Sequence[float], plain: Sequence[float], fit: Sequence[float] = FIT):
    settings = {
        (16, True): {"within": fit, "length_20": scratchpad},
        (16, False): {"within": MIDDLE, "length_20": plain},
    }
    return made_up("rasp/parity/cpu", ["task.train_length", "task.scratchpad"], settings)


def mode_of(plain: Sequence[float], bad: Sequence[float], fit: Sequence[float] = FIT):
    settings = {
        (20, kind): {"within": fit if kind == "by_count" else FIT, "length_30": at}
        for kind, at in (("none", plain), ("by_count", bad), ("by_appearance", MIDDLE))
    }
    return made_up("rasp/mode_scratchpad/cpu", ["task.train_length", "task.scratchpad"], settings)


def and_of(model: Sequence[float], interpolator: Sequence[float], fit: Sequence[float] = FIT):
    settings = {(n,): {"within": fit, "varied": model, "min_degree:varied": interpolator} for n in (2, 5)}
    return made_up("rasp/and/cpu", ["task.fixed"], settings)


def positions_of(sort: Sequence[float], copy: Sequence[float], fit: Sequence[float] = FIT):
    settings = {
        (task, 10, model, packing): {"within": fit, "length_15": at if model == "rope" else good}
        for task, at, good in (("rasp_sort", sort, HIGH), ("rasp_copy_repeated", copy, LOW))
        for model in ("rope", "alibi")
        for packing in (True, False)
    }
    return made_up("rasp/positions/cpu", rasp_positions.KEYS, settings)


Make = Callable[..., pl.DataFrame]
HALF = (0.5, 0.5, 0.5)
# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Make, tuple, tuple, tuple]] = {
    "rasp/table": (table_of, (HIGH, LOW), (MIDDLE, MIDDLE), (SPREAD, LOW)),
    "rasp/count_curves": (count_of, ((0.99, 0.98, 0.99),), (LOW,), ((0.99, 0.6, 0.99),)),
    "rasp/addition": (addition_of, (HIGH, LOW), (MIDDLE, HIGH), (SPREAD, LOW)),
    "rasp/parity": (parity_of, (HIGH, HALF), (HALF, HALF), (SPREAD, HALF)),
    "rasp/mode_scratchpad": (mode_of, (HIGH, MIDDLE), (HIGH, HIGH), (HIGH, SPREAD)),
    "rasp/and": (and_of, (FIT, HALF), (MIDDLE, HALF), (SPREAD, HALF)),
    "rasp/positions": (positions_of, (HIGH, LOW), (LOW, LOW), (SPREAD, LOW)),
}


def judged(claim: str, *scores: Sequence[float], **more: Sequence[float]):
    return claims.claim_for(claim).criterion(results.check(CASES[claim][0](*scores, **more)))


@pytest.mark.parametrize("claim", CASES)
def test_each_verdict_is_given_where_it_is_due(claim: str):
    _, good, bad, unclear = CASES[claim]
    assert judged(claim, *good).verdict == "reproduced"
    assert judged(claim, *bad).verdict == "not reproduced"
    assert judged(claim, *unclear).verdict == "inconclusive"
    assert judged(claim, *good).seeds == 3


@pytest.mark.parametrize("claim", [claim for claim in CASES if claim != "rasp/table"])
def test_nothing_is_concluded_where_training_is_not_fitted(claim: str):
    judgement = judged(claim, *CASES[claim][1], fit=MIDDLE)
    assert judgement.verdict == "not fitted"
    assert "0.9" in judgement.sentence


def test_a_task_that_is_not_fitted_is_left_out_and_named():
    judgement = claims.claim_for("rasp/table").criterion(table_of(HIGH, LOW, {"rasp_parity_plain": MIDDLE}))
    assert judgement.verdict == "reproduced"
    assert judgement.notes[0].endswith("0.590 at parity, plain.")
    none = claims.claim_for("rasp/table").criterion(table_of(HIGH, LOW, dict.fromkeys(rasp_table.LONG, MIDDLE)))
    assert none.verdict == "not fitted"


def test_settings_are_said_in_words_and_the_other_scratchpad_is_noted():
    notes = {claim: " ".join(judged(claim, *CASES[claim][1]).notes) for claim in CASES}
    assert "at no scratchpad." in notes["rasp/mode_scratchpad"]
    other = "with the other scratchpad, in order of appearance: 0.590 ["
    assert other in notes["rasp/mode_scratchpad"]
    assert "at reverse, hints, standard;" in notes["rasp/addition"]
    assert "at hints and scratchpad." in notes["rasp/parity"]
    for claim in ("rasp/table", "rasp/mode_scratchpad", "rasp/addition", "rasp/parity"):
        assert not any(raw in notes[claim] for raw in ("_", "true", "false"))


def test_program_lengths_are_recorded_as_they_are():
    recorded = dict(pl.read_csv(rasp_table.LENGTHS).iter_rows())
    assert recorded == {name: length(program) for name, program in PROGRAMS.items()}
    assert set(rasp_table.PROGRAMS.values()) <= set(recorded)


@pytest.mark.parametrize("text", ["program,steps,who\nsort,3,we\n", "operations\n3\n", ""])
def test_damaged_program_lengths_are_named_in_one_line(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rasp_table, "LENGTHS", tmp_path / "programs.csv")
    rasp_table.LENGTHS.write_text(text)
    with pytest.raises(RecordError, match=r"programs\.csv: ") as error:
        judged("rasp/table", *CASES["rasp/table"][1])
    assert "\n" not in str(error.value)


def test_the_longest_length_must_have_been_tested():
    judgement = claims.claim_for("rasp/count_curves").criterion(count_of(HIGH, longest=80))
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence == "Length 100, which is 2.5 times the longest training maximum, was not tested."


def test_one_scheme_without_the_contrast_is_enough():
    """All schemes but rope show it in these tables."""
    judgement = judged("rasp/positions", LOW, LOW)
    assert judgement.verdict == "not reproduced"
    assert "rope" in judgement.sentence


@pytest.mark.parametrize("claim", CASES)
def test_one_seed_or_a_missing_run_bars_a_verdict(claim: str):
    make, good, _, _ = CASES[claim]
    table = make(*good)
    criterion = claims.claim_for(claim).criterion
    assert criterion(table.filter(seed=0)).verdict == "inconclusive"
    run = table["run"][0]
    assert f"seed {table.filter(run=run)['seed'][0]}" in criterion(table.filter(pl.col("run") != run)).sentence


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    other = "rasp/and" if claim != "rasp/and" else "rasp/table"
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(CASES[other][0](*CASES[other][1]))


# Worlds in which a claim is false by the least, in one of its parts: mean scores as its table's arguments.
NULLS: dict[str, list[tuple[float, ...]]] = {
    "rasp/table": [(0.52, 0.02)],
    "rasp/count_curves": [(0.9,)],
    "rasp/addition": [(0.52, 0.02)],
    "rasp/parity": [(0.75, 0.5)],
    "rasp/mode_scratchpad": [(0.9, 0.7)],
    "rasp/and": [(0.9, 0.5)],
    "rasp/positions": [(0.27, 0.02)],
}


@pytest.mark.parametrize(("claim", "means"), [(claim, means) for claim in NULLS for means in NULLS[claim]])
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str, means: Sequence[float]):
    assert passes_by_chance(claim, CASES[claim][0], means) <= 0.05


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    assert_drawn_and_printed(claim, CASES[claim][0](*CASES[claim][1]), tmp_path)
