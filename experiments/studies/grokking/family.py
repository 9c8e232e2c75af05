"""The studies of grokking share a paper, scores, the step at which a score comes up to a level, and curves by step."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from experiments.judging.axes import Axis, Pick, Score, Setting
from experiments.judging.claim import Claim
from experiments.judging.drawing import Bars, Panel
from experiments.judging.grid import Grid
from experiments.judging.measures import Measure
from experiments.judging.reached import OCTAVES, first_step, steps
from experiments.judging.reading import Fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.judging.claim import Judgement

TITLE = "Grokking at the Edge of Numerical Stability"
ARXIV = "2501.04697"
TRAIN = Score("train", "accuracy on training pairs")
TEST = Score("test", "accuracy on test pairs")
APART = Score("apart", "accuracy on test pairs whose mirror is held out too")
LOST = Score(
    "train",
    "share of training pairs whose loss is lost",
    "absorbed",
    measure=Measure(high=1.0, better="lower", lost=1.0),
)
FIT = Fitted(TRAIN)
GROKKED = 0.95  # of test pairs
FIRST = Score("test", "log2 of the step at which 95 % of test pairs are right", "first_95", measure=OCTAVES)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)


def format_steps(grid: Grid, score: Score, level: float, picks: tuple[Pick, ...]) -> str:
    """Formats the step at which each seed's score comes up to a level: the median, the range, and how many never do."""
    lines = steps(grid, score, *picks)
    places = sorted(place for line in lines.values() if (place := first_step(line, level)) is not None)
    never, number = len(lines) - len(places), len(lines)
    if not places:
        return f"never, in {number} of {number} seeds"
    end = max(line[-1][0] for line in lines.values())
    middle = statistics.median([*places, *[end] * never])
    beyond = "beyond " if 2 * never >= number else ""
    some = f"; never in {never} of {number}" if never else ""
    return f"{beyond}{middle:,.0f} ({places[0]:,.0f} to {places[-1]:,.0f}{some})"


def steps_to(score: Score, level: float, *axes: Axis) -> Callable[[Grid], list[str]]:
    """Returns a function that notes the first step at a level, for each value of the axes."""

    def note(grid: Grid) -> list[str]:
        values = dict.fromkeys(tuple(grid.value(axis, s) for axis in axes) for s in grid.settings)
        parts = []
        for some in values:
            picks = tuple(axis.at(value) for axis, value in zip(axes, some, strict=True))
            name = ", ".join(axis.format_value(value) for axis, value in zip(axes, some, strict=True))
            parts.append(f"{name} {format_steps(grid, score, level, picks)}")
        return [
            f"First step at which {score.words} is {100 * level:g} % (median of seeds and range): {'; '.join(parts)}."
        ]

    return note


@dataclass(frozen=True, kw_only=True)
class Lines(Panel):
    """Scores against training steps, on a logarithmic axis: the mean of the seeds, and each seed as a thin line.

    lines: by name, a score and the settings of its line. corner: where the legend stands, if there is one.
    """

    lines: Mapping[str, tuple[Score, tuple[Pick, ...]]]
    corner: str = "upper left"

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws one line after the other."""
        from matplotlib.ticker import LogLocator

        from experiments.judging import figures

        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        measured = {n: (score, p) for n, (score, p) in self.lines.items() if score.score in grid.table.columns}
        drawn = {n: (score, p) for n, (score, p) in measured.items() if grid.where((*self.picks, *p))}
        for place, (name, (score, picks)) in enumerate(drawn.items()):
            style: dict[str, Any] = figures.STYLES[place] | {"marker": None}
            every = steps(grid, score, *self.picks, *picks)
            for points in every.values():
                panel.plot(*zip(*points, strict=True), color=style["color"], lw=0.5, alpha=0.5)
            long = [point for points in every.values() for point in points]
            means = pl.DataFrame(long, ("step", "score"), orient="row").group_by("step").mean().sort("step")
            panel.plot(means["step"], means["score"], label=name.replace(", ", ",\n"), lw=1.8, **style)
            figures.span(panel, "y", grid.measure(score))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter("")
        panel.set(xlabel="training steps")
        self.dress(panel, grid)
        if self.legend is not None:
            panel.legend(title=self.legend or None, loc=self.corner, fontsize="small", handlelength=3)


def first_steps(score: Score, title: str, *axes: Axis) -> Bars:
    """Returns a panel of the step at which a score comes up to its level, by setting; the last if it never does.

    axes: those that name a setting.
    """

    def mark(panel: Axes, grid: Grid) -> None:
        end: Any = grid.table["step"].max()
        panel.axvline(math.log2(end), color="0.5", lw=0.9, ls=":")
        panel.xaxis.set_major_formatter(lambda place, _: f"{2**place:,.0f}")
        panel.set(xlabel="first step (dotted: the end)")

    def name(grid: Grid, setting: Setting) -> str:
        return ",\n".join(axis.format_cell(grid.value(axis, setting)) for axis in axes).replace(", ", ",\n")

    return Bars(scores={title: score}, name=name, title=title, mark=mark)
