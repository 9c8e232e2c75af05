"""Simple commands against hard ones in training (arXiv:2311.04420)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.composition.family import COMPOSED, DIFFERS, FIT, FRESH, TRAIN, claim

_NAMES = {"simple": "simple commands", "hard": "hard commands"}
EXAMPLES = Axis("composition/examples", "commands", tried=("simple", "hard"), names=_NAMES)
_SCORES = {"composed": COMPOSED, "fresh": FRESH, "train": TRAIN}

CLAIM = claim(
    name="composition/difficulty",
    question="Do simple commands teach composition better than hard ones?",
    where="the abstract: simple and hard examples",
    text=(
        "Training on commands of one phrase gives better composition of a word that is only known alone than training "
        "on commands of two."
    ),
    setting="commands",
    reading=(
        "Both have as many distinct commands and steps, and both are tested on commands of one phrase, whose parts the "
        "hard commands have too."
    ),
    differs=f"{DIFFERS} Hard is two phrases, where the original has up to 128 primitives in a command.",
    criterion=Criterion(
        axes=(EXAMPLES,),
        read=(FIT,),
        bounds=((COMPOSED.at(EXAMPLES.at("simple")) - COMPOSED.at(EXAMPLES.at("hard"))).at_least(0.1),),
    ),
    rows=Rows(_SCORES),
    figure=Drawing((Bars(scores=_SCORES),)),
    facts=(Fact("Simple examples give stronger composition than hard ones in synthetic data.", "the abstract"),),
)
