"""Bisection for the place along one axis of a grid at which a score crosses a target: `hydra/sweeper=bisect`.

The jobs are those of a whole grid, in columns that differ in all axes but one. Along that one a column's score is
assumed to rise to the target once, or to fall to it where lower is better. Each round runs one point of every column,
the lanes of one pack, and a column of N points takes log2(N + 1) rounds, rounded up: of 31 points 5 are run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from experiments.errors import ConfigError

Overrides = Sequence[str]


@dataclass(frozen=True)
class Bisection:
    """Holds the fields of `hydra.sweeper` under `hydra/sweeper=bisect`; raises ConfigError for a bad one."""

    axis: str
    target: float = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.target, bool) or not isinstance(self.target, int | float):
            raise ConfigError(f"hydra.sweeper.target: expected a number, got {self.target!r}")

    def search(
        self,
        grid: Sequence[Overrides],
        scores: Callable[[list[Overrides]], Sequence[float]],
        *,
        better: str = "higher",
    ) -> list[Overrides]:
        """Runs some jobs of `grid`, a round at a time, and returns these.

        Among them are the two of each column about the target. `scores` runs a round's jobs and returns the score of
        each, NaN if it failed, which counts as below the target. Where the `better` scores are lower ones, below means
        worse. A column that is nowhere below the target, or nowhere above, ends at its first or last point. Raises
        ConfigError, before any run, if the grid does not sweep the axis over numbers.
        """
        columns = self._columns(grid)
        low, high = [-1] * len(columns), [len(column) for column in columns]
        done: list[Overrides] = []
        rounds = math.ceil(math.log2(max(high) + 1))
        for turn in range(1, rounds + 1):
            still = [c for c in range(len(columns)) if high[c] - low[c] > 1]
            middle = [(low[c] + high[c]) // 2 for c in still]
            jobs = [columns[c][m] for c, m in zip(still, middle, strict=True)]
            print(f"bisection of {self.axis}: round {turn} of {rounds}, {len(jobs)} of {len(grid)} jobs", flush=True)
            for c, m, score in zip(still, middle, scores(jobs), strict=True):
                if score >= self.target if better == "higher" else score <= self.target:
                    high[c] = m
                else:
                    low[c] = m
            done += jobs
        for column, below, above in zip(columns, low, high, strict=True):
            print(self._format_crossing(column, below, above), flush=True)
        return done

    def _format_crossing(self, column: Sequence[Overrides], below: int, above: int) -> str:
        """Formats between which two of a column's values the score reaches the target, by their places in it."""
        values = [next(o.partition("=")[2] for o in job[::-1] if o.startswith(f"{self.axis}=")) for job in column]
        others = ",".join(o for o in column[0] if not o.startswith((f"{self.axis}=", "study=", "out=")))
        if above == len(column):
            where = f"nowhere up to {values[-1]}"
        else:
            where = f"between {values[below]} and {values[above]}" if below >= 0 else f"at {values[0]} or below"
        return f"the score reaches {self.target:g} {where} of {self.axis}{f' ({others})' if others else ''}"

    def _columns(self, grid: Sequence[Overrides]) -> list[list[Overrides]]:
        """Returns the jobs in columns: jobs that differ in the axis alone stand together, along the axis."""
        columns: dict[tuple[str, ...], list[tuple[float, Overrides]]] = {}
        for overrides in grid:
            values = [o.partition("=")[2] for o in overrides if o.startswith(f"{self.axis}=")]
            rest = tuple(o for o in overrides if not o.startswith(f"{self.axis}="))
            try:
                columns.setdefault(rest, []).append((float(values[-1]), overrides))
            except (IndexError, ValueError):
                raise ConfigError(
                    f"hydra.sweeper.axis: expected a key that is swept over numbers, got {self.axis!r}"
                ) from None
        return [[overrides for _, overrides in sorted(column)] for column in columns.values()]


def bisection_of(hydra: DictConfig) -> Bisection | None:
    """Returns the bisection that a configuration asks for by its `hydra` node, None if it asks for another sweeper."""
    sweeper = hydra.sweeper
    return Bisection(sweeper.axis, sweeper.target) if sweeper["_target_"].endswith(".BisectSweeper") else None
