"""A transformer whose blocks stay random (arXiv:2310.03016, section 5)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import AT_NEIGHBOURS, FAMILY, OPTIMUM, UNSEEN, claim

BLOCKS = Axis("model.frozen", "blocks", (False, True), names={False: "trained", True: "frozen"})
TRAINED, FROZEN = BLOCKS.at(False).named("trained blocks"), BLOCKS.at(True).named("frozen random ones")

CLAIM = claim(
    name="boolean/frozen",
    question="How much is learnt with blocks frozen at random weights?",
    where="section 5",
    text="With its blocks frozen at random weights a transformer learns less in context than when trained whole.",
    setting="class, blocks",
    reading="The paper freezes a pretrained GPT-2, with a random one as its control; this is the control.",
    looked=PILOTS,
    differs="Eight variables, and a narrower model, for which random features are scarcer.",
    criterion=Criterion(axes=(FAMILY, BLOCKS), bounds=((UNSEEN.at(TRAINED) - UNSEEN.at(FROZEN)).at_least(0.05),)),
    rows=Rows({"model": UNSEEN, "optimum": OPTIMUM}),
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
