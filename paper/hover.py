"""What a reader's pointer finds on a figure: the values behind every mark, and where the marks stand."""

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

from experiments.judging.figures import places

_POINTS_AN_INCH = 72  # an SVG's unit


@dataclass(frozen=True)
class Mark:
    """A point of a figure in the units of its SVG, from the upper left, and what it says, in lines."""

    x: float
    y: float
    says: tuple[str, ...]


def size(figure: Figure) -> tuple[float, float]:
    """Width and height of the figure in the units of its SVG."""
    width, height = figure.get_size_inches() * _POINTS_AN_INCH
    return float(width), float(height)


def marks(figure: Figure) -> list[Mark]:
    """The marks of all panels of a figure that has been drawn as an SVG last, panel by panel and curve by curve."""
    width, height = size(figure)
    found = []
    titles = _legend_titles(figure)
    for panel in figure.axes:
        for x, y, says in _points(panel, figure.axes[0], titles):
            right, up = panel.transData.transform((x, y))
            if panel.get_window_extent().padded(1).contains(right, up):
                across, down = float(right / figure.bbox.width), float(1 - up / figure.bbox.height)
                found.append(Mark(round(across * width, 1), round(down * height, 1), says))
    return found


def _points(panel: Axes, first: Axes, titles: dict[str, str]) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    """Every point of a panel in its data's units with what it says; `first` names what panels share."""
    xlabel, ylabel = (_one_line(panel.get_xlabel()), _one_line(panel.get_ylabel() or first.get_ylabel()))
    head = (_one_line(panel.get_title()),) if panel.get_title() else ()

    def says(series: str, x: float, y: float, of_x: str = "", of_y: str = "") -> tuple[str, ...]:
        along = _value(panel.xaxis, first.xaxis, xlabel, x) + of_x
        up = _value(panel.yaxis, first.yaxis, ylabel, y) + of_y
        values = (up, along) if isinstance(panel.yaxis.get_major_formatter(), FuncFormatter) else (along, up)
        return (series or ylabel, *head, *values)

    series: dict[str, str] = {}  # by colour
    parts = set()
    for container in panel.containers:
        if not isinstance(container, ErrorbarContainer) or container[0] is None:
            continue
        data, caps, bars = container
        parts |= {data, *caps}
        name = series[to_hex(data.get_color())] = _named(str(container.get_label()), titles)
        x, y = (np.asarray(of, float) for of in data.get_data())
        ranges = _ranges(bars[0], 1 if container.has_yerr else 0)
        for i in range(len(x)):
            texts = ("", ranges[i]) if container.has_yerr else (ranges[i], "")
            yield float(x[i]), float(y[i]), says(name, float(x[i]), float(y[i]), *texts)
    lines = [line for line in panel.lines if line not in parts and line.get_transform() == panel.transData]
    for line in sorted(lines, key=lambda line: str(line.get_label()).startswith("_")):
        label, colour = str(line.get_label()), to_hex(line.get_color())
        if label.startswith("_"):
            name = f"{series[colour]}, one seed" if series.get(colour) else "one seed"
        else:
            name = series[colour] = _named(label, titles)
        x, y = (np.asarray(of, float) for of in line.get_data())
        for at, up, true in zip(x, y, places(line) or x, strict=True):
            yield float(at), float(up), says(name, float(true), float(up))
    for dots in panel.collections:
        if isinstance(dots, PathCollection) and (shades := dots.get_array()) is not None:
            points = np.asarray(dots.get_offsets(), float)
            meaning = _one_line(dots.colorbar.ax.get_ylabel()) if dots.colorbar else ""
            for (at, up), true, shade in zip(points, places(dots) or points[:, 0], shades, strict=True):
                shown = says(f"{meaning} {_number(float(shade))}", float(true), float(up))
                yield float(at), float(up), (shown[0], "one run", *shown[1:])


def _ranges(bars: LineCollection, axis: int) -> list[str]:
    """The two ends of every error bar, along its axis."""
    ends = [sorted(float(end[axis]) for end in segment) for segment in bars.get_segments()]
    return [f" [{_number(low)}, {_number(high)}]" for low, high in ends]


def _legend_titles(figure: Figure) -> dict[str, str]:
    """For every label in a legend the title of that legend."""
    found = {}
    for panel in figure.axes:
        legend = panel.get_legend()
        if legend is not None:
            found |= {text.get_text(): _one_line(legend.get_title().get_text()) for text in legend.get_texts()}
    return found


def _named(label: str, titles: dict[str, str]) -> str:
    """A curve's name; where its label is a value, with what it is a value of."""
    title = titles.get(label, "") if re.match(r"[\d(]", label) else ""
    return _one_line(f"{title} {label}")


def _value(axis: Axis, first: Axis, name: str, value: float) -> str:
    """A value on an axis with its name; where the axis has names for ticks, that of the nearest."""
    if isinstance(axis.get_major_formatter(), FuncFormatter):
        nearest = int(np.argmin(np.abs(axis.get_majorticklocs() - value)))
        names = [tick.get_text() for tick in axis.get_ticklabels()]
        if not any(names):
            names = [tick.get_text() for tick in first.get_ticklabels()]
        return _one_line(f"{name} {names[nearest]}")
    return f"{name} {_number(value)}"


def _number(value: float) -> str:
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
