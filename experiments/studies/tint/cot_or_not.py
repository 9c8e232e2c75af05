"""A noised chain of thought or none (arXiv:2402.04004)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.claim import SIZES, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.studies.tint import kinds
from experiments.studies.tint.family import (
    ANSWER,
    CLEAN,
    NOISE,
    NOISES,
    TRIED,
    against,
    claim,
    kind,
    kind_of,
    read,
    readable,
    recovery,
    rows,
)

NONE = NOISE.at("no_trace").named("no traces")
MILD = NOISE.at("characters_25", "dynamic_5").named("mildly noised traces")
TRACES = replace(NOISES, tried=TRIED | {"no_trace": {"task.style": "none"}, "dynamic_5": {"task.dynamic": 0.05}})


def _levels(grid: Grid) -> list[str]:
    """Returns a note on each noise minus no trace, and on the lowest level of each kind that is not better."""
    effects = against(grid, readable(grid), NONE, but=CLEAN)
    worse: dict[str, float] = {}
    for setting, effect in effects.items():
        if effect.lower <= 0:
            worse.setdefault(*kind_of(grid, setting))
    first = ", ".join(f"{100 * level:.0f} % {name}" for name, level in worse.items())
    until = f"no longer better (lower bound at most 0) from {first} on" if first else "better at every level"
    each = "; ".join(f"{grid.format_setting(setting)} {effect}" for setting, effect in effects.items())
    return [f"Minus no trace: {each}; {until} (not judged)."] if each else []


CLAIM = claim(
    name="tint/cot_or_not",
    question="Is a noised chain of thought better than none?",
    where="noised traces against no traces",
    text="Training on mildly noised chains of thought gives more right answers than training on clean answers alone.",
    setting="traces",
    reading=(
        "Mildly noised are traces with a quarter of the digits redrawn, or with a twentieth of the new numbers' "
        "digits, averaged."
    ),
    looked=f"{SIZES} But at cpu scale dynamic noise of 5 %, which did less harm than that of 20 %, was left out after "
    "a run of the same seeds, to save time; the criterion stayed.",
    differs=(
        "From scratch, and on sums of up to four digits: products, the original's operation, were not learnt "
        "well enough from clean traces at this size."
    ),
    criterion=Criterion(
        axes=(TRACES,), read=read(), bounds=((ANSWER.at(MILD) - ANSWER.at(NONE)).at_least(0.1),), whole=True
    ),
    rows=rows(lambda noise: "better" if kind(*noise) in (("characters", 0.25), ("dynamic", 0.05)) else ""),
    notes=(_levels, recovery),
    figure=kinds.bars(),
    facts=(
        Fact("Even with all traces noised, mildly noised ones beat none.", "a summary of the paper"),
        Fact(
            "Clean, five-digit products: 39.6 % without traces, 90.7 % with them (Pythia-410M, 20,000 examples).",
            "a citing paper's note, not checked against it",
        ),
    ),
)
