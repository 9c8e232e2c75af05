"""What is special to the studies of linear learners and of bags: octaves of steps and of examples, verdicts by test."""

from __future__ import annotations

import math

import polars as pl
import pytest

from experiments.judging import contract, octaves, results
from experiments.judging.axes import Axis, Score
from experiments.judging.grid import Grid
from experiments.studies.linear import generative, large_steps
from experiments.studies.mil import unit_tests

SET = Score("set")
RATE = Axis("optim.lr", "rates", (1.0, 10.0))


def by_step(*rows: tuple[int, float, float]) -> pl.DataFrame:
    """A table of two rates and three seeds, all with these exact matches and losses at these steps."""
    table = contract.table("made/up/cpu", (RATE,), {(SET, (rate,)): [1.0] * 3 for rate in (1.0, 10.0)})
    first = table.filter(pl.col("final"))
    at = [
        first.with_columns(
            pl.lit(step, pl.Int64).alias("step"),
            pl.lit(step == rows[-1][0]).alias("final"),
            pl.lit(match).alias("exact_match"),
            pl.lit(loss).alias("nll"),
        )
        for step, match, loss in rows
    ]
    return pl.concat(at).select(table.columns)


@pytest.mark.parametrize(
    ("rows", "steps", "reached", "peak"),
    [
        (((1, 0.5, 3.0), (4, 1.0, 5.0), (8, 0.9, 9.0), (64, 1.0, 0.1)), 4, 1.0, 5.0),
        (((1, 0.5, 3.0), (4, 0.9, 5.0), (64, 0.9, 0.1)), 64, 0.0, 5.0),
        (((1, 1.0, 3.0), (64, 0.9, 7.0)), 1, 1.0, 3.0),
    ],
)
def test_steps_are_those_of_the_first_evaluation_without_error_and_the_peak_is_before(rows, steps, reached, peak):
    view = octaves.BySteps("set")
    table = view(by_step(*rows))
    assert view(table) is table
    grid = Grid(results.check(table), (RATE,))
    for name, measure, value in (
        (octaves.NAME, octaves.OF_STEPS, math.log2(steps)),
        (octaves.REACHED_NAME, octaves.REACHED, reached),
        (octaves.PEAK_NAME, octaves.PEAK, peak),
    ):
        cells = grid.cells(Score("set", score=name, measure=measure)).scores
        assert {s: [*seeds.values()] for s, seeds in cells.items()} == {
            (rate,): pytest.approx([value] * 3) for rate in (1.0, 10.0)
        }


def by_examples(*scores: float, learner: str = "model") -> pl.DataFrame:
    """A record of the study of naive Bayes: exact match on new vectors at 4, 8, 16 ... examples, whatever the seed."""
    values = [2 ** (n + 2) for n in range(len(scores))]
    tried = {f"m_{m}": {"task.examples": m} for m in values}
    axes = (generative.DIMENSIONS, Axis("linear/examples", "examples", tried, typed=("task.examples",)))
    fresh = (Score("fresh"), Score("fresh", learner=learner))
    cells = {
        (score, (n, f"m_{m}")): [match if score.learner == learner else 0.5] * 3
        for n in generative.DIMENSIONS.tried
        for m, match in zip(values, scores, strict=True)
        for score in fresh
    }
    return contract.table("linear/generative/cpu", axes, cells)


def test_examples_are_interpolated_between_the_numbers_that_were_tried_for_each_learner():
    view = octaves.ByAxis("linear/examples", "fresh", 0.99, "task.examples")
    for scores, place, reached in (
        ((0.5, 0.98, 1.0, 1.0), 3.5, 1.0),
        ((0.99, 0.5, 1.0), 2.0, 1.0),
        ((0.5, 0.6, 0.7), 4.0, 0.0),
    ):
        for learner in ("model", "naive_bayes"):
            table = view(by_examples(*scores, learner=learner))
            assert view(table) is table
            grid = Grid(results.check(table), generative.CLAIM.criterion.axes)
            score = generative.BAYES if learner == "naive_bayes" else generative.REGRESSION
            octaves_of = grid.cells(score).scores
            assert octaves_of.keys() == {(n,) for n in generative.DIMENSIONS.tried}
            assert all([*seeds.values()] == pytest.approx([place] * 3) for seeds in octaves_of.values())
            if learner == "model":
                assert {*grid.cells(generative.REACHED).scores[50,].values()} == {reached}


def test_the_exponents_are_the_slopes_of_octaves_in_octaves():
    n_to_octaves = {50: 6.0, 100: 7.0, 400: 9.0}
    cells = {(generative.REGRESSION, (n,)): [y] * 3 for n, y in n_to_octaves.items()}
    cells |= {(generative.BAYES, (n,)): [2.0] * 3 for n in n_to_octaves}
    (note,) = generative._exponents(generative.CLAIM.criterion.grid(contract.made(generative.CLAIM, cells)))
    assert "logistic regression 1.000 [" in note
    assert "0.000 [" in note.split("naive Bayes")[1]


def test_steps_are_said_and_those_that_are_not_enough():
    settings = contract.settings(large_steps.CLAIM.criterion.axes)
    cells = {
        (score, s): [x] * 3 for score, x in ((large_steps.STEPS, 3.0), (large_steps.SEPARATED, 1.0)) for s in settings
    }
    slow = ("spread", "step_03")
    cells |= {(large_steps.STEPS, slow): [11.0] * 3, (large_steps.SEPARATED, slow): [0.0] * 3}
    (note,) = large_steps._steps(large_steps.CLAIM.criterion.grid(contract.made(large_steps.CLAIM, cells)))
    assert "random points, descent at 0.3 2,048, or more; random points, descent at 3 8;" in note


def test_each_pooling_passes_or_fails_each_test_or_does_not_fit():
    cells = {(unit_tests.FLIPPED, ("cue", "max")): [0.01, 0.02, 0.01], (unit_tests.AREA, ("cue", "max")): [0.0] * 3}
    cells |= {(unit_tests.FRESH, ("cue", "mean")): [0.7] * 3, (unit_tests.FLIPPED, ("cue", "sum")): [0.7] * 3}
    cells |= {(unit_tests.FLIPPED, ("cue", "best")): [0.96, 0.97, 0.96]}
    grid = unit_tests.CLAIM.criterion.grid(contract.made(unit_tests.CLAIM, cells))
    assert unit_tests._verdicts(grid)[0].startswith(
        "One concept: max fails, area below a half; mean not fitted (0.70), area above a half; sum is between"
    )
    assert "best instance passes, area above a half" in unit_tests._verdicts(grid)[0]
