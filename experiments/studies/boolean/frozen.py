"""A transformer whose blocks are frozen, pretrained or random (arXiv:2310.03016, section 5)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.notes import also
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import AT_NEIGHBOURS, FAMILY, OPTIMUM, UNSEEN, claim

BLOCKS = Axis(
    "boolean/blocks",
    "blocks",
    ("trained", "random", "pretrained"),
    names={"trained": "trained", "random": "frozen, random", "pretrained": "frozen, pretrained"},
)
TRAINED = BLOCKS.at("trained").named("trained blocks")
RANDOM = BLOCKS.at("random").named("frozen random ones")
PRETRAINED = BLOCKS.at("pretrained").named("frozen pretrained blocks")
NEAREST, CONJUNCTION = FAMILY.at("nearest_neighbour"), FAMILY.at("conjunction")

CLAIM = claim(
    name="boolean/frozen",
    question="Do frozen blocks that were pretrained elsewhere learn in context?",
    where="section 5",
    text=(
        "With frozen blocks that were pretrained on something else a transformer learns the nearest neighbour in "
        "context better than with frozen blocks that are random."
    ),
    setting="class, blocks",
    reading=(
        "Pretrained blocks are those of a run on majorities, disjunctions of conjunctions and conjunctions of "
        "disjunctions. Attention and MLPs stay as they are; norms, positions and what reads in and out are trained on "
        "the class that is asked, as with random blocks. A verdict is given where the class is learnt by training "
        "whole."
    ),
    looked=PILOTS,
    differs=(
        "The blocks were pretrained on other classes of functions, where the original freezes a GPT-2 that was trained "
        "on language, with a random one as its control; eight variables, and a narrower model."
    ),
    criterion=Criterion(
        axes=(FAMILY, BLOCKS),
        bounds=((UNSEEN.at(NEAREST, PRETRAINED) - UNSEEN.at(NEAREST, RANDOM)).at_least(0.05),),
        given=(UNSEEN.at(NEAREST, TRAINED).at_least(0.9),),
    ),
    rows=Rows({"model": UNSEEN, "optimum": OPTIMUM}),
    notes=(
        also(
            UNSEEN.at(NEAREST, TRAINED) - UNSEEN.at(NEAREST, PRETRAINED),
            UNSEEN.at(CONJUNCTION, PRETRAINED) - UNSEEN.at(CONJUNCTION, RANDOM),
            UNSEEN.at(CONJUNCTION, TRAINED) - UNSEEN.at(CONJUNCTION, PRETRAINED),
        ),
    ),
    figure=Drawing(
        (
            Bars(
                scores={"model": UNSEEN, "optimum": OPTIMUM, "nearest neighbours": AT_NEIGHBOURS},
                xlabel="accuracy at the last point",
            ),
        ),
        legend="",
    ),
    facts=(Fact("A frozen pretrained GPT-2 does well, on nearest neighbour above all.", "reviews of the paper"),),
)
