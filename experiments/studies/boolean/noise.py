"""Label noise in training (arXiv:2310.03016, appendix)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import OPTIMUM, UNSEEN, claim

NOISE = Axis("task.noise_rate", "noise in training", (0.0, 0.1), value="{:g}", said="{} of the labels flipped")
NONE, SOME = NOISE.at(0.0).named("no noise in training"), NOISE.at(0.1).named("one label in ten flipped")
SCORES = {"model": UNSEEN, "optimum": OPTIMUM}

CLAIM = claim(
    name="boolean/noise",
    question="Does learning in context survive flipped labels in training?",
    where="appendix",
    text="A transformer trained on prompts with flipped labels still learns conjunctions in context.",
    setting="noise",
    reading="Tests are on prompts without noise; robust means that noise costs no more than the bound.",
    looked=PILOTS,
    differs="Eight variables; tests are free of noise.",
    criterion=Criterion(axes=(NOISE,), bounds=((UNSEEN.at(NONE) - UNSEEN.at(SOME)).at_most(0.05),), whole=True),
    rows=Rows(SCORES, paper=lambda noise: "robust" if noise else ""),
    figure=Drawing(
        (
            Curves(
                x=NOISE,
                scores=SCORES,
                log=False,
                xlabel="share of labels flipped in training",
                ylabel="accuracy at the last point",
                legend="",
            ),
        ),
    ),
    facts=(Fact("Robust to label noise; the rates could not be found.", "a summary of the paper"),),
)
