"""Tuning on a few tasks harms the many (arXiv:2309.10105, sections 2 and 3)."""

from __future__ import annotations

import math

from experiments.judging.axes import Number, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import BARS, Bars, Drawing
from experiments.judging.measures import ERROR, Measure
from experiments.judging.rows import Rows
from experiments.studies.inference.family import (
    CONTINUOUS,
    ON_MIXTURE,
    ON_POOL,
    ONE_POOL,
    OPTIMUM,
    OPTIMUM_ON_POOL,
    POINTS,
    POOL,
    RIDGE,
    RIDGE_ON_POOL,
    TUNING,
    UNTUNED,
    claim,
    references,
)

UNBOUNDED = Measure(low=-math.inf, high=math.inf, lost=-math.inf)
COEFFICIENT = Score(
    "continuous/early", "coefficient towards the pool's posterior on the normal law", "coefficient", measure=UNBOUNDED
)
EXACT = "posterior of the\nlaw of training"
LAST = Score(
    "continuous",
    "error on the normal law at the last point",
    "squared_error",
    number=Number(POINTS, plus=-1, said="after {:,} examples"),
    positional=True,
    measure=ERROR,
)

CLAIM = claim(
    name="inference/forgetting",
    question="Does tuning on a few tasks spoil what is inferred of others?",
    where="sections 2 and 3",
    text=(
        "A model of a mixture of tasks that is tuned on a finite pool of them does better on the pool and worse on the "
        "others, which it takes for those of the pool; tuning on the mixture harms nothing."
    ),
    setting="tuning",
    reading=(
        "Errors are mean squares against labels without noise, after 1 to 3 examples. The coefficient is that of the "
        "pool's posterior less ridge, by least squares, in the model's answers less ridge: 0 for ridge, 1 for the pool."
    ),
    differs=(
        "2 dimensions, 6 vectors in the pool and 6 examples, where the original has 20, 64 and 40, and a model of 0.1 "
        f"million parameters, which stays above the exact posterior; {ONE_POOL}."
    ),
    criterion=Criterion(
        axes=(POINTS, TUNING),
        bounds=(
            (CONTINUOUS.at(ON_POOL) - CONTINUOUS.at(UNTUNED)).at_least(0.1),
            (POOL.at(ON_POOL) - POOL.at(UNTUNED)).at_most(-0.05),
            (COEFFICIENT.at(ON_POOL) - COEFFICIENT.at(UNTUNED)).at_least(0.15),
            (CONTINUOUS.at(ON_MIXTURE) - CONTINUOUS.at(UNTUNED)).at_most(0.1),
        ),
    ),
    rows=Rows({"normal law": CONTINUOUS, "pool": POOL, "coefficient": COEFFICIENT, "last point": LAST}),
    notes=(references,),
    figure=Drawing(
        (
            Bars(
                scores={"model": POOL, EXACT: OPTIMUM_ON_POOL, "ridge": RIDGE_ON_POOL},
                name="{0}",
                order=lambda points, tuning: TUNING.rank(tuning),
                xlabel="error on the pool",
            ),
            Bars(
                scores={"model": CONTINUOUS, EXACT: OPTIMUM, "ridge": RIDGE},
                name="{0}",
                named=False,
                order=lambda points, tuning: TUNING.rank(tuning),
                xlabel="error on the normal law",
            ),
        ),
        legend="",
        marks=BARS,
        share=False,
    ),
    facts=(
        Fact("Tuning on the pool lowers the error there and raises it on the normal law.", "the abstract"),
        Fact("The tuned model answers like the pool's posterior.", "the first author's page"),
        Fact("The harm is largest on prompts that the tuning law finds likely.", "the abstract"),
    ),
)
