"""The studies of length generalisation share a paper, axes and scores."""

from __future__ import annotations

import functools

from experiments.judging.claim import Claim
from experiments.judging.criterion import Fitted
from experiments.judging.grid import Axis, Number, Score

TITLE = "What Algorithms can Transformers Learn? A Study in Length Generalization"
ARXIV = "2310.16028"
TASK = Axis("task", "task")
TRAINED = Axis("task.train_length", "training length", (20,), ("shortest", "longest"), single=True)
WITHIN = Score("within", "exact match within the training lengths")
FIT = Fitted(WITHIN)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def longer(times: float = 1.0, plus: int = 0, prefix: str = "") -> Score:
    """Exact match of the whole answer on problems so many times, and so much, longer than the longest in training."""
    return Score(f"{prefix}length_{{}}", "exact match at {}", number=Number(TRAINED, times, plus))
