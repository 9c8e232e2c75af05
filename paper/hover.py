"""Lists the values behind every mark of a figure, and the mark's place, for the reader's pointer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.judging.figures import MEDIAN, places
from experiments.printing import decimals
from paper.scales import names_of

_POINTS_AN_INCH = 72  # an SVG's unit


@dataclass(frozen=True)
class Mark:
    """A point of a figure: its place in the units of the SVG from the upper left, and the lines that it shows."""

    x: float
    y: float
    lines: tuple[str, ...]


def size(figure: Figure) -> tuple[float, float]:
    """Returns width and height of the figure in the units of its SVG."""
    width, height = figure.get_size_inches() * _POINTS_AN_INCH
    return float(width), float(height)


def marks(figure: Figure) -> list[Mark]:
    """Returns the marks of all panels, panel by panel and curve by curve. The figure has been drawn as an SVG last."""
    width, height = size(figure)
    every_mark = []
    titles = _legend_titles(figure)
    for panel in figure.axes:
        for x, y, lines in _points(panel, figure.axes[0], titles):
            right, up = panel.transData.transform((x, y))
            if panel.get_window_extent().padded(1).contains(right, up):
                across, down = float(right / figure.bbox.width), float(1 - up / figure.bbox.height)
                every_mark.append(Mark(round(across * width, 1), round(down * height, 1), lines))
    return every_mark


def _points(panel: Axes, first: Axes, titles: dict[str, str]) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    """Yields every point of a panel in its data's units with its lines. `first` has the names that panels share."""
    xlabel, ylabel = (_one_line(panel.get_xlabel()), _one_line(panel.get_ylabel() or first.get_ylabel()))
    head = (_one_line(panel.get_title()),) if panel.get_title() else ()

    def format_lines(series: str, x: float, y: float, of_x: str = "", of_y: str = "") -> tuple[str, ...]:
        along = _format_value(panel.xaxis, first.xaxis, xlabel, x) + of_x
        up = _format_value(panel.yaxis, first.yaxis, ylabel, y) + of_y
        values = (up, along) if isinstance(panel.yaxis.get_major_formatter(), FuncFormatter) else (along, up)
        return (series or ylabel, *head, *values)

    series: dict[str, str] = {}  # by colour
    parts = set()
    for container in panel.containers:
        if not isinstance(container, ErrorbarContainer) or container[0] is None:
            continue
        data, caps, bars = container
        parts |= {data, *caps}
        name = series[to_hex(data.get_color())] = _format_series(str(container.get_label()), titles)
        x, y = (np.asarray(coordinates, float) for coordinates in data.get_data())
        ranges = _ranges(bars[0], 1 if container.has_yerr else 0)
        for i in np.flatnonzero(np.isfinite(x) & np.isfinite(y)):  # a mean that was not measured has no point
            texts = ("", ranges[i]) if container.has_yerr else (ranges[i], "")
            yield float(x[i]), float(y[i]), format_lines(name, float(x[i]), float(y[i]), *texts)
    lines = [line for line in panel.lines if line not in parts and line.get_transform() == panel.transData]
    for line in sorted(lines, key=lambda line: str(line.get_label()).startswith("_")):
        label, colour = str(line.get_label()), to_hex(line.get_color())
        if label.startswith("_"):
            what = "median of the seeds" if label == MEDIAN else "one seed"
            name = f"{series[colour]}, {what}" if series.get(colour) else what
        else:
            name = series[colour] = _format_series(label, titles)
        x, y = (np.asarray(coordinates, float) for coordinates in line.get_data())
        for at, up, true in zip(x, y, places(line) or x, strict=True):
            yield float(at), float(up), format_lines(name, float(true), float(up))
    for dots in panel.collections:
        if isinstance(dots, PathCollection) and (shades := dots.get_array()) is not None:
            points = np.asarray(dots.get_offsets(), float)
            meaning = _one_line(dots.colorbar.ax.get_ylabel()) if dots.colorbar else ""
            for (at, up), true, shade in zip(points, places(dots) or points[:, 0], shades, strict=True):
                shown = format_lines(f"{meaning} {_format_number(float(shade))}", float(true), float(up))
                yield float(at), float(up), (shown[0], "one run", *shown[1:])


def _ranges(bars: LineCollection, axis: int) -> list[str]:
    """Formats the two ends of every error bar, along its axis; as an empty text where there is no bar."""
    ends = [sorted(float(end[axis]) for end in segment) for segment in bars.get_segments()]
    return [f" [{_format_number(bar[0])}, {_format_number(bar[1])}]" if bar else "" for bar in ends]


def _legend_titles(figure: Figure) -> dict[str, str]:
    """Returns the legend's title for every label in a legend."""
    titles = {}
    for panel in figure.axes:
        legend = panel.get_legend()
        if legend is not None:
            titles |= {text.get_text(): _one_line(legend.get_title().get_text()) for text in legend.get_texts()}
    return titles


def _format_series(label: str, titles: dict[str, str]) -> str:
    """Formats a curve's name; if its label is a value, the legend's title comes before it."""
    title = titles.get(label, "") if re.match(r"[\d(]", label) else ""
    return _one_line(f"{title} {label}")


def _format_value(axis: Axis, first: Axis, name: str, value: float) -> str:
    """Formats a value on an axis with the axis's name; if ticks have names, it is the nearest tick's."""
    if names := names_of(axis, first):
        nearest = int(np.argmin(np.abs(axis.get_majorticklocs() - value)))
        return _one_line(f"{name} {names[nearest]}")
    return f"{name} {_format_number(value)}"


def _format_number(value: float) -> str:
    """Formats a number to three decimals, or to three digits if it is 10 or more."""
    text = f"{value:,.{decimals(value)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
