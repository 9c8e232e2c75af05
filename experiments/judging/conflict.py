"""Findings of two papers that contradict one another, with numbers of ours between them, measured by one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from experiments.judging.claim import Claim
from experiments.judging.quantities import Quantity
from experiments.judging.sides import interval
from experiments.judging.statistics import LEVEL, Interval


@dataclass(frozen=True)
class Conflict:
    """A finding of another paper that a claim of the first one contradicts.

    question: what the papers answer differently. first, other: what either of them finds, in our words. arxiv, where:
    the other paper and the place in it. protocol: what all our numbers share. numbers: means and differences of the
    claim's own study, by name.
    """

    question: str
    first: str
    other: str
    arxiv: str
    where: str
    protocol: str
    numbers: Mapping[str, Quantity]

    def measured(self, claim: Claim, table: pl.DataFrame) -> dict[str, Interval | None]:
        """Returns the numbers of a results table with intervals of 95 %; None for what the table does not have."""
        grid = claim.criterion.grid(table, LEVEL)
        tested = {name: quantity for name, quantity in self.numbers.items() if quantity.tested(grid)}
        sides = {name: quantity.sides(grid, grid.settings) for name, quantity in tested.items()}
        means = {name: None if one.empty else interval(grid, one)[0] for name, one in sides.items()}
        return {name: means.get(name) for name in self.numbers}
