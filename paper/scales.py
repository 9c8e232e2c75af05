"""Lists where the axes of a figure run, so that a page can draw ticks of its own when it shows a part of the figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

_NUMBERS = ("linear", "log")  # scales on which a page can place ticks by itself


def scales(figure: Figure, size: tuple[float, float]) -> list[dict[str, Any]]:
    """Returns every panel's box in the units of an SVG of this size, from the upper left, and its two axes."""
    (width, height), panels = size, []
    for panel in figure.axes:
        if not (panel.xaxis.get_visible() and len(panel.get_xticks()) and len(panel.get_yticks())):
            continue
        box = panel.get_window_extent()
        left, right = (round(float(at / figure.bbox.width) * width, 1) for at in (box.x0, box.x1))
        upper, lower = (round(float(1 - at / figure.bbox.height) * height, 1) for at in (box.y1, box.y0))
        first = figure.axes[0]
        axes = {"x": _scale(panel.xaxis, first.xaxis), "y": _scale(panel.yaxis, first.yaxis)}
        panels.append({"box": [left, upper, right, lower], **axes})
    return panels


def names_of(axis: Axis, first: Axis) -> list[str]:
    """Returns the names of an axis's ticks: its own, or those of `first`, which shares them; empty for numbers."""
    if not isinstance(axis.get_major_formatter(), FuncFormatter):
        return []
    names = [tick.get_text() for tick in axis.get_ticklabels()]
    return names if any(names) else [tick.get_text() for tick in first.get_ticklabels()]


def _scale(axis: Axis, first: Axis) -> dict[str, Any]:
    """Returns what an axis is called, and its ends if it has numbers, else the places of its ticks and their names."""
    low, high = (float(end) for end in axis.get_view_interval())
    label = " ".join((axis.get_label_text() or first.get_label_text()).split())
    names = names_of(axis, first)
    if not names and axis.get_scale() in _NUMBERS:
        return {"label": label, "log": axis.get_scale() == "log", "ends": [low, high]}
    places = axis.get_transform().transform(np.asarray([low, high, *axis.get_majorticklocs()], float))
    shares = ((place - places[0]) / (places[1] - places[0]) for place in places[2:])
    names = names or [tick.get_text() for tick in axis.get_ticklabels()]
    ticks = zip(shares, names, strict=False)
    return {"label": label, "ticks": [[round(float(at), 4), " ".join(name.split())] for at, name in ticks if name]}
