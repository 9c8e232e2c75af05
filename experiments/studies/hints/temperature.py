"""A temperature of attention that depends on the length (arXiv:2310.00726)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.rows import Rows
from experiments.studies.hints.family import DIFFERS, FIT, LONGEST, THRICE, TRAINED, claim, curves

_NAMES = {"none": "no temperature", "log": "log of the length", "learned": "learned"}
SCALE = Axis("model.attention_scale", "temperature", tried=("none", "log", "learned"), names=_NAMES)

CLAIM = claim(
    name="hints/temperature",
    question="Does a temperature of attention that depends on the length help to sort longer sequences?",
    where="the abstract: length-dependent parameters",
    text=(
        "With attention's scores multiplied by the log of the length, a model sorts sequences three times as long as "
        "in training more often than without."
    ),
    setting="temperature",
    reading="No arm has a hint. The temperature is that of a formula, which is defined at every length.",
    looked="Sizes were chosen by looking at seeds 0 and 1, which are not among the seeds reported.",
    differs=f"{DIFFERS} The original learns a parameter for each length.",
    criterion=Criterion(
        axes=(TRAINED, SCALE),
        read=(FIT,),
        bounds=((THRICE.at(SCALE.at("log")) - THRICE.at(SCALE.at("none"))).at_least(0.1),),
    ),
    rows=Rows({"{}": THRICE, "training length": LONGEST}),
    figure=curves(SCALE, "temperature"),
    facts=(Fact("It helps with a hint and without.", "the abstract and a public review"),),
)
