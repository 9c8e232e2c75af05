"""The studies of hints share a paper, the training length and scores by length."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Number, Score
from experiments.judging.claim import Claim
from experiments.judging.drawing import ByLength, Drawing
from experiments.judging.reading import Fitted

TITLE = "Improving Length-Generalization in Transformers via Task Hinting"
ARXIV = "2310.00726"
TRAINED = Axis("task.train_length", "training length", (6,), ("shortest", "longest"), single=True)
LONGEST = Score("length_{}", "exact match at the training length", number=Number(TRAINED))
THRICE = Score("length_{}", "exact match at {}", number=Number(TRAINED, 3.0))
FIT = Fitted(LONGEST)
DIFFERS = "The layout of hints is ours, as the paper's could not be read; shorter sequences of fewer numbers."

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def curves(by: Axis, legend: str) -> Drawing:
    """Returns a drawing of exact match against length, a curve for each value of `by`."""
    return Drawing((ByLength(scores={"": Score("length_{}")}, by=by, trained=TRAINED),), legend=legend)
