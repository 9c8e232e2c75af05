"""The criterion of markov/threshold on made-up tables: its verdicts, how often chance passes, and what it reports."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from experiments.judging.results import RecordError
from experiments.studies.markov.threshold import criterion, threshold
from tests.criteria import REPEATS
from tests.tables import EXAMPLES, STEP, threshold_of


def scores_around(rng: np.random.Generator, mean: float, spread: float, seeds: int) -> list[float]:
    true = np.clip(rng.normal(mean, spread, seeds), 0, 1)
    return list(rng.binomial(EXAMPLES, true) / EXAMPLES)


# --- verdicts


def test_a_step_is_reproduced():
    judgement = criterion(threshold_of(STEP))
    assert judgement.verdict == "reproduced"
    assert judgement.seeds == 3
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(0.98 - 0.002 / 3)
    assert judgement.effect.lower > 0.9


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ({10: (0.0, 0.0, 0.0), 1000: (0.2, 0.25, 0.22)}, "The rise is less than 0.5"),
        ({10: (0.0, 0.0, 0.0), 1000: (0.0, 0.0, 0.0)}, "The rise is less than 0.5"),
        ({10: (0.98, 0.99, 0.97), 1000: (0.1, 0.0, 0.0)}, "The rise is less than 0.5"),
        ({10: (0.3, 0.31, 0.29), 1000: (0.99, 0.99, 0.99)}, "The fewest rules already generalise"),
    ],
)
def test_what_is_no_step_is_not_reproduced(unseen: dict[int, tuple[float, ...]], why: str):
    judgement = criterion(threshold_of(unseen))
    assert judgement.verdict == "not reproduced"
    assert judgement.sentence.startswith(why)


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ({10: (0.0, 0.0, 0.0), 1000: (0.2, 0.9, 0.99)}, "The intervals are too wide"),
        ({10: (0.0, 0.2, 0.05), 1000: (0.99, 0.99, 0.98)}, "The intervals are too wide"),
        ({10: (0.0,), 1000: (0.98,)}, "There is one seed only"),
        ({1000: (0.98, 0.99, 0.98)}, "There is one number of rules only"),
        ({10: (0.0, 0.0, 0.0), 1000: (0.98, 0.99)}, "Runs are missing: 1,000 rules, seed 2"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(unseen: dict[int, tuple[float, ...]], why: str):
    judgement = criterion(threshold_of(unseen))
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence.startswith(why)


def test_runs_of_different_length_are_not_compared():
    longer = pl.col("final") & (pl.col("task.num_rules") == 10)
    table = threshold_of(STEP).with_columns(step=pl.when(longer).then(1500).otherwise("step"))
    judgement = criterion(table)
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence == "The runs ended at different steps, which bars a comparison: 1200, 1500."


def test_nothing_is_concluded_where_the_training_rules_are_not_learnt():
    seen = {10: (0.99, 0.99, 0.99), 100: (0.95, 0.89, 0.85), 1000: (0.99, 0.99, 0.99)}
    judgement = criterion(threshold_of(STEP, seen))
    assert judgement.verdict == "not fitted"
    assert judgement.sentence.endswith("0.897 at 100 rules.")


def test_fitted_means_nine_in_ten_on_average_and_no_less():
    assert criterion(threshold_of(STEP, dict.fromkeys(STEP, (0.9,) * 3))).verdict == "reproduced"
    assert criterion(threshold_of(STEP, dict.fromkeys(STEP, (0.899,) * 3))).verdict == "not fitted"


def test_a_run_that_diverged_scores_zero_and_is_named():
    judgement = criterion(threshold_of(STEP, diverged=[(1000, 1)]))
    assert judgement.verdict == "not fitted"
    assert "0.660 at 1,000 rules" in judgement.sentence
    assert judgement.rows[-1].scores["unseen"].estimate == pytest.approx((0.98 + 0.99) / 3)
    assert judgement.notes[-1] == "Diverged, and counted as scores of 0: 1,000 rules, seed 1."


# Five seeds that agree, so that only the test set's error is left and the bounds are known.
@pytest.mark.parametrize(
    ("unseen", "verdict"),
    [
        ({10: (0.0,) * 5, 1000: (0.54,) * 5}, "inconclusive"),  # lower bound of the rise just below 0.5
        ({10: (0.0,) * 5, 1000: (0.55,) * 5}, "reproduced"),
        ({10: (0.0,) * 5, 1000: (0.45,) * 5}, "not reproduced"),
        ({10: (0.0,) * 5, 1000: (0.46,) * 5}, "inconclusive"),  # upper bound of the rise just above 0.5
        ({10: (0.07,) * 5, 1000: (0.99,) * 5}, "reproduced"),
        (
            {10: (0.08,) * 5, 1000: (0.99,) * 5},
            "inconclusive",
        ),  # upper bound at the fewest rules just above 0.1
        ({10: (0.12,) * 5, 1000: (0.99,) * 5}, "inconclusive"),
        ({10: (0.13,) * 5, 1000: (0.99,) * 5}, "not reproduced"),
    ],
)
def test_verdicts_turn_where_the_bounds_cross_the_criterion(unseen: dict[int, tuple[float, ...]], verdict: str):
    assert criterion(threshold_of(unseen)).verdict == verdict


def test_a_table_of_something_else_is_refused():
    with pytest.raises(RecordError, match=r"sweeps nothing, where task.num_rules alone is wanted"):
        criterion(threshold_of(STEP).drop("task.num_rules"))
    with pytest.raises(RecordError, match="no condition unseen/applied of the model, only seen/applied"):
        criterion(threshold_of(STEP).filter(condition="seen/applied"))


# --- how often chance passes

# Worlds in which the claim is false: unseen exact match (mean, spread) at the fewest and at the most rules.
NULLS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "nothing generalises": ((0.01, 0.01), (0.01, 0.01)),
    "everything generalises": ((0.9, 0.1), (0.9, 0.1)),
    "everything half, seeds scatter": ((0.5, 0.3), (0.5, 0.3)),
    "a rise of exactly 0.5": ((0.02, 0.01), (0.52, 0.05)),
    "the fewest rules at exactly 0.1": ((0.1, 0.03), (0.95, 0.02)),
}


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("world", NULLS)
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(world: str, seeds: int):
    fewest, most = NULLS[world]
    rng, repeats = np.random.default_rng(seeds), REPEATS
    tables = (
        threshold_of({10: scores_around(rng, *fewest, seeds), 1000: scores_around(rng, *most, seeds)})
        for _ in range(repeats)
    )
    passed = sum(criterion(table).verdict == "reproduced" for table in tables)
    assert passed / repeats <= 0.05


@pytest.mark.parametrize("seeds", [3, 5])
def test_seeds_in_two_camps_seldom_make_a_step(seeds: int):
    """Seeds that score 0 or 1 by chance, whatever the rules; with two seeds one table in 16 would pass."""
    rng, repeats = np.random.default_rng(seeds), 100
    camps = ({rules: list(rng.integers(0, 2, seeds) / 1) for rules in (10, 1000)} for _ in range(repeats))
    assert sum(criterion(table).verdict == "reproduced" for table in map(threshold_of, camps)) <= 0.05 * repeats


def test_the_finding_is_found_where_it_is():
    """The criterion is no formality: three seeds with the scatter of pilot runs nearly always pass."""
    rng, repeats = np.random.default_rng(0), 100
    tables = (
        threshold_of({10: scores_around(rng, 0.003, 0.002, 3), 1000: scores_around(rng, 0.97, 0.02, 3)})
        for _ in range(repeats)
    )
    assert sum(criterion(table).verdict == "reproduced" for table in tables) >= 0.95 * repeats


# --- what is measured but not judged


def test_the_threshold_is_interpolated_on_the_logarithm():
    crossing = threshold({10: {0: 0.0, 1: 0.0}, 1000: {0: 1.0, 1: 1.0}})
    assert crossing is not None
    assert crossing.estimate == pytest.approx(100)
    assert threshold({10: {0: 0.0, 1: 0.0}, 1000: {0: 1.0, 1: 0.4}}) is None


def test_threshold_and_shape_are_reported():
    notes = criterion(threshold_of({**STEP, 30: (0.0, 0.0, 0.0)})).notes
    assert notes[0].startswith("Unseen rules reach 0.5 at 2")
    assert notes[1] == "83% of the rise lies between 100 and 1,000 rules, 1 of 3 steps of the grid (not judged)."
