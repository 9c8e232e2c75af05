"""Draws the figures of TInt: answers under each noise, and against the noise's effect on the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.judging.axes import Score, Setting
from experiments.judging.drawing import Bars, Curves, Drawing, Panel
from experiments.judging.grid import Grid
from experiments.studies.tint.family import ANSWER, CLEAN, DYNAMIC, KEPT, LABEL, STATIC, in_order, kind_of, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.judging.claim import Judgement

PLACES = {"characters": 0, "dynamic": 1, "clean": 2}
RIGHT = "share of training answers that are right"


def bars(beside: Score = LABEL) -> Drawing:
    """Returns a drawing of right answers under each noise, beside the share of answers left right or of tokens kept."""
    name = "tokens that the\nnoise keeps" if beside is KEPT else "answers that the\nnoise leaves right"
    scores = {"right answers to\nclean questions": ANSWER, name: beside}
    return Drawing((Bars(scores=scores, name=words, order=in_order, xlabel="share"),), legend="")


@dataclass(frozen=True, kw_only=True)
class NoiseSteps(Panel):
    """Mean answers against training steps, a line for each noise: the more of it the darker."""

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws one line after the other."""
        import polars as pl

        from experiments.judging import figures

        rows = grid.table.filter(pl.col("position").is_null(), condition=ANSWER.condition, learner="model")
        kinds = {s: kind_of(grid, s) for s in grid.settings}
        highest = {name: max(level for other, level in kinds.values() if other == name) for name, _ in kinds.values()}
        for setting, (name, level) in sorted(kinds.items(), key=lambda item: item[1]):
            own = rows.filter(*(pl.col(key) == value for key, value in zip(grid.keys, setting, strict=True)))
            means = own.group_by("step").agg(pl.col(ANSWER.score).mean()).sort("step")
            style: dict[str, Any] = figures.STYLES[PLACES.get(name, 3)] | {"marker": None}
            alpha = 0.3 + 0.7 * level / highest[name] if level else 1.0
            label = name if name == "clean" else None  # the other panels' legend names the kinds of noise
            panel.plot(means["step"], means[ANSWER.score], alpha=alpha, lw=1.6, label=label, **style)
        self.dress(panel, grid)


def _rate(grid: Grid, setting: Setting) -> float:
    return kind_of(grid, setting)[1]


def contrast() -> Drawing:
    """Returns a drawing of answers under both kinds of noise against its rate, the label share, and training steps."""
    groups = {"static (characters)": STATIC, "dynamic": DYNAMIC}
    kinds = {name: (picks, (CLEAN,)) for name, picks in groups.items()}
    rate = Curves(x=_rate, scores={"": ANSWER}, groups=kinds, log=False, xlabel="rate of the noise", legend="")
    share = Curves(x=LABEL, scores={"": ANSWER}, groups=kinds, log=False, xlabel=RIGHT)
    steps = NoiseSteps(xlabel="training steps", title="darker: more noise", legend="")
    return Drawing((rate, share, steps), widths=(3, 3, 2), ylabel="right answers to clean questions")
