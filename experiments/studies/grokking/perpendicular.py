"""Gradients without their part along the weights (perpGrad; arXiv:2501.04697, section 5, Fig. 1a, 6)."""

from __future__ import annotations

import polars as pl

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing
from experiments.judging.reached import with_first_step
from experiments.judging.rows import Rows
from experiments.studies.grokking.family import (
    APART,
    FIRST,
    FIT,
    GROKKED,
    TEST,
    TRAIN,
    Lines,
    claim,
    first_steps,
    steps_to,
)

_NAMES = {
    "plain": "no decay",
    "decay_6": "weight decay 6",
    "decay_2_fast": "weight decay 2, 10 times the rate",
    "decay_1_5": "weight decay 1.5",
    "decay_1_5_fast": "weight decay 1.5, 5 times the rate",
    "perpendicular": "perpendicular gradient",
}
GRADIENT = Axis("grokking/gradient", "gradient", ("plain", "decay_6", "decay_2_fast", "perpendicular"), names=_NAMES)
MODEL = Axis("model", "model", ("grokking_mlp",), names={"grokking_mlp": "MLP", "grokking_transformer": "transformer"})
PLAIN, ACROSS = GRADIENT.at("plain"), GRADIENT.at("perpendicular")
DECAY = GRADIENT.at("decay_6", "decay_1_5").named("the best weight decay at its rate")
FAST = GRADIENT.at("decay_2_fast", "decay_1_5_fast").named("the best weight decay at the best rate")


def with_first(table: pl.DataFrame) -> pl.DataFrame:
    """Returns the table with the step at which 95 % of test pairs are right."""
    return with_first_step(table, TEST, 0.95, "first_95")


CLAIM = claim(
    name="grokking/perpendicular",
    question="Does a gradient across the weights generalise at once, and as soon as tuned weight decay?",
    where="section 5, Fig. 1a, 6",
    text=(
        "Without the part of the gradient that only makes weights longer, a model generalises with little delay, where "
        "the plain gradient does not; sooner than with any weight decay at the same rate, and about as soon as with "
        "decay and rate tuned together."
    ),
    setting="model, gradient",
    reading=(
        "Each weight matrix has the part of its gradient along itself taken out, and the old length given back, as in "
        "the paper's code. The best weight decay at the rate of the others and the best pair of decay and rate are "
        "those of 14 pairs tried; about as soon is no more than half an octave of steps later."
    ),
    looked=PILOTS,
    differs="Modulus 47 and width 128 in place of 113 and 200, half of the pairs in place of 40 %.",
    criterion=Criterion(
        axes=(MODEL, GRADIENT),
        read=(FIT,),
        bounds=(
            (TEST.at(ACROSS) - TEST.at(PLAIN)).at_least(0.5).each(MODEL),
            TEST.at(ACROSS).at_least(0.9).each(MODEL),
            (FIRST.at(DECAY) - FIRST.at(ACROSS)).at_least(0.5).each(MODEL),
            (FIRST.at(ACROSS) - FIRST.at(FAST)).at_most(0.5).each(MODEL),
        ),
        view=with_first,
    ),
    rows=Rows({"test": TEST, "mirror unseen": APART}),
    notes=(steps_to(TEST, GROKKED, MODEL, GRADIENT), steps_to(TRAIN, GROKKED, MODEL, GRADIENT)),
    figure=Drawing(
        (
            Lines(
                lines={name: (TEST, (GRADIENT.at(value),)) for value, name in _NAMES.items()},
                picks=(MODEL.at("grokking_mlp"),),
                title="MLP",
                ylabel="accuracy on test pairs",
                legend="",
            ),
            first_steps(FIRST, "95 % of test pairs", GRADIENT),
        ),
        widths=(1.5, 1.0),
        marks="thick: mean of the seeds; thin: single seeds; bars: 95 % intervals of the geometric mean",
        share=False,
    ),
    facts=(
        Fact(
            "perpAdamW and perpSGD generalise with little or no delay; perpSGD is at 100 % within 400 steps.",
            "arXiv:2501.04697, Fig. 6",
        ),
        Fact(
            "A search over rates and decays by others found tuned decay about as fast: 143 epochs, against 124.",
            "the branch lipschitz of EIFY's fork of the paper's code",
        ),
        Fact("The projected gradient gets its old norm back.", "the paper's code, orthograd.py"),
    ),
)
