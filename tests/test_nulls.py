"""Simulated seeds have the mean of their world however they scatter, and pass false claims as seldom as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.judging import contract, nulls
from experiments.judging.axes import Axis, Score
from experiments.judging.criterion import Criterion

MEANS = np.array([0.05, 0.3, 0.5, 0.9, 1 - 1e-9])[:, None]
SCORE = Score("test")
ARM = Axis("toy.arm", "arm", ("less", "more"))
CRITERION = Criterion(axes=(ARM,), bounds=((SCORE.at(ARM.at("more")) - SCORE.at(ARM.at("less"))).at_least(0.4),))
((_, FALSE),) = contract.worlds(CRITERION)


@pytest.mark.parametrize("draw", [nulls.about_one_value(0.05), nulls.on_arcsine_scale(0.2), nulls.in_two_camps])
def test_seeds_of_every_scatter_have_the_mean_of_their_world_and_are_scores(draw):
    scores = draw(np.random.default_rng(0), MEANS, 40_000)
    assert scores.mean(1) == pytest.approx(MEANS[:, 0], abs=0.01)
    assert (scores >= 0).all()
    assert (scores <= 1).all()


def test_seeds_that_scatter_about_one_value_have_the_standard_deviation_asked_for():
    rng = np.random.default_rng(0)
    assert nulls.about_one_value(0.05)(rng, MEANS, 40_000).std(1)[1:4] == pytest.approx(0.05, abs=0.001)
    angles = np.arcsin(np.sqrt(nulls.on_arcsine_scale(0.1)(rng, MEANS, 40_000)))
    assert angles.std(1)[1:4] == pytest.approx(0.1, abs=0.01)


def test_the_scatter_of_a_record_is_that_of_the_settings_on_which_its_verdict_rests():
    angles = {"less": (0.3, 0.4, 0.5), "more": (1.0, 1.2, 1.4)}
    cells = {(SCORE, (arm,)): [math.sin(angle) ** 2 for angle in some] for arm, some in angles.items()}
    grid = CRITERION.grid(contract.table("toy/arms/cpu", (ARM,), cells))
    assert nulls.recorded_scatter(CRITERION, grid) == pytest.approx(math.sqrt((0.1**2 + 0.2**2) / 2))


def rate(draw: nulls.Draw, *seeds: int) -> float:
    """Returns the share of 600 tables of the false world that pass."""
    return nulls.false_positives(CRITERION, FALSE, 600, draw, seeds) / 600


@pytest.mark.slow
def test_seeds_about_one_value_pass_a_false_claim_seldom_with_one_look_and_with_two():
    spread = nulls.about_one_value(0.05)
    assert rate(spread, 6) <= 0.04
    assert rate(spread, 6, 6) <= 0.04


@pytest.mark.slow
def test_seeds_in_two_camps_pass_a_false_claim_too_often_where_they_are_three():
    """What the words about chance say: one value of 3 seeds may be one camp of two."""
    assert rate(nulls.in_two_camps, 3) > 0.05
    assert rate(nulls.in_two_camps, 6) < rate(nulls.in_two_camps, 3)
