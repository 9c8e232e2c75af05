"""A prompt that looks unlike the tuning law brings back part of what was lost (arXiv:2309.10105, section 4)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import BARS, Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.inference.family import (
    CONTINUOUS,
    ON_POOL,
    ONE_POOL,
    POINTS,
    TUNING,
    UNTUNED,
    claim,
    error,
    references,
)

SCALE = Axis("task.scale", "factor", (2.0,), ends=("smallest", "largest"), value="{:g}", said="a factor of {}")
SCALED = error("continuous/scaled", "error on the normal law of scaled prompts")
SHRUNK = error("continuous/early", "error on the normal law of shrunk answers", "shrunk_error")
ON_POOL_SCALED = error("pool/scaled", "error on the pool of scaled prompts")
TWICE = SCALE.at(2.0)

CLAIM = claim(
    name="inference/conjugate",
    question="Is what tuning spoilt still there, behind another prompt?",
    where="section 4",
    text=(
        "After tuning on the pool, prompts with doubled labels, whose answers are halved, win back part of the loss on "
        "other tasks, and more than halved answers alone; before tuning doubling wins little."
    ),
    setting="tuning, factor",
    reading=(
        "Errors are mean squares against labels without noise, after 1 to 3 examples, of answers scaled back. The "
        "exact posterior of the mixture itself wins 0.14 by doubled labels, which are unlike the pool. The runs are "
        "those of inference/forgetting."
    ),
    differs=(
        "2 dimensions, 6 vectors in the pool and 6 examples, where the original has 20, 64 and 40; the control of "
        f"shrunk answers is ours; {ONE_POOL}."
    ),
    criterion=Criterion(
        axes=(POINTS, TUNING, SCALE),
        bounds=(
            (CONTINUOUS.at(ON_POOL, TWICE) - SCALED.at(ON_POOL, TWICE)).at_least(0.2),
            (SHRUNK.at(ON_POOL, TWICE) - SCALED.at(ON_POOL, TWICE)).at_least(0.05),
            (CONTINUOUS.at(UNTUNED, TWICE) - SCALED.at(UNTUNED, TWICE)).at_most(0.15),
        ),
    ),
    rows=Rows({"plain": CONTINUOUS, "scaled": SCALED, "shrunk": SHRUNK, "pool, scaled": ON_POOL_SCALED}),
    notes=(references,),
    figure=Drawing(
        (
            Bars(
                scores={"plain prompts": CONTINUOUS, "scaled prompts": SCALED, "shrunk answers": SHRUNK},
                name="{0}, factor {1}",
                order=lambda points, tuning, scale: (TUNING.rank(tuning), scale),
                xlabel="error on the normal law",
            ),
        ),
        legend="",
        marks=BARS,
        share=False,
    ),
    facts=(
        Fact("Labels scaled by a factor, with answers scaled back, recover part of the loss.", "the abstract"),
        Fact("Factors of 1.5, 2 and 3; the numbers could not be found.", "none"),
    ),
)
