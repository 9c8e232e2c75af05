"""What the claims on length generalisation share: scores by problem length, and their curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from experiments.judging.criteria import Cells, Setting, cells
from experiments.judging.results import RecordError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TASK, TRAINED = "task", "task.train_length"
WITHIN = "within"
ARXIV = "2310.16028"
TITLE = "What Algorithms can Transformers Learn? A Study in Length Generalization"


def by_length(table: pl.DataFrame, keys: Sequence[str], prefix: str = "") -> dict[int, Cells]:
    """Scores on the conditions `<prefix>length_<n>` by n, ascending; runs whose task lacks one are left out."""
    found = {}
    for condition in table["condition"].unique():
        if match := re.fullmatch(re.escape(prefix) + r"length_(\d+)", condition):
            found[int(match[1])] = cells(table, condition, keys)
    return dict(sorted(found.items()))


def trained_to(table: pl.DataFrame) -> int:
    """The longest training length of a study that has one for all its runs; RecordError otherwise."""
    found = table[TRAINED].unique().to_list() if TRAINED in table.columns else []
    if len(found) != 1:
        raise RecordError(f"has the training lengths {', '.join(map(str, found)) or 'of none'} where one is wanted")
    return found[0]


def draw_curves(panel: Axes, curves: Mapping[int, Cells], names: Mapping[Setting, str]) -> None:
    """Exact match against length, a curve with intervals and every seed for each named setting."""
    from experiments.judging import figures

    for place, (setting, name) in enumerate(names.items()):
        x = [length for length, found in curves.items() if setting in found.scores]
        intervals = [curves[length].mean(setting) for length in x]
        points = [list(curves[length].scores[setting].values()) for length in x]
        figures.scores_with_seeds(panel, x, intervals, points, name, place, log=False)
    panel.set(xlabel="length of the problem", ylabel="exact match")
