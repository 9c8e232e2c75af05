"""The studies of learning in context share papers and scores."""

from __future__ import annotations

import functools

from experiments.judging.axes import Score
from experiments.judging.claim import PILOTS, Claim

CLASSES = functools.partial(
    Claim,
    title="The mechanistic basis of data dependence and abrupt learning in an in-context classification task",
    arxiv="2312.03002",
    looked=PILOTS,
)
NEW = Score("new", "accuracy on new classes in context")
