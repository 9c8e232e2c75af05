"""Several labels of a class make for learning in context (arXiv:2205.05055, Fig. 4)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.icl.family import DATA, NEW

_NAMES = {"one": "1 label", "two": "2 labels", "five": "5 labels", "ten": "10 labels"}
LABELS = Axis("icl/labels", "labels", ("one", "five"), names=_NAMES, order={name: i for i, name in enumerate(_NAMES)})
ONE, FIVE = LABELS.at("one"), LABELS.at("five")
TRAINED = Score("trained", "accuracy on the law of training")
BY_HEART = Score("memory", "answers with a label of the class that is not in context", "from_memory")
CLOSED = Score("new", "accuracy on new classes among the labels in context", "closed")

CLAIM = DATA(
    name="icl/multiplicity",
    question="Do several labels of a class make a model read the context?",
    where="Fig. 4",
    text=(
        "Where a class has several labels, one of which each context draws, a transformer learns more in context than "
        "where it has one."
    ),
    setting="labels of a class",
    reading=(
        "In context is read among all labels, and among the two that are shown, which is the original's score and has "
        "half of the answers right by chance. In weights any of a class's labels counts; classes of one label have to "
        "be learnt by heart, so that it is no want of training that they are not read. No label is of two groups."
    ),
    differs=(
        "Normal classes, which share 32 groups of labels; the original's images have labels of their own. After 2,000 "
        "steps five of the twelve seeds with five labels do not read the context yet, while the others do: hence the "
        "width of the intervals."
    ),
    criterion=Criterion(
        axes=(LABELS,),
        read=(Fitted(TRAINED, least=0.8),),
        bounds=(
            (NEW.at(FIVE) - NEW.at(ONE)).at_least(0.2),
            (CLOSED.at(FIVE) - CLOSED.at(ONE)).at_least(0.2),
            BY_HEART.at(ONE).at_least(0.8),
        ),
    ),
    rows=Rows({"new": NEW, "closed": CLOSED, "weights": BY_HEART}, order=LABELS.rank),
    figure=Drawing(
        (
            Bars(
                scores={"in context": NEW, "among those shown": CLOSED, "in weights": BY_HEART},
                order=LABELS.rank,
                xlabel="accuracy",
            ),
        ),
        legend="",
        share=False,
    ),
    facts=(Fact("1, 2, 5 and 10 labels a class: the more, the more is learnt in context.", "a summary of Fig. 4"),),
)
