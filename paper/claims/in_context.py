"""What the claims on learning Boolean functions in context share: scores by point of the prompt, and the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from paper.claims.judging import Cells, Setting, cells
from paper.results import MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARXIV = "2310.03016"
TITLE = "Understanding In-Context Learning in Transformers and LLMs by Learning to Learn Discrete Functions"
FAMILY = "task.family"
UNSEEN = "unseen"
POSTERIOR = "bayes"
NETWORK = "network"


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
    """Accuracy on held-out functions at every point, of all seeds and their mean, for every learner (name: label)."""
    from paper import figures

    points = positions(table)
    for place, (learner, label) in enumerate(learners.items()):
        curve = [cells(table, UNSEEN, keys, learner=learner, position=p).scores.get(setting) for p in points]
        here = [(p, list(of.values())) for p, of in zip(points, curve, strict=True) if of]
        if not here:
            continue
        x = [p for p, _ in here]
        style = figures.STYLES[place]
        panel.plot(x, [float(np.mean(of)) for _, of in here], label=label, markersize=3, markevery=4, lw=1.6, **style)
        for seed in range(min(len(of) for _, of in here)):
            panel.plot(x, [of[seed] for _, of in here], color=style["color"], lw=0.5, alpha=0.6)
    panel.set(title=str(setting[0]), xlabel="examples before")
