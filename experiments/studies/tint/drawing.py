"""What the figures on TInt share: answers against what the noise does to the examples, and against training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.judging import figures
from experiments.judging.claim import Judgement
from experiments.judging.criteria import Cells, Setting
from experiments.judging.frame import MODEL
from experiments.judging.statistics import Interval
from experiments.studies.tint.common import (
    CLEAN,
    DYNAMIC,
    NOISE,
    STATIC,
    TEST,
    Measured,
    kind,
    level,
    measured,
    ordered,
)

PLACES = {STATIC: 0, DYNAMIC: 1, CLEAN: 2}


def against(
    panel: Axes, found: Measured, settings: Sequence[Setting], where: Mapping[Setting, Interval], label: str, place: int
) -> None:
    """A curve of the answers of some settings against a share that each of them has."""
    order = sorted(settings, key=lambda s: where[s].estimate)
    means, points = [found.answer.mean(s) for s in order], [list(found.answer.scores[s].values()) for s in order]
    figures.scores_with_seeds(panel, [where[s].estimate for s in order], means, points, label, place, log=False)
    panel.set(xlim=(-0.03, 1.09), xticks=np.linspace(0, 1, 6))
    panel.xaxis.set_major_formatter("{x:.1f}")


def against_steps(panel: Axes, found: Measured) -> None:
    """Mean answers against training steps, a line for each noise: the more of it the darker."""
    rows = found.table.filter(pl.col("position").is_null(), condition=TEST, learner=MODEL)
    highest = {k: max(level(s) for s in rows[NOISE].unique() if kind(s) == k) for k in PLACES if k != CLEAN}
    for noise in sorted(rows[NOISE].unique(), key=lambda noise: (kind(noise), level(noise))):
        of_step = rows.filter(pl.col(NOISE) == noise).group_by("step").agg(pl.col("answer").mean()).sort("step")
        style: dict[str, Any] = figures.STYLES[PLACES[kind(noise)]] | {"marker": None}
        alpha = 0.3 + 0.7 * level(noise) / highest[kind(noise)] if level(noise) else 1.0
        panel.plot(of_step["step"], of_step["answer"], alpha=alpha, lw=1.6, **style)
    panel.set(xlabel="training steps", title="darker: more noise")


def averaged(side: Cells) -> Interval:
    """Interval of the mean over seeds of an average over settings."""
    return Cells({(): side.by_seed()}, side.examples).mean(())


def draw_bars(
    table: pl.DataFrame, keys: Sequence[str], judgement: Judgement, path: Path, *, kept: bool = False
) -> list[Path]:
    """Draw right answers under each noise beside the share of answers it leaves right, or of tokens it keeps."""
    figure, (panel,) = figures.canvas((1,))
    found = measured(table, keys)
    order = ordered(found)
    beside, says = (
        (found.kept, "tokens that the\nnoise keeps") if kept else (found.label, "answers that the\nnoise leaves right")
    )
    series = {
        "right answers to\nclean questions": [
            (found.answer.mean(s), list(found.answer.scores[s].values())) for s in order
        ],
        says: [(beside[s], []) for s in order],
    }
    both = {label: ([mean for mean, _ in of], [seeds for _, seeds in of]) for label, of in series.items()}
    figures.bars(panel, [found.words(s) for s in order], both)
    panel.set(xlabel="share")
    figures.legend_beside(panel, "")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


def draw_contrast(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw answers under both kinds of noise against the noise's rate, label share, and training steps."""
    figure, panels = figures.canvas((3, 3, 2))
    found = measured(table, [NOISE])
    rates = {s: level(found.noise(s)) / 100 for s in found.answer.scores}
    axes = {
        "rate of the noise": {s: Interval(rate, rate, rate) for s, rate in rates.items()},
        "share of training answers that are right": found.label,
    }
    for panel, (xlabel, where) in zip(panels, axes.items(), strict=False):
        for name, label in ((STATIC, "static (characters)"), (DYNAMIC, "dynamic")):
            some = [s for s in found.answer.scores if kind(found.noise(s)) in (name, CLEAN)]
            against(panel, found, some, where, label, PLACES[name])
        panel.set(xlabel=xlabel)
    panels[0].set(ylabel="right answers to clean questions")
    panels[0].legend()
    against_steps(panels[2], found)
    figures.title(figure, table, judgement)
    return figures.save(figure, path)
