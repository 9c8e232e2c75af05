"""The studies of length generalisation share a paper, axes, scores and curves."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Number, Score
from experiments.judging.claim import Claim
from experiments.judging.drawing import ByLength, Drawing
from experiments.judging.reading import Fitted

TITLE = "What Algorithms can Transformers Learn? A Study in Length Generalization"
ARXIV = "2310.16028"
TASK = Axis("task", "task")
TRAINED = Axis("task.train_length", "training length", (20,), ("shortest", "longest"), single=True)
SCRATCHPAD = Axis("task.scratchpad", "scratchpad")
WITHIN = Score("within", "exact match within the training lengths")
# Whether training is fitted is read where it is hardest: at the longest length that a run was trained on.
AT_LONGEST = Score("length_{}", "exact match at the longest training length", number=Number(TRAINED, own=True))
FIT = Fitted(AT_LONGEST)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def longer(times: float = 1.0, plus: int = 0, *, own: bool = False, hard: bool = False) -> Score:
    """Returns the score of the whole answer on problems so many times, and so much, longer than those in training.

    own: longer than the longest of each run's own training. hard: on sums of one carry chain through all digits.
    """
    name, on = ("hard/length_{}", " on hard carries") if hard else ("length_{}", "")
    return Score(name, f"exact match{on} at {{}}", number=Number(TRAINED, times, plus, own))


def curves(by: Axis, legend: str, *, half: bool = False) -> Drawing:
    """Returns a drawing of exact match against the length of the problem, a curve for each value of `by`.

    half: whether it has a line at one half.
    """
    panel = ByLength(scores={"": Score("length_{}")}, by=by, trained=TRAINED, half=half)
    return Drawing((panel,), legend=legend)
