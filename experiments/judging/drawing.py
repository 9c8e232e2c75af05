"""Kinds of figures, which a claim names with a few arguments: curves, bars, curves by length, position or step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from experiments.judging.axes import Axis, Pick, Score, Setting
from experiments.judging.frame import MODEL
from experiments.judging.grid import Cells, Grid
from experiments.judging.rows import format_title
from experiments.judging.sides import by_seed
from experiments.judging.statistics import Interval, mean_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from experiments.judging.claim import Judgement

BARS = "bars: 95 % intervals; hollow: single seeds; dash: their median; 2/6: seeds above a half, if not all or none"
THIN = "bars: 95 % intervals; thin: single seeds"
Place = Axis | Score | Callable[[Grid, Setting], float]  # where a setting stands on a panel's x axis


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of a figure: the settings at which `picks` hold, under a title, with names for its axes."""

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    picks: tuple[Pick, ...] = ()
    legend: str | None = None  # the title of a legend of the panel's own, inside it
    mark: Callable[[Axes, Grid], None] | None = None  # draws what else the panel shows

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws the panel from a table by setting."""
        raise NotImplementedError

    def dress(self, panel: Axes, grid: Grid) -> None:
        """Adds names, the title, the legend and the panel's further marks."""
        names = {"title": self.title, "xlabel": self.xlabel, "ylabel": self.ylabel}
        panel.set(**{name: text for name, text in names.items() if text})
        if self.mark:
            self.mark(panel, grid)
        if self.legend is not None:
            panel.legend(title=self.legend or None)


def place_of(x: Place, grid: Grid, setting: Setting) -> float:
    """Returns the place of a setting on an x axis."""
    if isinstance(x, Axis):
        return grid.value(x, setting)
    return grid.cells(x).estimate(setting) if isinstance(x, Score) else x(grid, setting)


def mean_of(grid: Grid, score: Score, settings: Sequence[Setting]) -> tuple[Interval, list[float]]:
    """Returns the interval of a score's mean over settings and seeds, and each seed's mean over the settings."""
    seeds, cells = list(by_seed(grid, [(score, s) for s in settings]).values()), grid.cells(score)
    measure = cells.measure
    if not seeds:
        return Interval(0.0, measure.low, measure.high), seeds
    return mean_score(seeds, cells.examples, grid.level, measure), seeds


@dataclass(frozen=True, kw_only=True)
class Curves(Panel):
    """Scores against `x`, with intervals and every seed: a curve for each score, or for each value of the axis `by`.

    scores: by the curve's name. few: at most so many values of `by`, from the smallest to the largest. groups: curves
    by name, in place of `by`, each with alternatives of picks. log: whether the x axis is logarithmic. ticks: names of
    the places of `x`, where they are no numbers.
    """

    x: Place
    scores: Mapping[str, Score]
    by: Axis | None = None
    groups: Mapping[str, tuple[tuple[Pick, ...], ...]] = field(default_factory=dict)
    few: int = 4
    log: bool = True
    ticks: Callable[[Grid, Setting], str] | None = None

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws one curve after the other."""
        from experiments.judging import figures

        settings = grid.where(self.picks)
        names: dict[Any, str] = {}
        for place, (label, score, some) in enumerate(self._curves(grid, settings)):
            at: dict[float, list[Setting]] = {}
            for setting in some:
                if setting in grid.cells(score).scores:
                    at.setdefault(place_of(self.x, grid, setting), []).append(setting)
                    names[place_of(self.x, grid, setting)] = self.ticks(grid, setting) if self.ticks else ""
            if not at:
                continue
            x = sorted(at)
            means, points = zip(*(mean_of(grid, score, at[value]) for value in x), strict=True)
            measure = grid.cells(score).measure
            figures.scores_with_seeds(panel, x, means, points, label, place, log=self.log, measure=measure)
        if self.ticks:
            panel.set_xticks(list(names), list(names.values()))
        elif isinstance(self.x, Score):
            panel.set(xlim=(-0.03, 1.09), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
            panel.xaxis.set_major_formatter("{x:.1f}")
            figures.span(panel, "x", grid.cells(self.x).measure)
        elif names and not all(float(value).is_integer() for value in names):
            panel.xaxis.set_major_formatter("{x:g}")
        self.dress(panel, grid)

    def _curves(self, grid: Grid, settings: Sequence[Setting]) -> list[tuple[str, Score, list[Setting]]]:
        if self.groups:
            score = next(iter(self.scores.values()))
            some = {name: [grid.where(p, settings) for p in either] for name, either in self.groups.items()}
            return [(name, score, [s for chosen in choices for s in chosen]) for name, choices in some.items()]
        if self.by is None:
            return [(name, score, list(settings)) for name, score in self.scores.items()]
        by, score = self.by, next(iter(self.scores.values()))
        values = sorted({grid.value(by, s) for s in settings}, key=by.rank)
        if len(values) > self.few:
            values = [values[round(i * (len(values) - 1) / (self.few - 1))] for i in range(self.few)]
        return [(by.format_cell(v), score, [s for s in settings if grid.value(by, s) == v]) for v in values]


@dataclass(frozen=True, kw_only=True)
class Bars(Panel):
    """Scores of named settings, one below the other, with intervals and every seed.

    scores: by the series' name, in which {} stands for the score's number. name, order: as those of a table's rows.
    named: whether settings are named. line: a score drawn as a dashed line, at its mean over the settings.
    """

    scores: Mapping[str, Score]
    name: str | Callable[[Grid, Setting], str] = ""
    order: Callable[..., Any] | None = None
    named: bool = True
    line: Score | None = None

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws a series for each score."""
        from experiments.judging import figures

        first = grid.cells(next(iter(self.scores.values())))
        settings = [s for s in grid.where(self.picks) if s in first.scores]
        if self.order:
            values = {s: [grid.value(axis, s) for axis in grid.axes] for s in settings}
            settings.sort(key=lambda s: self.order(*values[s]) if self.order else 0)
        series = {}
        for label, score in self.scores.items():
            cells = grid.cells(score)
            points = [[] if score.of_examples else [*cells.scores.get(s, {}).values()] for s in settings]
            series[score.format_label(label, grid)] = [cells.mean(s) for s in settings], points
        names = [format_title(self.name, grid, s) if self.named else "" for s in settings]
        figures.bars(panel, names, series, first.measure)
        if not first.measure.share:
            panel.set(xlabel=next(iter(self.scores.values())).words)
        if self.line:
            panel.axvline(mean_of(grid, self.line, settings)[0].estimate, color="0.3", ls="--", lw=1)
        self.dress(panel, grid)


