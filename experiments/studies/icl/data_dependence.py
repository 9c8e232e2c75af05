"""The data decide between context and weights (arXiv:2312.03002, Fig. 2; arXiv:2205.05055, Fig. 2 to 6)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import BARS, Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.icl.family import CLASSES, COMMON, FROM_MEMORY, MOVED, NEW, RARE, WEIGHTS

NAMES = {
    "weights": "64 classes, 1 copy",
    "classes": "2,048 classes, 1 copy",
    "copies": "64 classes, 3 copies",
    "context": "2,048 classes, 3 copies",
    "zipf": "2,048 classes by rank",
    "steep": "2,048 classes by rank squared",
    "filled": "2,048 classes, 4 copies",
    "noisy": "64 classes, 4 copies, noise",
}
DATA = Axis("icl/data", "data", ("weights", "context", "zipf"), names=NAMES, order={n: i for i, n in enumerate(NAMES)})
BY_HEART, IN_CONTEXT, ZIPF = DATA.at("weights"), DATA.at("context"), DATA.at("zipf")
SHOWN = {"new classes": NEW, "moved labels": MOVED, "in weights": WEIGHTS, "common ones": COMMON}

CLAIM = CLASSES(
    name="icl/data_dependence",
    question="Which data make a model learn in context, and which in its weights?",
    where="Fig. 2; arXiv:2205.05055, Fig. 2 to 6",
    text=(
        "With many classes and several items of one in a context a transformer reads labels in the context and learns "
        "none by heart; with few classes and one item of each it does the opposite. With classes by a power of their "
        "rank it does both."
    ),
    setting="data",
    reading=(
        "Moved labels are the next ones, in context and answer, so that weights are wrong. New classes are in the "
        "context, trained ones that weights alone know are not. Nine in ten contexts with copies have 3 of each of 2 "
        "classes; so have those by rank, where a class's weight is the inverse of its rank and the 10 common ones are "
        "the first. Mixed cells are shown and not judged, as seeds can be in two camps there."
    ),
    differs=(
        "Adam, layer norms, items of 32 numbers and 1,400 steps; for the second paper's images there are normal "
        "classes, and 32 labels, where it has one for each class."
    ),
    criterion=Criterion(
        axes=(DATA,),
        bounds=(
            (MOVED.at(IN_CONTEXT) - MOVED.at(BY_HEART)).at_least(0.5),
            (FROM_MEMORY.at(BY_HEART) - FROM_MEMORY.at(IN_CONTEXT)).at_least(0.5),
            (WEIGHTS.at(BY_HEART) - WEIGHTS.at(IN_CONTEXT)).at_least(0.5),
            NEW.at(ZIPF).at_least(0.75),
            COMMON.at(ZIPF).at_least(0.5),
        ),
    ),
    rows=Rows({"new": NEW, "moved": MOVED, "weights": WEIGHTS, "common": COMMON, "rare": RARE}, order=DATA.rank),
    figure=Drawing(
        tuple(
            Bars(scores={"": score}, order=DATA.rank, named=not place, title=title, xlabel="accuracy")
            for place, (title, score) in enumerate(SHOWN.items())
        ),
        marks=BARS,
        share=False,
    ),
    facts=(
        Fact("Burstiness, classes and noise make for learning in context, at the cost of weights.", "the abstract"),
        Fact("With classes by a power of about 1 of their rank both are there.", "the abstract of arXiv:2205.05055"),
    ),
)
