"""More primitives at one number of distinct commands (arXiv:2311.04420)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.composition.family import COMPOSED, DIFFERS, FIT, FRESH, TRAIN, claim

PRIMITIVES = Axis("task.primitives", "primitives", tried=(16, 200))

CLAIM = claim(
    name="composition/diversity",
    question="Do more primitives help to compose one that is only known alone?",
    where="the abstract: more complex sets of data",
    text=(
        "With as many distinct commands in training, a word that is only known alone is composed with others far more "
        "often where these are many words in place of a few."
    ),
    setting="primitives",
    reading=(
        "Every arm has as many distinct commands, as many steps and the held-out word alone in a tenth of its "
        "examples; so each command is repeated as often, and only the number of words differs. Other words are alone "
        "in a fifth of the examples."
    ),
    differs=DIFFERS,
    criterion=Criterion(
        axes=(PRIMITIVES,),
        read=(FIT, Fitted(FRESH)),
        bounds=((COMPOSED.at(PRIMITIVES.most) - COMPOSED.at(PRIMITIVES.fewest)).at_least(0.3),),
    ),
    rows=Rows({"composed": COMPOSED, "fresh": FRESH, "train": TRAIN}),
    figure=Drawing(
        (
            Curves(
                x=PRIMITIVES,
                scores={"composed": COMPOSED, "fresh": FRESH, "training": TRAIN},
                xlabel="primitives in use",
                ylabel="exact match",
                legend="",
            ),
        )
    ),
    facts=(
        Fact(
            "Sets with more primitives, and longer ones, give better generalisation on several splits.", "the abstract"
        ),
        Fact("Accuracies by number of primitives could not be obtained.", "our notes on arXiv:2311.04420"),
    ),
)
