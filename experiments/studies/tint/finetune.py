"""Static against dynamic noise in tuning (arXiv:2402.04004): claim and criterion.

The nearer counterpart of the paper's setting, in which a pretrained model is tuned: here a model is first trained on
clean traces of several operations, one of which is the one it is then tuned on, with few examples, all noised.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`, after tuning.

- Not fitted: tuned on clean traces the mean is below 0.9. Noises that are not settled are left out and named.
- Effect: right answers under static noise minus under dynamic noise. Of each level of dynamic noise the static one of
  the nearest label share counts, where the two are within 0.1 of one another; averaged over these pairs, and paired by
  seed.
- Reproduced: the effect's lower bound is at least 0.2. Not reproduced: its upper bound is below 0.2.
- Inconclusive: anything else; and where no pair is left, there is one seed, a run is missing, or runs ended at
  different steps.

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
    """Judge a results table of tint/finetune; RecordError where it is a table of something else."""
    return contrast(table, KEYS, LEAST, lambda noise: PAPER.get(kind(noise), ""))


CLAIM = Claim(
    name="tint/finetune",
    question="Is noise in the computation worse in tuning, too?",
    title=TITLE,
    arxiv=ARXIV,
    where="fine-tuning",
    text=(
        "A model that is tuned on noised traces of an operation still answers right where characters of the text are "
        "wrong, and far less where as many answers are wrong because the computation went on with wrong digits."
    ),
    setting="noise in tuning",
    effect="right answers, static minus dynamic noise of the same label share",
    looked=f"{SIZES} But operations of the first phase at cpu scale were changed for shorter ones after a run of the "
    "same seeds, to save time; the criterion stayed.",
    criterion=criterion,
    figure=draw_contrast,
    facts=(
        Fact("Fine-tuned models are extremely robust to static noise, and not to dynamic noise.", "the abstract"),
        Fact("What is tuned is Pythia-410M, on 20,000 examples of an operation.", "the authors' code, a citing paper"),
    ),
)
