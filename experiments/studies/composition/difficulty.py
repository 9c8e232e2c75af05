"""Simple commands against hard ones in training (arXiv:2311.04420)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.composition.family import COMPOSED_ANY, DIFFERS, FIT, FRESH, claim

_NAMES = {"simple": "mostly one phrase", "hard": "mostly two phrases"}
EXAMPLES = Axis("composition/examples", "commands", tried=("simple", "hard"), names=_NAMES)
ONE_PHRASE = Score("fresh_one_phrase", "exact match on fresh commands of one phrase of other words")

CLAIM = claim(
    name="composition/difficulty",
    question="Do simple commands teach composition better than hard ones?",
    where="the abstract: simple and hard examples",
    text=(
        "Where most commands of training have one phrase, words that are only known alone are composed more often than "
        "where most have two."
    ),
    setting="commands",
    reading=(
        "Both have as many distinct commands and steps, some of either kind among them, and the same tests. They are "
        "read where fresh commands of one phrase with other words are right, so that none fails at the form of a "
        "command."
    ),
    looked=(
        "Sizes were chosen by looking at seeds 0 to 2 and 21 to 26, none of which is among those reported. A first "
        "record (commit 86d47fd), with one held-out word on seeds 21 to 26, had a difference of 0.092 [-0.178, 0.253] "
        "and decided nothing: that word has five commands of one phrase, so that a seed's score was about 0.6, 0.8 or "
        "1. Ten words were then held out. The bound is the same. That tests have one phrase was chosen before that "
        "record, when a pilot on seed 0 with up to two phrases had 0.01 after simple commands and 0.36 after hard "
        "ones."
    ),
    differs=(
        f"{DIFFERS} Hard is two phrases, where the original has up to 128 primitives in a command. At cpu scale ten "
        "words are held out, where the original has one, and tests have one phrase, where the original's have up to "
        "two."
    ),
    criterion=Criterion(
        axes=(EXAMPLES,),
        read=(FIT, Fitted(ONE_PHRASE)),
        bounds=((COMPOSED_ANY.at(EXAMPLES.at("simple")) - COMPOSED_ANY.at(EXAMPLES.at("hard"))).at_least(0.1),),
    ),
    rows=Rows({"composed": COMPOSED_ANY, "fresh": FRESH, "one phrase": ONE_PHRASE}),
    figure=Drawing(
        (Bars(scores={"composed": COMPOSED_ANY, "fresh": FRESH, "fresh of one phrase": ONE_PHRASE}, legend=""),)
    ),
    facts=(Fact("Simple examples give stronger composition than hard ones in synthetic data.", "the abstract"),),
)
