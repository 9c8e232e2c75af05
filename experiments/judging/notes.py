"""Notes on what is measured but not judged."""

from __future__ import annotations

from collections.abc import Callable

from experiments.judging.axes import Score
from experiments.judging.criterion import sentence
from experiments.judging.grid import Grid
from experiments.judging.quantities import Quantity

Note = Callable[[Grid], list[str]]


def also(*quantities: Quantity) -> Note:
    """A note on quantities that no bound is on, of those that the table gives."""

    def note(grid: Grid) -> list[str]:
        notes = []
        for quantity in quantities:
            found = quantity.outcome(grid, grid.settings, quantity.at_least(0))
            notes += [sentence(f"{found.words.rstrip(',')}: {found.effect} (not judged)")] if found.effect else []
        return notes

    return note


def each(score: Score, words: str) -> Note:
    """A note on a score at every setting, where it was measured."""

    def note(grid: Grid) -> list[str]:
        if score.condition not in set(grid.table["condition"]):
            return []
        cells = grid.cells(score)
        found = "; ".join(f"{cells.mean(setting)} at {grid.say(setting)}" for setting in cells.scores)
        return [f"{words}: {found} (not judged)."]

    return note
