"""Draws scores with intervals and every seed, for print and the colour-blind; the same bytes every time."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

import matplotlib
import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, NullLocator

from experiments.files import write_whole
from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Judgement
from experiments.judging.frame import MODEL
from experiments.judging.measures import SHARE, Measure, measure_of
from experiments.judging.statistics import Interval, Seeds

# Okabe and Ito's colours, which the colour-blind can tell apart; markers and lines for print in grey.
STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "D", "linestyle": ":"},
)
MEDIAN = "_median"  # the label of medians, which no legend shows
_MARKERS = "osD^vPX*<>"
_INCHES = (9.0, 4.0)
_DPI = 170
_FEW_TICKS = 8
_INCHES_A_BAR = 0.14
_PLACES: WeakKeyDictionary[Artist, list[float]] = WeakKeyDictionary()


def canvas(widths: Sequence[float], *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Returns a figure with one panel beside the other, of these relative widths, for scores from 0 to 1."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(widths), width_ratios=list(widths), sharey=share, squeeze=False)[0]
    for panel in axes:
        panel.set(ylim=(-0.03, 1.03), yticks=np.linspace(0, 1, 6))
        panel.grid(axis="y", color="0.9", lw=0.8)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def span(panel: Axes, name: Literal["x", "y"], measure: Measure) -> None:
    """Fits an axis of a panel to what is drawn, if the score along it is not one from 0 to 1."""
    if (measure.low, measure.high) != (0.0, 1.0):
        (panel.xaxis if name == "x" else panel.yaxis).set_major_locator(AutoLocator())
        panel.autoscale(axis=name)


def _ends(intervals: Sequence[Interval]) -> list[list[float]]:
    """Returns how far intervals reach below and above their estimates; 0 where that is not known."""
    below = [interval.estimate - interval.lower for interval in intervals]
    above = [interval.upper - interval.estimate for interval in intervals]
    return [[half if math.isfinite(half) else 0.0 for half in side] for side in (below, above)]


def _numbers(values: Iterable[float]) -> list[float]:
    """Returns values with NaN, which is not drawn, for those that are no number."""
    return [value if math.isfinite(value) else math.nan for value in values]


def scores_with_seeds(
    panel: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    points: Sequence[Sequence[float]],
    label: str,
    place: int,
    *,
    log: bool = True,
    measure: Measure = SHARE,
) -> None:
    """Draws a curve of means with bars for their 95 % intervals, every seed as a hollow point beside, and medians.

    x is positive and by default drawn on a logarithmic axis; points holds the seeds' scores at each x. `place` counts
    the panel's curves from 0 and fixes colour, marker, line and the side on which the seeds stand.
    """
    style = STYLES[place]
    means, bars = _numbers(interval.estimate for interval in intervals), _ends(intervals)
    panel.set_xscale("log" if log else "linear")
    if len(x) <= _FEW_TICKS:
        panel.set_xticks(x)
        panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.errorbar(x, means, yerr=bars, label=label, capsize=3, markersize=5, lw=1.6, elinewidth=1.2, **style)
    side = 1 if place % 2 == 0 else -1
    beside = [
        _aside(a, x, side * 0.012 * (1.8 + i), log=log)
        for a, seeds in zip(x, points, strict=True)
        for i in range(len(seeds))
    ]
    (drawn,) = panel.plot(
        beside,
        _numbers(y for seeds in points for y in seeds),
        style["marker"],
        color=style["color"],
        mfc="white",
        ms=3.2,
        mew=0.8,
        zorder=3,
    )
    stand_for(drawn, [a for a, seeds in zip(x, points, strict=True) for _ in seeds])
    known = [(at, mean, Seeds.of(seeds, measure)) for at, mean, seeds in zip(x, means, points, strict=True) if seeds]
    _draw_medians(
        panel, [at for at, _, _ in known], _numbers(seeds.median for _, _, seeds in known), "_", style["color"]
    )
    if len(x) <= _FEW_TICKS:
        _write_shares(panel, known, style["color"])
    span(panel, "y", measure)


def _draw_medians(panel: Axes, x: Sequence[float], y: Sequence[float], marker: str, colour: str) -> None:
    """Draws the medians of the seeds as dashes across the means."""
    panel.plot(x, y, marker, color=colour, ms=11, mew=1.6, label=MEDIAN)


def _write_shares(panel: Axes, known: Sequence[tuple[float, float, Seeds]], colour: str) -> None:
    """Writes how many seeds are above a half beside those means (x, y) where some are and some are not."""
    for x, y, seeds in known:
        if seeds.above is not None and 0 < seeds.above < seeds.number:
            text = f"{seeds.above}/{seeds.number}"
            panel.annotate(text, (x, y), (7, -10), textcoords="offset points", fontsize=7, color=colour, zorder=4)


def stand_for(drawn: Artist, places: Sequence[float]) -> None:
    """Notes the true x of the points of `drawn`, which stand beside it to be seen."""
    _PLACES[drawn] = list(places)


def places(drawn: Artist) -> list[float] | None:
    """Returns the x that `stand_for` noted for the points of `drawn`; None if they stand in their places."""
    return _PLACES.get(drawn)


def _aside(at: float, x: Sequence[float], share: float, *, log: bool) -> float:
    """Returns a place beside `at`: by a share of the axis that `x` spans, or if linear by a part of a step of `x`.

    A step counts as a quarter of the span at most, so that the points stay inside the axes.
    """
    if log:
        return at * (max(x) / min(x) if len(x) > 1 else 10.0) ** share
    steps = [b - a for a, b in itertools.pairwise(x)]
    return at + 5 * share * (min(*steps, (max(x) - min(x)) / 4) if steps else 1.0)


def bars(
    panel: Axes,
    names: Sequence[str],
    series: Mapping[str, tuple[Sequence[Interval], Sequence[Sequence[float]]]],
    measure: Measure = SHARE,
) -> None:
    """Draws means of named settings, one below the other from the top, with 95 % intervals, every seed and medians.

    series: label to (an interval for each name, the seeds' scores for each name). Scores run along the x axis. The
    figure becomes as high as its bars need.
    """
    figure = panel.get_figure(root=True)
    if isinstance(figure, Figure):
        figure.set_figheight(max(figure.get_figheight(), 1 + _INCHES_A_BAR * len(names) * len(series)))
    for place, (label, (intervals, points)) in enumerate(series.items()):
        style: dict[str, Any] = STYLES[place] | {"linestyle": "none"}
        shift = 0.3 * (place - (len(series) - 1) / 2)
        y = [-i - shift for i in range(len(names))]
        means, width = _numbers(interval.estimate for interval in intervals), _ends(intervals)
        panel.errorbar(means, y, xerr=width, label=label, capsize=3, markersize=6, elinewidth=1.2, **style)
        hollow = [(score, at) for at, seeds in zip(y, points, strict=True) for score in seeds]
        panel.plot(
            _numbers(score for score, _ in hollow),
            [at - 0.12 for _, at in hollow],
            style["marker"],
            color=style["color"],
            mfc="white",
            ms=3.2,
            mew=0.8,
            zorder=3,
        )
        known = [
            (mean, at, Seeds.of(seeds, measure)) for mean, at, seeds in zip(means, y, points, strict=True) if seeds
        ]
        _draw_medians(
            panel, _numbers(seeds.median for _, _, seeds in known), [at for _, at, _ in known], "|", style["color"]
        )
        _write_shares(panel, known, style["color"])
    panel.set(yticks=[-i for i in range(len(names))], yticklabels=list(names), ylim=(-len(names) + 0.4, 0.6))
    panel.set(xlim=(-0.03, 1.03), xticks=np.linspace(0, 1, 6), xlabel="exact match")
    span(panel, "x", measure)
    panel.grid(axis="x", color="0.9", lw=0.8)
    panel.grid(axis="y", visible=False)


def scores_against_steps(panel: Axes, table: pl.DataFrame, score: Score, by: Axis, *, seeds: bool = False) -> None:
    """Draws the mean score over seeds against training steps, one line for each value of the axis `by`.

    With `seeds` every run has a thin line behind that mean.

    A run that diverged scores what its measure says from its last evaluation on, a share 0; no number is left out.
    """
    values = sorted(table[by.column].unique(), key=by.rank)
    steps = sorted(table["step"].unique())
    colours = matplotlib.colormaps["viridis_r"](np.linspace(0.15, 1.0, len(values)))
    for i, value in enumerate(values):
        rows = table.filter(pl.col(by.column) == value)
        ended = pl.col("final") & (pl.col("status") == "diverged")
        of_score = rows.filter(~ended, pl.col("position").is_null(), condition=score.condition, learner=MODEL)
        for _, run in of_score.sort("step").group_by("run", maintain_order=True) if seeds else ():
            panel.plot(run["step"], run[score.score], color=colours[i], lw=0.8, alpha=0.6, zorder=1)
        sums = of_score.group_by("step").agg(pl.col(score.score).sum(), pl.col(score.score).count().alias("runs"))
        total = {step: (whole, count) for step, whole, count in sums.iter_rows()}
        runs, lost = rows["run"].n_unique(), measure_of(table, score.score).lost
        panel.plot(
            steps,
            [_mean(*total.get(step, (0.0, 0)), runs, lost) for step in steps],
            color=colours[i],
            marker=_MARKERS[i % len(_MARKERS)],
            ms=4,
            markevery=max(1, len(steps) // 6),
            label=by.format_cell(value),
        )


def _mean(whole: float, count: int, runs: int, lost: float) -> float:
    """Returns the mean of `runs` scores, of which `count` add up to `whole` and the others are `lost`."""
    if math.isfinite(lost):
        return (whole + (runs - count) * lost) / runs
    return whole / count if count else math.nan


def legend_beside(panel: Axes, title: str) -> None:
    """Puts the panel's legend to its right."""
    panel.legend(title=title, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def draw_title(
    figure: Figure, table: pl.DataFrame, judgement: Judgement, marks: str = "bars: 95 % intervals; hollow: single seeds"
) -> None:
    """Writes the study, its verdict, and how to read the marks above the figure."""
    camps = ", seeds in two camps" if judgement.camps else ""
    figure.suptitle(f"{table['study'][0]}: {judgement.verdict}{camps}\n{marks}", fontsize="medium")


def save(figure: Figure, path: Path) -> list[Path]:
    """Writes the figure as `path`.png and `path`.svg, and returns both."""
    files = [path.with_name(f"{path.name}.{kind}") for kind in ("png", "svg")]
    for file in files:
        write_whole(file, content(figure, file.suffix[1:]))
    return files


def content(figure: Figure, kind: str, *, page: bool = False) -> bytes:
    """Returns the figure as a png or svg file, without dates or versions inside.

    For a `page` an SVG's letters stay letters, in the page's own type, and its ground is the page's.
    """
    file = io.BytesIO()
    # The salt fixes the names of shapes inside the SVG, which are random otherwise.
    with matplotlib.rc_context({"svg.hashsalt": "terrarium", "svg.fonttype": "none" if page else "path"}):
        metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(file, format=kind, dpi=_DPI, metadata=metadata, transparent=page)
    return file.getvalue()
