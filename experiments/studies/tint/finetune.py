"""Static against dynamic noise in tuning (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.claim import SIZES, Fact
from experiments.judging.criterion import Criterion
from experiments.studies.tint import kinds
from experiments.studies.tint.family import NOISES, by_pair, claim, kind, read, recovery, rows
from experiments.studies.tint.static_vs_dynamic import PAIRS, PAPER

CLAIM = claim(
    name="tint/finetune",
    question="Is noise in the computation worse in tuning, too?",
    where="fine-tuning",
    text=(
        "A model that is tuned on noised traces of an operation still answers right where characters of the text are "
        "wrong, and far less where as many answers are wrong because the computation went on with wrong digits."
    ),
    setting="noise in tuning",
    reading=(
        "The nearer counterpart of the paper's setting, in which a pretrained model is tuned: here a model is first "
        "trained on clean traces of several operations, one of which is the one it is then tuned on, with few "
        "examples, all noised."
    ),
    looked=f"{SIZES} But operations of the first phase at cpu scale were changed for shorter ones after a run of the "
    "same seeds, to save time; the criterion stayed.",
    differs="The start is a model of ours, trained on clean traces of several operations.",
    criterion=Criterion(axes=(NOISES,), read=read(), bounds=(PAIRS.at_least(0.2),), whole=True),
    rows=rows(lambda noise: PAPER.get(kind(*noise)[0], "")),
    notes=(by_pair(PAIRS), recovery),
    figure=kinds.contrast(),
    facts=(
        Fact("Fine-tuned models are extremely robust to static noise, and not to dynamic noise.", "the abstract"),
        Fact("What is tuned is Pythia-410M, on 20,000 examples of an operation.", "the authors' code, a citing paper"),
    ),
)
