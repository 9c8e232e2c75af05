"""More distinct commands, each repeated less, in as many steps (arXiv:2311.04420)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.rows import Rows
from experiments.studies.composition.family import COMPOSED, DIFFERS, FIT, FRESH, TRAIN, claim

DISTINCT = Axis("task.distinct", "distinct commands", tried=(800, 64000))

CLAIM = claim(
    name="composition/repetition",
    question="Does it help to repeat commands less, with as many primitives and steps?",
    where="the abstract: repetition makes learning by heart easy",
    text=(
        "With as many words and steps, a word that is only known alone is composed more often where training has more "
        "distinct commands, each of which is repeated less."
    ),
    setting="commands",
    reading="Every arm has as many steps, and all commands of training are fitted.",
    looked=(
        "Sizes were chosen by looking at seeds 0 to 2 and 21 to 32, none of which is among those reported. A first "
        "record (commit cb9c92a), of 800 and 16,000 commands on seeds 21 to 32, had a difference of 0.365 [0.261, "
        "0.469] where at least 0.3 was asked, as it is now, and so decided nothing. The larger set then became 64,000, "
        "with which most commands are seen once at most."
    ),
    differs=DIFFERS,
    criterion=Criterion(
        axes=(DISTINCT,),
        read=(FIT,),
        bounds=((COMPOSED.at(DISTINCT.most) - COMPOSED.at(DISTINCT.fewest)).at_least(0.3),),
    ),
    rows=Rows({"composed": COMPOSED, "fresh": FRESH, "train": TRAIN}),
    figure=Drawing(
        (
            Curves(
                x=DISTINCT,
                scores={"composed": COMPOSED, "fresh": FRESH, "training": TRAIN},
                xlabel="distinct commands in training",
                ylabel="exact match",
                legend="",
            ),
        )
    ),
    facts=(
        Fact("Fewer repetitions hinder learning by heart.", "the abstract"),
        Fact("Accuracies by repetition could not be obtained.", "our notes on arXiv:2311.04420"),
    ),
)
