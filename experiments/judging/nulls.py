"""Simulates how often a criterion passes tables in which its claim is false, with the seeds and looks of its study.

The worlds are those of `experiments.judging.contract`: the claim is false by the least. The seeds of a setting scatter
about the world's mean in one of several ways, as their scatter decides how often chance passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.judging import looks
from experiments.judging.axes import Score, Setting
from experiments.judging.claim import Claim
from experiments.judging.contract import EXAMPLES, SEEDS, World, blank, scale
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Cells, Grid
from experiments.judging.statistics import LEVEL

Draw = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]  # of means (cells, 1): scores (cells, seeds)
CAMPS = (0.02, 0.98)  # the scores of two camps of seeds
_WIDEST = 0.45  # of a scatter on the arcsine scale, where that of seeds at 0 and 1 is more than a half


def about_one_value(spread: float) -> Draw:
    """Returns seeds with a standard deviation of `spread`, and less near 0 and 1: a beta distribution."""

    def draw(rng: np.random.Generator, means: np.ndarray, seeds: int) -> np.ndarray:
        most = means * (1 - means)  # of a variance
        size = most / np.minimum(spread**2, most / 3) - 1
        return rng.beta(means * size, (1 - means) * size, (len(means), seeds))

    return draw


def on_arcsine_scale(spread: float) -> Draw:
    """Returns seeds with a standard deviation of about `spread` on the arcsine scale: a beta distribution."""
    size = 1 / (4 * spread**2) - 1

    def draw(rng: np.random.Generator, means: np.ndarray, seeds: int) -> np.ndarray:
        return rng.beta(means * size, (1 - means) * size, (len(means), seeds))

    return draw


def in_two_camps(rng: np.random.Generator, means: np.ndarray, seeds: int) -> np.ndarray:
    """Returns seeds of which each has one of the scores CAMPS, with the right mean; a mean beyond them is the score."""
    low, high = CAMPS
    upper = rng.random((len(means), seeds)) < (means - low) / (high - low)
    return np.where((means > low) & (means < high), np.where(upper, high, low), means)


def recorded_scatter(criterion: Criterion, grid: Grid) -> float | None:
    """Returns the standard deviation of seeds on the arcsine scale that a record has where its verdict rests.

    It is that of all settings together (the root of the mean variance); None if no setting has two seeds.
    """
    settings = {setting for outcome in criterion.judge(grid).outcomes for setting in outcome.settings}
    scores = {score for part in criterion.parts() for score in part.quantity.scores() if not score.of_examples}
    cells = [(score, setting) for score in scores if score.kind.bounded for setting in settings]
    seeds = [[*map(score.kind.unit, grid.cells(score).scores.get(s, {}).values())] for score, s in cells]
    variances = [np.var(np.arcsin(np.sqrt(some)), ddof=1) for some in seeds if len(some) > 1]
    return min(math.sqrt(float(np.mean(variances))), _WIDEST) if variances else None


def scatters(claim: Claim, grid: Grid | None) -> dict[str, Draw]:
    """Returns the ways in which the seeds of a claim may scatter, by name.

    grid: its record by setting, None without one.
    """
    ways: dict[str, Draw] = {f"one value, SD {claim.scatter:g}": about_one_value(claim.scatter)}
    if grid and isinstance(claim.criterion, Criterion) and (own := recorded_scatter(claim.criterion, grid)):
        ways[f"as recorded, SD {own:.2f} on the arcsine scale"] = on_arcsine_scale(own)
    return ways | {"two camps": in_two_camps}


def false_positives(
    criterion: Criterion, means: World, tables: int, draw: Draw, seeds: Sequence[int] = (SEEDS,), seed: int = 0
) -> int:
    """Returns how many of so many simulated tables of a world the criterion calls reproduced.

    seeds: the number of those of each look. With two looks each has the level of two, and the second is taken where the
    first leaves the verdict open. True scores are measured on EXAMPLES examples.
    """
    rng, order, passed = np.random.default_rng(seed), list(means), 0
    grid = blank(criterion).at(LEVEL if len(seeds) == 1 else 1 - 2 * looks.TAIL)
    low, span = np.array([_range(criterion, score, means[score, s]) for score, s in order]).T[..., None]
    middle = np.clip(([[means[cell]] for cell in order] - low) / span, 1e-9, 1 - 1e-9)
    shares = np.array([[score.kind.share] for score, _ in order])
    for _ in range(tables):
        true = draw(rng, middle, sum(seeds))
        scores = low + span * np.where(shares, rng.binomial(EXAMPLES, true) / EXAMPLES, true)
        judgement = criterion.judge(grid.filled(_cells(order, scores[:, : seeds[0]])))
        if len(seeds) > 1 and looks.is_undecided(judgement):
            judgement = criterion.judge(grid.filled(_cells(order, scores)))
        passed += judgement.verdict == "reproduced"
    return passed


def _range(criterion: Criterion, score: Score, mean: float) -> tuple[float, float]:
    """Returns the least score and the span of scores: those of the measure, or a clear difference about the mean."""
    if score.kind.bounded:
        return score.kind.low, score.kind.span
    size = scale(criterion, [score])
    return mean - size / 2, size


def _cells(order: Sequence[tuple[Score, Setting]], scores: np.ndarray) -> Mapping[Score, Cells]:
    """Returns the scores (cells, seeds) by score, setting and seed."""
    by_score: dict[Score, dict[Setting, dict[int, float]]] = {}
    for (score, setting), values in zip(order, scores, strict=True):
        inside = [score.kind.inside(float(value)) for value in values]
        by_score.setdefault(score, {})[setting] = dict(enumerate(inside, 1))
    return {score: Cells(values, EXAMPLES, measure=score.kind) for score, values in by_score.items()}
