"""Static against dynamic noise in training traces (arXiv:2402.04004): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; every training example is noised.

- Not fitted: clean training as long has a mean below 0.9. Noises that are not settled are left out and named.
- Effect: right answers under static noise minus under dynamic noise. Of each level of dynamic noise the static one of
  the nearest label share counts, where the two are within 0.1 of one another; averaged over these pairs, and paired by
  seed.
- Reproduced: the effect's lower bound is at least 0.2. Not reproduced: its upper bound is below 0.2.
- Inconclusive: anything else; and where no pair is left, there is one seed, a run is missing, or runs ended at
  different steps.

The paper compares by the noise's own parameter, at which dynamic noise spoils far more answers; we match label shares.
Measured but not judged: each pair by itself.
"""

from __future__ import annotations

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.studies.tint.common import ARXIV, DYNAMIC, NOISE, STATIC, TITLE, kind
from experiments.studies.tint.contrast import contrast
from experiments.studies.tint.drawing import draw_contrast

KEYS = [NOISE]
LEAST = 0.2
PAPER = {STATIC: "robust", DYNAMIC: "fragile"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/static_vs_dynamic; RecordError where it is a table of something else."""
    return contrast(table, KEYS, LEAST, lambda noise: PAPER.get(kind(noise), ""))


CLAIM = Claim(
    name="tint/static_vs_dynamic",
    question="Is noise in the computation worse than noise in the finished text?",
    title=TITLE,
    arxiv=ARXIV,
    where="the main comparison, from scratch",
    text=(
        "Trained on noised chains of thought, a model still answers right where characters of the finished text are "
        "wrong, and far less where as many answers are wrong because the computation went on with wrong digits."
    ),
    setting="noise",
    effect="right answers, static minus dynamic noise of the same label share",
    looked=SIZES
    + " But those of the cpu scale were changed after an earlier run of the same seeds, with sums of up to 3 digits, "
    "in which models were still learning from half of the characters redrawn, and once more for thinner MLPs, to save "
    "time. The criterion stayed.",
    criterion=criterion,
    figure=draw_contrast,
    facts=(
        Fact(
            "Models are extremely robust to static noise, even where all examples have it; dynamic noise is "
            "destructive at lower levels.",
            "the abstract",
        ),
        Fact("Its accuracies by level of noise could not be obtained.", "our notes on arXiv:2402.04004"),
    ),
)
