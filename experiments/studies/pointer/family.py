"""The studies of pointer networks share a paper, the axis of points, and scores of decoded answers."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Number, Score
from experiments.judging.claim import Claim
from experiments.judging.reading import Fitted

TITLE = "Pointer Networks"
ARXIV = "1506.03134"
POINTS = Axis("task.max_points", "most points in training", (8,), ("fewest", "most"), single=True)
WITHIN = Score("within", "hulls found with as many points as in training", "polygon_match")
FITTED = 0.65  # of the hulls of the most points in training, of which the paper's own models find 0.7


def at(times: float, score: str = "polygon_match", words: str = "hulls found") -> Score:
    """Returns a score of decoded answers on so many times the most points in training."""
    number = Number(POINTS, times, said="{:,} points")
    return Score("points_{}", f"{words} of {{}}", score, number=number)


AT_MOST = at(1)
# Whether training is fitted is read from the next vertex, given the right ones before it.
FIT = Fitted(Score("points_{}", "exact match on the most points in training", number=Number(POINTS)), FITTED)
BY_POINTS = Score("points_{}", "hulls found", "polygon_match")

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)
