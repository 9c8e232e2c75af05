"""How many examples may be noised (arXiv:2402.04004): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; the clean counterpart of a setting is a share of noised examples
of 0.

- Effect: right answers where no example is noised minus where the largest share is, under static noise, paired by seed.
- Not fitted: the former has a mean below 0.9.
- Reproduced: the effect's upper bound is at most 0.1. Not reproduced: its lower bound is above 0.1.
- Inconclusive: anything else; and where the largest share is not settled or is not 1, there is one seed, a run is
  missing, or runs ended at different steps.

Measured but not judged: the same for dynamic noise.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.criteria import Setting, difference
from experiments.judging.statistics import Interval
from experiments.studies.tint.common import (
    ARXIV,
    DYNAMIC,
    NOISE,
    STATIC,
    TITLE,
    Measured,
    conclude,
    kind,
    level,
    measured,
    rows,
    shared,
    sound,
    worded,
)
from experiments.studies.tint.drawing import PLACES, against

KEYS = [NOISE, "task.contamination"]
MOST = 0.1
PAPER = {(STATIC, 1.0): "robust", (DYNAMIC, 1.0): "fragile"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/contamination; RecordError where it is a table of something else."""
    found = measured(table, KEYS)
    left = sound(found, lambda setting: (setting[0], 0.0))
    ends = {name: _ends(found, name) for name in (STATIC, DYNAMIC)}
    usable = {name: both for name, both in ends.items() if both and set(both) <= set(left.settings)}
    more, less = (found.answer.where([both[at] for name, both in usable.items() if name == STATIC]) for at in (0, 1))
    notes = []
    if both := usable.get(DYNAMIC):
        beside = difference(*(found.answer.where([s]) for s in both))
        notes = [f"The same under {worded(both[1][0])}: {beside} (not judged)."]
    return conclude(
        found,
        left,
        difference(more, less),
        shared(more, less),
        what="Right answers where no example has static noise minus where all have",
        rows=rows(found, lambda s: PAPER.get((kind(s[0]), s[1]), "")),
        missing="Static noise on no example, and on all, must both be there to be read.",
        most=MOST,
        notes=notes,
    )


def _ends(found: Measured, name: str) -> tuple[Setting, Setting] | None:
    """The settings in which no example has the highest level of this kind of noise, and all have; None without both."""
    noise = max((s[0] for s in found.answer.scores if kind(s[0]) == name), key=level, default="")
    none, every = (noise, 0.0), (noise, 1.0)
    return (none, every) if {none, every} <= found.answer.scores.keys() else None


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw answers against the share of noised examples, and against the share of right answers in training."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    found = measured(table, KEYS)
    shares = {s: Interval(s[1], s[1], s[1]) for s in found.answer.scores}
    axes = {"share of examples noised": shares, "share of training answers that are right": found.label}
    for panel, (xlabel, where) in zip(panels, axes.items(), strict=True):
        noises = sorted({s[0] for s in found.answer.scores}, key=lambda noise: (PLACES[kind(noise)], level(noise)))
        for place, noise in enumerate(noises[: len(figures.STYLES)]):
            some = [s for s in found.answer.scores if s[0] == noise]
            against(panel, found, some, where, worded(noise), place)
        panel.set(xlabel=xlabel)
    panels[0].set(ylabel="right answers to clean questions")
    panels[0].legend()
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="tint/contamination",
    question="How many of the training traces may be noised?",
    title=TITLE,
    arxiv=ARXIV,
    where="static noise, all levels of contamination",
    text="Static noise in the traces is tolerated even where every training example has it.",
    setting="noise, share of examples",
    effect="right answers, static noise on no example minus on all",
    looked=f"{SIZES} At cpu scale seed 100 was looked at too; MLPs were made thinner after a run of the same seeds, to "
    "save time, and training longer after another, in which half of the characters redrawn was still being learnt; the "
    "criterion stayed.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Models are extremely robust to static noise even where the entire data set has it.", "the abstract"),
        Fact("The released code does not gate dynamic noise by contamination; ours does.", "the authors' code"),
    ),
)
