"""The studies of Boolean functions in context share a paper, axes and scores."""

from __future__ import annotations

import functools

from experiments.judging.axes import BEST, Axis, Score
from experiments.judging.claim import Claim
from experiments.judging.grid import Grid

TITLE = "Understanding In-Context Learning in Transformers and LLMs by Learning to Learn Discrete Functions"
ARXIV = "2310.03016"
FAMILY = Axis("task.family", "class", ("conjunction", "nearest_neighbour"))
UNSEEN = Score("unseen", "accuracy on held-out functions at the last point")
OPTIMUM = Score("unseen", "accuracy of the optimum at the last point", learner=BEST)
NEIGHBOURS = "nearest_neighbours"
AT_NEIGHBOURS = Score("unseen", "accuracy of nearest neighbours at the last point", learner=NEIGHBOURS)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV, scatter=0.01)


def optima(grid: Grid) -> list[str]:
    """Returns a note that names the optimum of every setting."""
    return [
        f"Optimum: {', '.join(f'{name} for {grid.format_setting(s)}' for s, name in grid.optimum('unseen').items())}."
    ]
