"""Criteria of the claims on learning Boolean functions in context, on made-up tables for every verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies.boolean import common as in_context
from tests.criteria import assert_drawn_and_printed, passes_by_chance
from tests.tables import Scores, made_up

BEST, HIGH, MIDDLE, LOW, SPREAD = (
    (1.0, 1.0, 1.0),
    (0.98, 0.99, 0.98),
    (0.85, 0.86, 0.84),
    (0.5, 0.52, 0.49),
    (0.5, 0.9, 1.0),
)


def curves_of(conjunction: Sequence[float], parity: Sequence[float]) -> pl.DataFrame:
    settings: dict[tuple[str], Scores] = {}
    for family, model in (("conjunction", conjunction), ("parity", parity)):
        at = {f"unseen@{p}": model for p in range(3)} | {f"bayes:unseen@{p}": BEST for p in range(3)}
        settings[(family,)] = {"unseen": model, "bayes:unseen": BEST, "nearest_neighbours:unseen": LOW, **at} | {
            f"nearest_neighbours:unseen@{p}": LOW for p in range(3)
        }
    return made_up("boolean/curves/cpu", ["task.family"], settings)


def table_of(attention: Sequence[float], rivals: Sequence[float]) -> pl.DataFrame:
    settings = {
        (family, mixer): {"unseen": attention if mixer == "attention" else rivals, "most_similar:unseen": BEST}
        for family in ("conjunction", "nearest_neighbour")
        for mixer in ("attention", "lstm", "hyena")
    }
    return made_up("boolean/table/cpu", ["task.family", "model.mixer"], settings)


def teaching_of(taught: Sequence[float], plain: Sequence[float]) -> pl.DataFrame:
    settings = {
        (family, 8, teaching): {"unseen": BEST, "unseen@10": at}
        | {f"{learner}:unseen{at_}": LOW for learner in ("nearest_neighbours", "bayes") for at_ in ("", "@10")}
        for family in ("conjunction", "sparse_parity")
        for teaching, at in ((True, taught), (False, plain))
    }
    return made_up("boolean/teaching/cpu", ["task.family", "task.dimensions", "task.teaching"], settings)


def algorithms_of(prefix: Sequence[float], plain: Sequence[float]) -> pl.DataFrame:
    settings = {
        (family, share): {
            "unseen/prefix": prefix if share else LOW,
            "unseen/plain": plain if share else HIGH,
            "bayes:unseen/plain": BEST,
        }
        for family in ("conjunction", "sparse_parity")
        for share in (0.0, 0.5)
    }
    return made_up("boolean/two_algorithms/cpu", ["task.family", "task.teaching_share"], settings)


def noise_of(clean: Sequence[float], noisy: Sequence[float]) -> pl.DataFrame:
    settings = {
        (noise,): {"unseen": noisy if noise else clean, "bayes:unseen": BEST, "null:unseen": LOW}
        for noise in (0.0, 0.1, 0.3)
    }
    return made_up("boolean/noise/cpu", ["task.noise_rate"], settings)


def diversity_of(many: Sequence[float], few: Sequence[float], seen: Sequence[float] = HIGH) -> pl.DataFrame:
    settings = {(pool,): {"unseen": few if pool == 8 else many, "seen": seen} for pool in (0, 8, 512)}
    return made_up("boolean/diversity/cpu", ["task.pool"], settings)


def frozen_of(trained: Sequence[float], frozen: Sequence[float]) -> pl.DataFrame:
    settings = {
        ("conjunction", kind): {"unseen": at, "bayes:unseen": BEST, "nearest_neighbours:unseen": LOW}
        for kind, at in ((False, trained), (True, frozen))
    }
    return made_up("boolean/frozen/cpu", ["task.family", "model.frozen"], settings)


# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Callable[..., pl.DataFrame], tuple, tuple, tuple]] = {
    "boolean/curves": (curves_of, ((0.995, 0.996, 0.995), LOW), (MIDDLE, LOW), (SPREAD, LOW)),
    "boolean/table": (table_of, (HIGH, MIDDLE), (HIGH, HIGH), (SPREAD, MIDDLE)),
    "boolean/teaching": (teaching_of, (BEST, MIDDLE), (MIDDLE, LOW), (BEST, SPREAD)),
    "boolean/two_algorithms": (algorithms_of, (BEST, HIGH), (BEST, MIDDLE), (BEST, SPREAD)),
    "boolean/noise": (noise_of, (HIGH, HIGH), (HIGH, MIDDLE), (HIGH, SPREAD)),
    "boolean/diversity": (diversity_of, (HIGH, LOW), (HIGH, HIGH), (HIGH, SPREAD)),
    "boolean/frozen": (frozen_of, (HIGH, MIDDLE), (HIGH, HIGH), (HIGH, SPREAD)),
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


@pytest.mark.parametrize("claim", CASES)
def test_one_seed_or_a_missing_run_bars_a_verdict(claim: str):
    make, good, _, _ = CASES[claim]
    table, criterion = make(*good), claims.claim_for(claim).criterion
    assert criterion(table.filter(seed=0)).verdict == "inconclusive"
    first_and_last = [criterion(table.filter(pl.col("run") != table["run"][place])).verdict for place in (0, -1)]
    assert "inconclusive" in first_and_last


def test_a_parity_that_is_learnt_is_against_the_claim():
    assert judged("boolean/curves", HIGH, HIGH).verdict == "not reproduced"


def test_a_pool_that_is_not_even_known_says_nothing():
    assert judged("boolean/diversity", HIGH, LOW, seen=MIDDLE).verdict == "not fitted"


def test_the_optimum_is_the_posterior_or_else_the_best_baseline():
    table = curves_of(HIGH, LOW)
    _, names = in_context.optimum(table, ["task.family"])
    assert set(names.values()) == {"bayes"}
    _, names = in_context.optimum(table.filter(pl.col("learner") != "bayes"), ["task.family"])
    assert set(names.values()) == {"nearest_neighbours"}


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    other = "boolean/noise" if claim != "boolean/noise" else "boolean/table"
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(CASES[other][0](*CASES[other][1]))


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        (
            "boolean/table",
            "On conjunction: 0.983 of attention, 0.850 to 0.850 of its rivals, 0 of 2 above (not judged).",
        ),
        ("boolean/teaching", "at conjunction, teaching; 1.000 [1.000, 1.000] at sparse parity, teaching."),
        ("boolean/frozen", "at conjunction, frozen."),
        ("boolean/diversity", "at an unlimited pool."),
    ],
)
def test_notes_are_in_words(claim: str, note: str):
    notes = judged(claim, *CASES[claim][1]).notes
    assert any(said.endswith(note) for said in notes), notes


def test_a_class_that_no_run_learns_without_a_sequence_is_noted():
    table = algorithms_of(BEST, HIGH)
    lost = (pl.col("task.family") == "sparse_parity") & (pl.col("condition") == "unseen/plain")
    at_chance = table.with_columns(exact_match=pl.when(lost).then(0.5).otherwise("exact_match"))
    note = "Without a sequence at chance in every arm, where nothing can be lost: sparse parity (not judged)."
    criterion = claims.claim_for("boolean/two_algorithms").criterion
    assert note in criterion(at_chance).notes
    assert not any("chance" in said for said in criterion(table).notes)


# Worlds in which a claim is false by the least, in one of its parts: mean scores as its table's arguments.
SCATTER = 0.01  # of true scores over seeds
NULLS: dict[str, list[tuple[float, ...]]] = {
    "boolean/curves": [(0.97, 0.5), (0.995, 0.6)],
    "boolean/table": [(0.9, 0.85)],
    "boolean/teaching": [(0.99, 0.94), (0.95, 0.8)],
    "boolean/two_algorithms": [(0.95, 0.98), (0.99, 0.933)],
    "boolean/noise": [(0.95, 0.9)],
    "boolean/diversity": [(0.95, 0.85)],
    "boolean/frozen": [(0.95, 0.9)],
}


@pytest.mark.parametrize(("claim", "means"), [(claim, means) for claim in NULLS for means in NULLS[claim]])
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str, means: Sequence[float]):
    assert passes_by_chance(claim, CASES[claim][0], means, spread=SCATTER) <= 0.05


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    assert_drawn_and_printed(claim, CASES[claim][0](*CASES[claim][1]), tmp_path)
