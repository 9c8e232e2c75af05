"""Static against dynamic noise in training traces (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.claim import SIZES, Fact
from experiments.judging.contrasts import Matched
from experiments.judging.criterion import Criterion
from experiments.studies.tint import kinds
from experiments.studies.tint.family import (
    ANSWER,
    DYNAMIC,
    LABEL,
    NOISES,
    STATIC,
    by_pair,
    claim,
    kind,
    read,
    recovery,
    rows,
)

PAPER = {"characters": "robust", "dynamic": "fragile"}
PAIRS = Matched(ANSWER, STATIC, DYNAMIC, LABEL)

CLAIM = claim(
    name="tint/static_vs_dynamic",
    question="Is noise in the computation worse than noise in the finished text?",
    where="the main comparison, from scratch",
    text=(
        "Trained on noised chains of thought, a model still answers right where characters of the finished text are "
        "wrong, and far less where as many answers are wrong because the computation went on with wrong digits."
    ),
    setting="noise",
    reading=(
        "Every training example is noised. The paper compares by the noise's own parameter, at which dynamic noise "
        "spoils far more answers; we match label shares."
    ),
    looked=SIZES
    + " But those of the cpu scale were changed after an earlier run of the same seeds, with sums of up to 3 digits, "
    "in which models were still learning from half of the characters redrawn, and once more for thinner MLPs, to save "
    "time. The criterion stayed.",
    differs=(
        "From scratch, in place of tuning a pretrained model; a compact trace; and static and dynamic noise "
        "are compared where equally many labels are wrong, which the original does not do."
    ),
    criterion=Criterion(axes=(NOISES,), read=read(), bounds=(PAIRS.at_least(0.2),), whole=True),
    rows=rows(lambda noise: PAPER.get(kind(*noise)[0], "")),
    notes=(by_pair(PAIRS), recovery),
    figure=kinds.contrast(),
    facts=(
        Fact(
            "Models are extremely robust to static noise, even where all examples have it; dynamic noise is "
            "destructive at lower levels.",
            "the abstract",
        ),
        Fact("Its accuracies by level of noise could not be obtained.", "our notes on arXiv:2402.04004"),
    ),
)
