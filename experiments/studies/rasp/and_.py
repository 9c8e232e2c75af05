"""A transformer is no minimum-degree interpolator (RASP-L, arXiv:2310.16028, section 4, App. D)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import claim

HELD = Axis("task.fixed", "held bits", (2, 5))
VARIED = Score("varied", "exact match of the transformer where held bits vary")
INTERPOLATOR = replace(VARIED, words="that of the minimum-degree interpolator", learner="min_degree")
WITHIN = Score("within", "exact match on the training law")

CLAIM = claim(
    name="rasp/and",
    question="Does a transformer err where the minimum-degree interpolator does?",
    where="section 4, App. D",
    text=(
        "Trained on the AND of 20 bits with the last five always 1, a transformer is right where those five vary; the "
        "interpolator of minimum degree profile ignores them and errs."
    ),
    setting="bits held at 1",
    reading=(
        "Training holds the last bits at 1; tests are strings of which half have their only 0 among those bits, so the "
        "interpolator, computed from the training points, can be right on half only."
    ),
    looked=PILOTS,
    differs="The same number of bits as in the original; the interpolator of least degree is computed exactly.",
    criterion=Criterion(axes=(HELD,), read=(Fitted(WITHIN),), bounds=((VARIED - INTERPOLATOR).at_least(0.4),)),
    rows=Rows({"transformer": VARIED, "interpolator": INTERPOLATOR}, paper=lambda held: "1.00 / errs"),
    figure=Drawing(
        (
            Bars(
                scores={
                    "transformer": VARIED,
                    "minimum-degree interpolator": INTERPOLATOR,
                    "transformer, on the training law": WITHIN,
                },
                name="{} bits held at 1",
            ),
        ),
        legend="only 0 among the held bits",
    ),
    facts=(
        Fact(
            "The transformer is right on all of the varied test.",
            "arXiv:2310.16028, section 4, as formalised by others",
        ),
        Fact(
            "The interpolator cannot depend on a coordinate that training holds constant.",
            "arXiv:2310.16028, Lemma 4.1",
        ),
    ),
)
