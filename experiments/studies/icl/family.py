"""The studies of learning in context share papers and scores.

in context: the answer on new classes, which only the context tells. in weights: that on trained classes that are not in
the context. moved: trained classes whose labels in the context contradict the weights.
"""

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
DATA = functools.partial(
    Claim,
    title="Data Distributional Properties Drive Emergent In-Context Learning in Transformers",
    arxiv="2205.05055",
    looked=PILOTS,
)
TASKS = functools.partial(
    Claim,
    title="General-Purpose In-Context Learning by Meta-Learning Transformers",
    arxiv="2212.04458",
    looked=PILOTS,
)
NEW = Score("new", "accuracy on new classes in context")
MOVED = Score("moved", "accuracy on trained classes with moved labels")
FROM_MEMORY = Score("moved", "answers from memory on moved labels", "from_memory")
WEIGHTS = Score("memory", "accuracy on trained classes that are not in context")
COMMON = Score("common", "accuracy on common classes that are not in context")
RARE = Score("rare", "accuracy on rare classes that are not in context")
