"""The studies of rewriting share a paper, axes and scores."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim
from experiments.judging.reading import Fitted

TITLE = "Only-IF: Revealing the Decisive Effect of Instruction Diversity on Generalization"
ARXIV = "2410.04717"
RULES = Axis("task.num_rules", "rules", tried=(100, 1000))
TASK = Axis("task", "task")
TRAIN = Score("train", "exact match on the training set")
SEEN = Score("seen/applied", "exact match on seen rules")
UNSEEN = Score("unseen/applied", "exact match on unseen rules")
FIT = Fitted(TRAIN)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)
