"""Simple commands against hard ones in training (arXiv:2311.04420)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.composition.family import COMPOSED, DIFFERS, FIT, FRESH, claim

_NAMES = {"simple": "mostly one phrase", "hard": "mostly two phrases"}
EXAMPLES = Axis("composition/examples", "commands", tried=("simple", "hard"), names=_NAMES)
ONE_PHRASE = Score("fresh_one_phrase", "exact match on fresh commands of one phrase of other words")

CLAIM = claim(
    name="composition/difficulty",
    question="Do simple commands teach composition better than hard ones?",
    where="the abstract: simple and hard examples",
    text=(
        "Where most commands of training have one phrase, a word that is only known alone is composed more often than "
        "where most have two."
    ),
    setting="commands",
    reading=(
        "Both have as many distinct commands and steps, some of either kind among them, and the same tests. They are "
        "read where fresh commands of one phrase with other words are right, so that none fails at the form of a "
        "command."
    ),
    differs=f"{DIFFERS} Hard is two phrases, where the original has up to 128 primitives in a command.",
    criterion=Criterion(
        axes=(EXAMPLES,),
        read=(FIT, Fitted(ONE_PHRASE)),
        bounds=((COMPOSED.at(EXAMPLES.at("simple")) - COMPOSED.at(EXAMPLES.at("hard"))).at_least(0.1),),
    ),
    rows=Rows({"composed": COMPOSED, "fresh": FRESH, "one phrase": ONE_PHRASE}),
    figure=Drawing(
        (Bars(scores={"composed": COMPOSED, "fresh": FRESH, "fresh of one phrase": ONE_PHRASE}, legend=""),)
    ),
    facts=(Fact("Simple examples give stronger composition than hard ones in synthetic data.", "the abstract"),),
)
