"""Notes on what is measured but not judged."""

from __future__ import annotations

from collections.abc import Callable

from experiments.judging.criterion import sentence
from experiments.judging.grid import Grid
from experiments.judging.quantities import Quantity

Note = Callable[[Grid], list[str]]


def also(*quantities: Quantity) -> Note:
    """A note on quantities that no bound is on, of those that the table gives."""

    def note(grid: Grid) -> list[str]:
        notes = []
        for quantity in quantities:
            found = quantity.at_least(0).quantity.outcome(grid, grid.settings, quantity.at_least(0))
            notes += [sentence(f"{found.words.rstrip(',')}: {found.effect} (not judged)")] if found.effect else []
        return notes

    return note
