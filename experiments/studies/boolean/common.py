"""What the claims on learning Boolean functions in context share: scores by point of the prompt, and the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from experiments.judging.criteria import Cells, Setting, cells
from experiments.judging.frame import MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARXIV = "2310.03016"
TITLE = "Understanding In-Context Learning in Transformers and LLMs by Learning to Learn Discrete Functions"
FAMILY = "task.family"
UNSEEN = "unseen"
POSTERIOR = "bayes"
NETWORK = "network"
NEIGHBOURS = "nearest_neighbours"


def spaced(name: str) -> str:
    """A class of functions in words: nearest neighbour of nearest_neighbour."""
    return name.replace("_", " ")


def positions(table: pl.DataFrame) -> list[int]:
    """The asked points of a prompt that have scores of their own, from 0."""
    return sorted(table["position"].drop_nulls().unique().to_list())


def optimum(
    table: pl.DataFrame, keys: Sequence[str], condition: str = UNSEEN, *, position: int | None = None
) -> tuple[Cells, dict[Setting, str]]:
    """The best that is known of every setting, and its name: the posterior where there is one, else the best baseline.

    At one point of the prompt or, by default, at the last; which baseline is best is decided at the last.
    """
    found = {
        learner: cells(table.filter(pl.col("learner").is_in([MODEL, learner])), condition, keys, learner=learner)
        for learner in table.filter(condition=condition)["learner"].unique().sort()
        if learner != MODEL
    }
    names: dict[Setting, str] = {}
    for setting in cells(table, condition, keys).scores:
        means = {
            learner: float(np.mean(list(of.scores[setting].values())))
            for learner, of in found.items()
            if setting in of.scores
        }
        names[setting] = POSTERIOR if POSTERIOR in means else max(means, key=lambda learner: means[learner])
    scores = {}
    for learner in sorted(set(names.values())):
        of = cells(table, condition, keys, learner=learner, position=position)
        scores |= {setting: of.scores[setting] for setting, name in names.items() if name == learner}
    return Cells({s: scores[s] for s in names}, cells(table, condition, keys).examples), names


def draw_positions(
    panel: Axes, table: pl.DataFrame, keys: Sequence[str], setting: Setting, learners: dict[str, str]
) -> None:
    """Accuracy on held-out functions at every point, for every learner (name: label): mean, 95 % interval, all seeds.

    Nearest neighbours start at the first point that has an example before it: without any they answer nothing.
    """
    from experiments.judging import figures

    points = positions(table)
    for place, (learner, label) in enumerate(learners.items()):
        x = [p for p in points if p or learner != NEIGHBOURS]
        curve = {p: cells(table, UNSEEN, keys, learner=learner, position=p) for p in x}
        x = [p for p in x if setting in curve[p].scores]
        if not x:
            continue
        means = [curve[p].mean(setting) for p in x]
        width = [[i.estimate - i.lower for i in means], [i.upper - i.estimate for i in means]]
        style = figures.STYLES[place]
        drawn = panel.errorbar(
            x, [i.estimate for i in means], yerr=width, label=label, lw=1.6, elinewidth=1.0, markersize=3, **style
        )
        drawn[0].set_markevery(4)
        for bars in drawn[2]:
            bars.set_alpha(0.45)  # so that three at one point can be told apart
        seeds = [list(curve[p].scores[setting].values()) for p in x]
        for seed in range(min(map(len, seeds))):
            panel.plot(x, [of[seed] for of in seeds], color=style["color"], lw=0.5, alpha=0.6)
    panel.set(title=spaced(setting[0]), xlabel="examples before")
