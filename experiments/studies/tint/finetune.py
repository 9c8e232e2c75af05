"""Static against dynamic noise in tuning (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.studies.tint import kinds
from experiments.studies.tint.family import by_pair, claim, kind, read, recovery, rows
from experiments.studies.tint.static_vs_dynamic import BY_RATE, PAIRS, PAPER, RATES

CLAIM = claim(
    name="tint/finetune",
    question="At the same rate, is noise in the computation worse in tuning, too?",
    where="fine-tuning",
    text=(
        "A model that is tuned on noised traces of an operation still answers right where half of the characters of "
        "the text are redrawn, and far less where the computation went on with digits redrawn at nearly the same rate."
    ),
    setting="noise in tuning",
    reading=(
        "The nearer counterpart of the paper's setting, in which a pretrained model is tuned: here a model is first "
        "trained on clean traces of several operations, one of which is the one it is then tuned on, with few "
        "examples, all noised."
    ),
    looked=PILOTS,
    differs="The start is a model of ours, trained on clean traces of several operations.",
    criterion=Criterion(axes=(RATES,), read=read(), bounds=(BY_RATE.at_least(0.2),), whole=True),
    rows=rows(lambda noise: PAPER.get(kind(*noise)[0], "")),
    notes=(by_pair(PAIRS), recovery),
    figure=kinds.contrast(),
    facts=(
        Fact("Fine-tuned models are extremely robust to static noise, and not to dynamic noise.", "the abstract"),
        Fact("What is tuned is Pythia-410M, on 20,000 examples of an operation.", "the authors' code, a citing paper"),
    ),
)
