"""A noised chain of thought or none (arXiv:2402.04004): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; the clean counterpart is training on clean traces.

- Not fitted: the clean counterpart has a mean below 0.9.
- Effect: right answers of models trained on mildly noised traces (a quarter of the digits redrawn; a twentieth of the
  new numbers' digits; averaged) minus those of models trained on clean answers without traces, paired by seed.
- Reproduced: the effect's lower bound is at least 0.1. Not reproduced: its upper bound is below 0.1.
- Inconclusive: anything else; and where neither mild noise, or not training without traces, is there and settled, there
  is one seed, a run is missing, or runs ended at different steps.

Measured but not judged: the same for each noise, and from which level of its kind on traces are no longer better.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.criteria import Setting, difference
from experiments.studies.tint.common import (
    ARXIV,
    CLEAN,
    NOISE,
    TITLE,
    Measured,
    conclude,
    kind,
    level,
    measured,
    ordered,
    rows,
    shared,
    sound,
)
from experiments.studies.tint.drawing import draw_bars

KEYS = [NOISE]
NONE: Setting = ("no_trace",)
MILD: tuple[Setting, ...] = (("characters_25",), ("dynamic_5",))
LEAST = 0.1


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/cot_or_not; RecordError where it is a table of something else."""
    found = measured(table, KEYS)
    left = sound(found)
    none = found.answer.where([s for s in [NONE] if s in left.settings])
    mild = found.answer.where([s for s in MILD if s in left.settings])
    return conclude(
        found,
        left,
        difference(mild, none),
        shared(mild, none),
        what="Right answers after mildly noised traces minus after none",
        rows=rows(found, lambda s: "better" if s in MILD else ""),
        missing="Training on mildly noised traces, and without traces, must both be there to be read.",
        least=LEAST,
        notes=_levels(found, left.settings),
    )


def _levels(found: Measured, settings: Sequence[Setting]) -> list[str]:
    """Each noise minus no trace, and of each kind the lowest level that is not better."""
    if NONE not in settings:
        return []
    notes, worse = [], {}
    for setting in ordered(found):
        if setting not in settings or setting in (NONE, (CLEAN,)):
            continue
        effect = difference(found.answer.where([setting]), found.answer.where([NONE]))
        notes.append(f"{found.words(setting)} {effect}")
        if effect is not None and effect.lower <= 0:
            worse.setdefault(kind(setting[0]), level(setting[0]))
    first = ", ".join(f"{of} % {name}" for name, of in worse.items())
    until = f"no longer better (lower bound at most 0) from {first} on" if first else "better at every level"
    return [f"Minus no trace: {'; '.join(notes)}; {until} (not judged)."] if notes else []


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw right answers after each kind of traces and after none, beside the share of right training answers."""
    return draw_bars(table, KEYS, judgement, path)


CLAIM = Claim(
    name="tint/cot_or_not",
    question="Is a noised chain of thought better than none?",
    title=TITLE,
    arxiv=ARXIV,
    where="noised traces against no traces",
    text="Training on mildly noised chains of thought gives more right answers than training on clean answers alone.",
    setting="traces",
    effect="right answers, mildly noised traces minus none",
    looked=f"{SIZES} But at cpu scale dynamic noise of 5 %, which did less harm than that of 20 %, was left out after "
    "a run of the same seeds, to save time; the criterion stayed.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Even with all traces noised, mildly noised ones beat none.", "a summary of the paper"),
        Fact(
            "Clean, five-digit products: 39.6 % without traces, 90.7 % with them (Pythia-410M, 20,000 examples).",
            "a citing paper's note, not checked against it",
        ),
    ),
)
