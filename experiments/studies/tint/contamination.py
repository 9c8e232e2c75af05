"""How many examples may be noised (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Pick
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.notes import also
from experiments.judging.quantities import Difference
from experiments.studies.tint.family import (
    ANSWER,
    CHARACTERS,
    DYNAMIC_LEVEL,
    LABEL,
    NOISES,
    claim,
    kind,
    read,
    recovery,
    rows,
)
from experiments.studies.tint.kinds import RIGHT

SHARE = Axis(
    "task.contamination", "share of examples", (0.0, 1.0), ("smallest", "largest"), "{}", "noise in {} of the examples"
)
NONE, ALL = SHARE.at(0.0).named("no example"), SHARE.at(1.0).named("all examples")
PAPER = {("characters", 1.0): "robust", ("dynamic", 1.0): "fragile"}


def _cost(*level: Pick) -> Difference:
    return ANSWER.at(*level, NONE) - ANSWER.at(*level, ALL)


CLAIM = claim(
    name="tint/contamination",
    question="How many of the training traces may be noised?",
    where="static noise, all levels of contamination",
    text="Static noise in the traces is tolerated even where every training example has it.",
    setting="noise, share of examples",
    looked=(
        "Sizes and steps were chosen by looking at seeds 0 to 3, 11 to 13 and 100, none of which is reported: after "
        "half of the steps, traces with half of their characters redrawn were still being learnt."
    ),
    differs="From scratch; contamination gates every kind of noise, which in the released code it does not.",
    criterion=Criterion(
        axes=(NOISES, SHARE), read=read(NONE), bounds=(_cost(CHARACTERS.most).at_most(0.1),), whole=True
    ),
    rows=rows(lambda noise, share: PAPER.get((kind(*noise)[0], share), "")),
    notes=(also(_cost(DYNAMIC_LEVEL.some, DYNAMIC_LEVEL.most)), recovery),
    figure=Drawing(
        tuple(
            Curves(x=x, scores={"": ANSWER}, by=NOISES, log=False, xlabel=name, legend=legend)
            for x, name, legend in ((SHARE, "share of examples noised", ""), (LABEL, RIGHT, None))
        ),
        ylabel="right answers to clean questions",
    ),
    facts=(
        Fact("Models are extremely robust to static noise even where the entire data set has it.", "the abstract"),
        Fact("The released code does not gate dynamic noise by contamination; ours does.", "the authors' code"),
    ),
)
