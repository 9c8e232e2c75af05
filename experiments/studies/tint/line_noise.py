"""Lines of the trace that are deleted, inserted or swapped (arXiv:2402.04004): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; every training example is noised, and its answer is right.

- Not fitted: clean training as long has a mean below 0.9.
- Effect: right answers after clean training minus after the level of deletion with the fewest, paired by seed.
- Reproduced: the effect's upper bound is at most 0.1. Not reproduced: its lower bound is above 0.1.
- Inconclusive: anything else; and where that level is not settled, there is one seed, a run is missing, or runs ended
  at different steps.

Measured but not judged: each noise by itself; insertion and swap are ours.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.criteria import Setting, difference
from experiments.studies.tint.common import (
    ARXIV,
    CLEAN,
    NOISE,
    TITLE,
    conclude,
    kind,
    measured,
    ordered,
    rows,
    shared,
    sound,
)
from experiments.studies.tint.drawing import draw_bars

KEYS = [NOISE]
DELETION = "deletion"
MOST = 0.1


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/line_noise; RecordError where it is a table of something else."""
    found = measured(table, KEYS)
    left = sound(found)
    # The worst of all: to fall back on a milder level where that is still learning would flatter.
    levels = [s for s in found.answer.scores if kind(s[0]) == DELETION]
    worst: list[Setting] = sorted(levels, key=lambda s: found.answer.mean(s).estimate)[:1]
    clean = found.answer.where([s for s in left.settings if s == (CLEAN,)])
    less = found.answer.where([s for s in worst if s in left.settings])
    noised = [s for s in ordered(found) if s in left.settings and s != (CLEAN,)]
    each = [f"{found.words(s)} {difference(clean, found.answer.where([s]))}" for s in noised]
    return conclude(
        found,
        left,
        difference(clean, less),
        shared(clean, less),
        what=f"Right answers after clean traces minus after {found.words(worst[0]) if worst else DELETION}",
        rows=rows(found, lambda s: "robust" if kind(s[0]) == DELETION else ""),
        missing="The level of deletion with the fewest right answers must be there to be read.",
        most=MOST,
        notes=[f"Clean minus noised: {'; '.join(each)} (not judged)."] if each else [],
    )


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw right answers after each noise beside the share of tokens that it keeps."""
    return draw_bars(table, KEYS, judgement, path, kept=True)


CLAIM = Claim(
    name="tint/line_noise",
    question="Do lines of a trace that are missing, doubled or swapped matter?",
    title=TITLE,
    arxiv=ARXIV,
    where="line noise",
    text="A model trained on traces with many lines deleted answers clean questions as well as one trained on all.",
    setting="noise",
    effect="right answers, clean traces minus the most harmful level of deletion",
    looked=f"{SIZES} But at cpu scale a quarter of the lines deleted, which did less harm than half (0.990 and 0.887 "
    "of the answers right), was left out after a run of the same seeds, to save time; the criterion stayed.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Static noise, of which line noise is a kind, is tolerated at all levels.", "the abstract"),
        Fact("The fine-tuning grid deletes nine lines in ten and more.", "the authors' code"),
    ),
)
