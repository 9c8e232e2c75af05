"""Notes on results that are measured but not judged."""

from __future__ import annotations

from collections.abc import Callable

from experiments.judging.axes import Score
from experiments.judging.criterion import format_sentence
from experiments.judging.grid import Grid
from experiments.judging.quantities import Quantity

Note = Callable[[Grid], list[str]]


def also(*quantities: Quantity) -> Note:
    """Returns a note on quantities that no bound is on, of those that the table gives."""

    def note(grid: Grid) -> list[str]:
        notes = []
        for quantity in quantities:
            if not quantity.tested(grid):
                continue
            outcome = quantity.outcome(grid, grid.settings, quantity.at_least(0))
            notes += (
                [format_sentence(f"{outcome.words.rstrip(',')}: {outcome.effect} (not judged)")]
                if outcome.effect
                else []
            )
        return notes

    return note


def each(score: Score, words: str) -> Note:
    """Returns a note on a score at every setting, if it was measured."""

    def note(grid: Grid) -> list[str]:
        if score.condition not in set(grid.table["condition"]):
            return []
        cells = grid.cells(score)
        means = "; ".join(f"{cells.mean(setting)} at {grid.format_setting(setting)}" for setting in cells.scores)
        return [f"{words}: {means} (not judged)."]

    return note
