"""Learning in context appears at once, after a plateau (arXiv:2312.03002, Fig. 3 and 4)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import AgainstSteps, Drawing
from experiments.judging.grid import Grid
from experiments.judging.reached import steps_reached
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.icl.family import CLASSES, NEW
from experiments.studies.icl.timing import AFTER, BEFORE, FLAT, HIGH, SUDDEN, with_timing

_HEAD = "induction_head"
_NAMES = {"attention_only": "transformer", "attention_only_wide": "transformer", _HEAD: "three scalars"}
MODEL = Axis("model", "model", ("attention_only", _HEAD), names=_NAMES)
TRANSFORMER, HEAD = MODEL.but(_HEAD).named("a transformer"), MODEL.at(_HEAD)
SUDDENNESS = Score("new", "steps until 0.3 over steps until 0.8 of the accuracy on new classes", SUDDEN)
PLATEAU = Score("new", "share of the time below 0.3 at which any label of the context is said", FLAT)
HEAD_BEFORE = Score("new", "attention to the right label before the rise", BEFORE)
HEAD_AFTER = Score("new", "attention to the right label after the rise", AFTER)
CONTEXT = Score("new", "answers that are a label of the context", "from_context")
INDUCTION = Score("new", "attention to the right label", "induction")


def _times(grid: Grid) -> list[str]:
    """Returns a note on the steps at which each model's accuracy comes up to HIGH."""
    parts = [
        f"{pick.words()} {time}"
        for pick in (TRANSFORMER, HEAD)
        if grid.where((pick,)) and (time := steps_reached(grid, NEW, HIGH, pick))
    ]
    return [f"Steps until the accuracy on new classes is {HIGH:g}: {'; '.join(parts)}."] if parts else []


CLAIM = CLASSES(
    name="icl/abrupt",
    question="Does learning in context appear at once?",
    where="Fig. 3 and 4, A.2",
    text=(
        "After a plateau at which some label of the context is said, whichever, the accuracy of a transformer on new "
        "classes rises at once, when an induction head has formed."
    ),
    setting="model",
    reading=(
        "The rise is from an accuracy of 0.3 to 0.8. Contexts have eight classes with one item each, so that any label "
        "of the context is right once in eight; the plateau is within 0.06 of that, with 70 % of the answers labels of "
        "the context. The induction head of three scalars, which is ours with the parts that the paper names, is drawn "
        "and not judged: the label that it attends to most is soon the right one, long before it attends to no other."
    ),
    differs=(
        "Adam and layer norms, items of 32 numbers, one-hot labels and contexts of new classes alone; the original has "
        "SGD, no norms, items of 63 numbers and new classes in 80 % of the contexts."
    ),
    criterion=Criterion(
        axes=(MODEL,),
        view=with_timing,
        read=(Fitted(NEW),),
        bounds=(
            SUDDENNESS.at(TRANSFORMER).at_least(0.7),
            PLATEAU.at(TRANSFORMER).at_least(0.35),
            HEAD_BEFORE.at(TRANSFORMER).at_most(0.35),
            HEAD_AFTER.at(TRANSFORMER).at_least(0.5),
        ),
        whole=True,
    ),
    rows=Rows(
        {
            "sudden": SUDDENNESS,
            "plateau": PLATEAU,
            "head before": HEAD_BEFORE,
            "head after": HEAD_AFTER,
            "accuracy": NEW,
        }
    ),
    notes=(_times,),
    figure=Drawing(
        (
            AgainstSteps(score=NEW, by=MODEL, seeds=True, title="accuracy", xlabel="step", ylabel="on new classes"),
            AgainstSteps(score=CONTEXT, by=MODEL, seeds=True, title="some label of the context", xlabel="step"),
            AgainstSteps(score=INDUCTION, by=MODEL, seeds=True, title="attention to the right one", xlabel="step"),
        ),
        legend="",
        marks="thick: means over seeds; thin: single seeds",
    ),
    facts=(
        Fact("The accuracy rises abruptly, from a plateau at one in the number of labels shown.", "notes, reviews"),
        Fact("The attention of an induction head rises together with the accuracy.", "notes on Fig. 4"),
        Fact("A head with three trained scalars has the same curve.", "the abstract, reviews"),
    ),
)
