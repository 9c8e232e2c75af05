"""A noised chain of thought or none (arXiv:2402.04004)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.judging.reading import Converged
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
    recovery,
    rows,
)

NONE = NOISE.at("no_trace").named("no traces")
MILD = NOISE.at("characters_25", "dynamic_5").named("mildly noised traces")
STEPS = Axis("train.steps", "steps", (2400, 4800), value="{:,} steps", said="{}")
FLAT = Converged(ANSWER, once=(NONE, STEPS.fewest), twice=(NONE, STEPS.most))
TRACES = replace(NOISES, tried=TRIED | {"no_trace": {"task.style": "none"}, "dynamic_5": {"task.dynamic": 0.05}})


def _levels(grid: Grid) -> list[str]:
    """Returns a note on each noise minus no trace, and on the lowest level of each kind that is not better."""
    lost = FLAT.lost(grid)
    effects = against(grid, [s for s in grid.settings if s not in lost], NONE, but=CLEAN)
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
        "digits, averaged where both were run. Answers without traces are read only if twice the steps add little to "
        "them. Traces need not be learnt to the end: what they lack speaks against the claim."
    ),
    looked=f"{PILOTS} Seeds 1 to 3, with sums of up to four digits, showed a difference that was mostly one of "
    "training: 0.255 after as many steps, about 0.06 after as many tokens.",
    differs=(
        "From scratch, and on sums: products, the original's operation, were not learnt well enough from clean traces "
        "at this size."
    ),
    criterion=Criterion(
        axes=(TRACES, STEPS), read=(FLAT,), bounds=((ANSWER.at(MILD) - ANSWER.at(NONE)).at_least(0.1),), whole=True
    ),
    rows=rows(lambda noise, steps: "better" if kind(*noise) in (("characters", 0.25), ("dynamic", 0.05)) else ""),
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
