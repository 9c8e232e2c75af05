"""Static against dynamic noise in training traces, at the same rate (arXiv:2402.04004)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.claim import Fact
from experiments.judging.contrasts import Matched
from experiments.judging.criterion import Criterion
from experiments.studies.tint import kinds
from experiments.studies.tint.family import (
    ANSWER,
    CHARACTERS,
    DYNAMIC,
    DYNAMIC_LEVEL,
    LABEL,
    NOISES,
    STATIC,
    TRIED,
    by_pair,
    claim,
    kind,
    read,
    recovery,
    rows,
)

PAPER = {"characters": "robust", "dynamic": "fragile"}
RATES = replace(NOISES, tried=TRIED | {"dynamic_45": {"task.dynamic": 0.45}})
HALF = CHARACTERS.at(0.5).named("half of the characters redrawn")
NEARLY_HALF = DYNAMIC_LEVEL.at(0.4, 0.45).named("dynamic noise of nearly that rate")
BY_RATE = ANSWER.at(HALF) - ANSWER.at(NEARLY_HALF)
PAIRS = Matched(ANSWER, STATIC, DYNAMIC, LABEL)

CLAIM = claim(
    name="tint/static_vs_dynamic",
    question="At the same rate, is noise in the computation worse than noise in the finished text?",
    where="the main comparison, from scratch",
    text=(
        "Trained on noised chains of thought, a model still answers right where half of the characters of the finished "
        "text are redrawn, and far less where the computation went on with digits redrawn at nearly the same rate."
    ),
    setting="noise",
    reading=(
        "Every training example is noised. As in the paper the two kinds are compared by the noise's own rate, at "
        "which dynamic noise leaves far fewer answers of the training set right. A comparison where both leave about "
        "as many right is ours; it is noted, and not judged."
    ),
    looked=(
        "Sizes, levels and the comparison by rate were chosen by looking at seeds 0 to 3 and 11 to 13, none of which "
        "is reported. Seeds 1 to 3, with noise of printed numbers alone, showed no difference at the same share of "
        "right answers (-0.021 [-0.061, 0.018])."
    ),
    differs=(
        "From scratch, in place of tuning a pretrained model; a compact trace; the dynamic rate is the lower of the "
        "two, as the original's levels end at 45 %, which speaks against the claim."
    ),
    criterion=Criterion(
        axes=(RATES,),
        read=read(),
        bounds=(BY_RATE.at_least(0.2),),
        whole=True,
    ),
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
