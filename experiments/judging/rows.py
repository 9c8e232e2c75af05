"""Makes the printed table: a row for each setting, with the paper's words beside our scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.judging.axes import Pick, Score, Setting
from experiments.judging.claim import Row
from experiments.judging.grid import Grid
from experiments.judging.statistics import Seeds


def nothing(*values: Any) -> str:
    """Returns the words of a paper that has none."""
    return ""


def format_title(name: str | Callable[[Grid, Setting], str], grid: Grid, setting: Setting) -> str:
    """Formats a setting: by a function, by a format of the axes' values, or without a format by these alone."""
    if callable(name):
        return name(grid, setting)
    shown = grid.format_cells(setting)
    return name.format(*shown) if name else ", ".join(shown)


@dataclass(frozen=True)
class Rows:
    """A row for each setting at which all `scores` were measured.

    scores: by the column's name, in which {} stands for the score's number. name: a format of the axes' values as the
    axes show them, or a function of grid and setting. paper: the paper's words, by the axes' values, or by picks that
    hold at a setting. order: the key by which rows are sorted, of the axes' values. picks: only settings where these
    hold have a row. A score that was not tested has no column.
    """

    scores: Mapping[str, Score]
    name: str | Callable[[Grid, Setting], str] = ""
    paper: Callable[..., str] | Mapping[tuple[Pick, ...], str] = nothing
    order: Callable[..., Any] | None = None
    picks: tuple[Pick, ...] = ()

    def __call__(self, grid: Grid) -> tuple[Row, ...]:
        """Returns the rows of a table by setting."""
        columns = {
            score.format_label(name, grid): cells
            for name, score in self.scores.items()
            if (cells := grid.cells(score)).scores
        }
        first = next(iter(columns.values()))
        settings = [s for s in grid.where(self.picks) if s in first.scores]
        if self.order:
            settings.sort(key=lambda s: self.order(*self.values(grid, s)) if self.order else 0)
        return tuple(
            Row(
                self.format_title(grid, s),
                self.format_paper(grid, s),
                {name: cells.mean(s) for name, cells in columns.items()},
                len(first.scores[s]),
                {
                    n: Seeds.of([*cells.scores[s].values()], cells.measure)
                    for n, cells in columns.items()
                    if cells.scores.get(s)
                },
            )
            for s in settings
        )

    def format_paper(self, grid: Grid, setting: Setting) -> str:
        """Returns the paper's words on a setting."""
        if isinstance(self.paper, Mapping):
            return next((text for picks, text in self.paper.items() if setting in grid.where(picks)), "")
        return self.paper(*self.values(grid, setting))

    @staticmethod
    def values(grid: Grid, setting: Setting) -> list[Any]:
        """Returns the values of all axes at a setting."""
        return [grid.value(axis, setting) for axis in grid.axes]

    def format_title(self, grid: Grid, setting: Setting) -> str:
        """Formats a setting for its row."""
        return format_title(self.name, grid, setting)
