"""The studies of implicit inference share a paper, arms and scores, all of them errors on early points."""

from __future__ import annotations

import functools
from typing import Any

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Claim
from experiments.judging.grid import Grid
from experiments.judging.measures import ERROR

TITLE = "Understanding Catastrophic Forgetting in Language Models via Implicit Inference"
ARXIV = "2309.10105"
POINTS = Axis("task.points", "points", (7,), single=True)
NAMES = {"none": "no tuning", "mixture": "tuning on the mixture", "pool": "tuning on the pool"}
TRIED = {
    "none": {"optim.lr": 0.0},
    "mixture": {"task.pooled": 0.5},
    "pool": {"task.pooled": 1.0},
}
TUNING = Axis("inference/tuning", "tuning", TRIED, names=NAMES, order={name: i for i, name in enumerate(NAMES)})
UNTUNED, ON_MIXTURE, ON_POOL = (TUNING.at(name) for name in NAMES)


def error(law: str, words: str, score: str = "error", **other: Any) -> Score:
    """Returns an error on the points after 1 to 3 examples, whose label has no noise."""
    return Score(law, words, score, measure=ERROR, **other)


CONTINUOUS = error("continuous/early", "error on the normal law")
POOL = error("pool/early", "error on the pool")
OPTIMUM = error(
    "continuous/early", "error of the mixture's posterior on the normal law", "squared_error", learner="bayes"
)
RIDGE = error("continuous/early", "error of ridge on the normal law", "squared_error", learner="ridge")
DISCRETE = error(
    "continuous/early", "error of the pool's posterior on the normal law", "squared_error", learner="discrete"
)
RIDGE_ON_POOL = error("pool/early", "error of ridge on the pool", "squared_error", learner="ridge")
OPTIMUM_ON_POOL = error("pool/early", "error of the mixture's posterior on the pool", "squared_error", learner="bayes")


def references(grid: Grid) -> list[str]:
    """Returns a note on the errors of the exact posteriors, beside which a model before tuning stands."""
    untuned = grid.where((UNTUNED,))
    if not untuned or OPTIMUM.learner not in set(grid.table["learner"]):
        return []

    def mean(score: Score) -> str:
        return f"{grid.cells(score).estimate(untuned[0]):.2f}"

    return [
        f"Before tuning, on the normal law: the mixture's posterior {mean(OPTIMUM)}, ridge {mean(RIDGE)}, the pool's "
        f"posterior {mean(DISCRETE)}, the model {mean(CONTINUOUS)}; on the pool: the mixture's posterior "
        f"{mean(OPTIMUM_ON_POOL)}, the model {mean(POOL)}."
    ]


ONE_POOL = "all seeds have one pool, on which, of the six that were looked at, the exact posteriors differ most"
claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV, scatter=0.1, looked=PILOTS)