def lengths(grid: Grid, score: Score) -> dict[int, Cells]:
    """Returns a score by the number in its condition, of all numbers that were tested, ascending."""
    pattern = re.compile(re.escape(score.condition).replace(r"\{\}", r"(\d+)"))
    names = grid.table.filter(learner=MODEL)["condition"].unique()
    conditions = {int(match[1]): name for name in names if (match := pattern.fullmatch(name))}
    return {n: grid.cells(replace(score, condition=conditions[n], number=None)) for n in sorted(conditions)}


@dataclass(frozen=True, kw_only=True)
class ByLength(Panel):
    """Scores against the number in a condition's name, a curve for each setting and each score, by the curve's name.

    The axis `by`, if there is one, names a setting's curve. trained: the axis whose values are marked.
    """

    scores: Mapping[str, Score]
    by: Axis | None = None
    trained: Axis | None = None
    half: bool = False

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws one curve after the other."""
        from experiments.judging import figures

        drawn = [(name, lengths(grid, score), s) for name, score in self.scores.items() for s in grid.where(self.picks)]
        for place, (name, curves, setting) in enumerate(drawn):
            x = [n for n, cells in curves.items() if setting in cells.scores]
            means, points = [curves[n].mean(setting) for n in x], [[*curves[n].scores[setting].values()] for n in x]
            label = self.by.format_cell(grid.value(self.by, setting)) if self.by else name
            measure = next(iter(curves.values())).measure
            figures.scores_with_seeds(panel, x, means, points, label, place, log=False, measure=measure)
            if self.trained:
                several = len({grid.value(self.trained, s) for s in grid.settings}) > 1
                colour = figures.STYLES[place]["color"] if several else "0.5"
                panel.axvline(grid.value(self.trained, setting), color=colour, lw=0.8, ls=":")
        if self.half:
            panel.axhline(0.5, color="0.7", lw=0.8)
        panel.set(xlabel="length of the problem", ylabel="exact match")
        self.dress(panel, grid)


@dataclass(frozen=True, kw_only=True)
class ByPosition(Panel):
    """A score at every position, of several learners: mean, interval, and each seed as a thin line.

    learners: labels by learner; BEST stands for the optimum. late: learners that have no score at position 0.
    """

    score: Score
    learners: Mapping[str, str]
    late: tuple[str, ...] = ()

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws a curve for each learner."""
        from experiments.judging import figures

        (setting,) = grid.where(self.picks)
        best, measure = grid.optimum(self.score.condition, self.score.score), grid.measure(self.score)
        for place, (learner, label) in enumerate(self.learners.items()):
            name = best.get(setting, learner) if learner == "best" else learner
            rows = grid.table.filter(
                pl.col("final"), pl.col("position").is_not_null(), learner=name, condition=self.score.condition
            )
            rows = rows.filter(*(pl.col(key) == value for key, value in zip(grid.keys, setting, strict=True)))
            rows = rows.filter(pl.col("position") > 0) if name in self.late else rows
            if rows.is_empty():
                continue
            by_position = {
                int(p[0]): group.sort("seed")[self.score.score].to_list() for p, group in rows.group_by("position")
            }  # pyright: ignore[reportArgumentType]
            x, examples = sorted(by_position), int(rows["examples"].to_numpy().min())
            means = [mean_score(by_position[p], examples, grid.level, measure) for p in x]
            width = [[i.estimate - i.lower for i in means], [i.upper - i.estimate for i in means]]
            style = figures.STYLES[place]
            middle = [i.estimate for i in means]
            drawn = panel.errorbar(x, middle, yerr=width, label=label, lw=1.6, elinewidth=1.0, markersize=3, **style)
            drawn[0].set_markevery(4)
            for bars in drawn[2]:
                bars.set_alpha(0.45)  # so that three at one position can be told apart
            for seed in range(min(map(len, by_position.values()))):
                panel.plot(x, [by_position[p][seed] for p in x], color=style["color"], lw=0.5, alpha=0.6)
        figures.span(panel, "y", measure)
        self.dress(panel, grid)


