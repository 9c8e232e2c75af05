"""Shows the cells of a published table beside ours: a row for each, and a figure of their ranges and our intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from experiments.judging.agreement import Agreement, Published
from experiments.judging.axes import Score
from experiments.judging.claim import Row
from experiments.judging.drawing import Panel
from experiments.judging.grid import Grid
from experiments.judging.sides import Sides, by_seed, interval
from experiments.judging.statistics import Interval, Seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.judging.claim import Judgement

THEIRS = "published: mean and range of runs"
_UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class CellRows:
    """A row for each published cell that was run: the published mean beside ours, and what else was measured of it.

    beside: further scores of a cell's settings, by the column's name, as those of all runs where ours are chosen; each
    is a score, or one for each score of the cells.
    """

    agreement: Agreement
    beside: Mapping[str, Mapping[Score, Score]] = field(default_factory=dict)
    ours: str = "ours"

    def __call__(self, grid: Grid) -> tuple[Row, ...]:
        """Returns the rows of a table by setting."""
        rows = []
        for cell in self.agreement.run(grid):
            columns = self.columns(cell, grid)
            scores = {name: effect for name, (effect, _) in columns.items()}
            measure = cell.ours.score.kind
            spread = {name: Seeds.of(seeds, measure) for name, (_, seeds) in columns.items() if seeds}
            rows.append(Row(cell.name, cell.words(), scores, len(columns[self.ours][1]), spread))
        return tuple(rows)

    def columns(self, cell: Published, grid: Grid) -> dict[str, tuple[Interval | None, Sequence[float]]]:
        """Returns the interval of each column's mean at a cell, None if no run has the score, and its seeds."""
        columns = {}
        for name, scores in ({self.ours: {}} | dict(self.beside)).items():
            arm = replace(cell.ours, score=scores.get(cell.ours.score, cell.ours.score))
            sides = Sides(tuple((arm.score, setting) for setting in arm.settings(grid)))
            seeds = [*by_seed(grid, sides.more).values()]
            columns[name] = interval(grid, sides)[0] if seeds else None, seeds
        return columns


@dataclass(frozen=True, kw_only=True)
class CellBars(Panel):
    """Our intervals with every seed, and the published means with their ranges, a cell below the other."""

    rows: CellRows

    def draw(self, panel: Axes, grid: Grid, judgement: Judgement) -> None:
        """Draws a series for each column of the rows, and one of the published means."""
        from experiments.judging import figures

        cells = self.rows.agreement.run(grid)
        columns = [self.rows.columns(cell, grid) for cell in cells]
        series = {
            name: ([of_cell[name][0] or _UNKNOWN for of_cell in columns], [of_cell[name][1] for of_cell in columns])
            for name in columns[0]
        }
        theirs = [Interval(cell.value, *cell.range) for cell in cells]
        measure = cells[0].ours.score.kind
        figures.bars(panel, [cell.name for cell in cells], series | {THEIRS: (theirs, [[]] * len(cells))}, measure)
        if not measure.share:
            panel.set(xlabel=cells[0].ours.score.words)
        self.dress(panel, grid)
