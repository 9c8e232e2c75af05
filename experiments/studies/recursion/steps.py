"""One step of a traversal is learnt where the whole is not (arXiv:2401.12947)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.recursion.family import DIFFERS, claim

_NAMES = {"value": "at once", "step": "one step", "steps": "all steps"}
ANSWER = Axis("recursion/answer", "answer", tried=("value", "step"), names=_NAMES)
VALUE, STEP = ANSWER.at("value"), ANSWER.at("step")
WITHIN = Score("within", "exact match on held-out trees")
SPINE = Score("spine", "exact match on left spines of the largest size in training")
_SCORES = {
    "within": WITHIN,
    "spine": SPINE,
    "largest": Score("largest", "exact match on the largest trees in training"),
}

CLAIM = claim(
    name="recursion/steps",
    question="Is one step of a traversal learnt where the whole traversal is not?",
    where="atomic parts against the whole",
    text=(
        "One step of the in-order traversal of a tree is learnt even on left spines, which training hardly has and "
        "where most labels wait; the whole traversal at once is right on them far less often."
    ),
    setting="answer",
    reading="Both have the same trees and steps; a step's prompt is any line on the way.",
    looked=(
        "Sizes were chosen by looking at seeds 0 and 1, which are not among the seeds reported. So were the least "
        "difference (0.3; first 0.2) and the bound on single steps, as these were wrong on most spines there."
    ),
    differs=DIFFERS,
    criterion=Criterion(
        axes=(ANSWER,),
        read=(Fitted(WITHIN),),
        bounds=((SPINE.at(STEP) - SPINE.at(VALUE)).at_least(0.3), SPINE.at(STEP).at_least(0.7)),
    ),
    rows=Rows(_SCORES),
    figure=Drawing((Bars(scores=_SCORES),), legend="trees"),
    facts=(
        Fact(
            "Single steps are learnt well, where the traversal from end to end often fails.",
            "a reader's note on the forerunner",
        ),
    ),
)