@dataclass(frozen=True, kw_only=True)
class AgainstSteps(Panel):
    """The mean of a score over seeds against training steps, a line for each value of the axis `by`.

    seeds: whether each seed has a thin line of its own, too.
    """

    score: Score
    by: Axis
    seeds: bool = False

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws one line after the other."""
        from experiments.judging import figures

        figures.scores_against_steps(panel, grid.table, self.score, self.by, seeds=self.seeds)
        figures.span(panel, "y", grid.measure(self.score))
        self.dress(panel, grid)


@dataclass(frozen=True, kw_only=True)
class Own(Panel):
    """A panel that its own function draws."""

    drawn: Callable[[Axes, Grid], None]

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Calls the function."""
        self.drawn(panel, grid)
        self.dress(panel, grid)


@dataclass(frozen=True)
class Drawing:
    """A figure: panels beside one another, or one panel for each value of the axes `by`.

    legend: the title of a legend beside the last panel; None for no legend there. inside: where the last panel has its
    legend inside. marks: how the marks are read.
    """

    panels: tuple[Panel, ...]
    widths: tuple[float, ...] = ()
    by: tuple[Axis, ...] = ()
    legend: str | None = None
    marks: str = BARS
    ylabel: str = ""
    inside: Literal["lower left", "lower right"] | None = None
    share: bool = True

    def figure(self, grid: Grid, judgement: Judgement) -> Figure:
        """Returns the figure of a table by setting, without a title."""
        from experiments.judging import figures

        panels = self.panels
        if self.by:
            values = dict.fromkeys(tuple(grid.value(axis, s) for axis in self.by) for s in grid.settings)
            panels = tuple(self._of(chosen, place == 0) for place, chosen in enumerate(values))
        figure, axes = figures.canvas(self.widths or (1,) * len(panels), share=self.share)
        for panel, kind in zip(axes, panels, strict=True):
            kind.draw(panel, grid, judgement)
        if self.ylabel:
            axes[0].set(ylabel=self.ylabel)
        if self.inside is not None:
            axes[-1].legend(loc=self.inside)
        if self.legend is not None:
            figures.legend_beside(axes[-1], self.legend)
        return figure

    def _of(self, values: tuple[Any, ...], first: bool) -> Panel:
        """Returns the panel at some values of `by`, which are its title."""
        panel = self.panels[0]
        title = ",\n".join(axis.format_value(value) for axis, value in zip(self.by, values, strict=True))
        picks = tuple(axis.at(value) for axis, value in zip(self.by, values, strict=True))
        panel = replace(panel, title=title, picks=(*panel.picks, *picks))
        return replace(panel, named=first) if isinstance(panel, Bars) else panel

    def save(self, grid: Grid, judgement: Judgement, path: Path) -> list[Path]:
        """Writes the figure as `path`.png and `path`.svg, under a title with study and verdict; returns both."""
        from experiments.judging import figures

        figure = self.figure(grid, judgement)
        figures.draw_title(figure, grid.table, judgement, self.marks)
        return figures.save(figure, path)
