"""Measures as records declare them: the bounds of a score, which way is better, and what a run that diverged gets.

A task declares its measures (`synthetic.measures`), a run's end keeps the declarations, and a record has them in the
column `measures` of its runs, as JSON: name to low, high (null: none), better (higher or lower), lost (null: worse than
any number) and share. Scores that are not declared are shares of examples, from 0 to 1, and `nll`, which is 0 or more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

DECLARED = "measures"  # the column of runs


@dataclass(frozen=True)
class Measure:
    """A score: its inclusive bounds, whether higher or lower is better, and what a run that diverged gets.

    share: whether it is a share of examples, whose intervals hold the sampling of these too.
    """

    low: float = 0.0
    high: float = 1.0
    better: str = "higher"
    lost: float = 0.0
    share: bool = False

    @property
    def bounded(self) -> bool:
        """Returns whether both bounds are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def span(self) -> float:
        """Returns the most that two scores can differ by."""
        return self.high - self.low

    def unit(self, value: float) -> float:
        """Returns a value between two finite bounds as a number from 0 to 1."""
        return (value - self.low) / self.span

    @property
    def well(self) -> float:
        """Returns a score of what is done well but for a little: 0.9 of a share, the best of an error."""
        if self.bounded:
            return self.low + self.span * (0.9 if self.better == "higher" else 0.1)
        best = self.low if self.better == "lower" else self.high
        return best if math.isfinite(best) else 0.0

    def inside(self, value: float) -> float:
        """Returns the value, or the bound that is nearest to it."""
        return min(max(value, self.low), self.high)

    def best_of(self, means: Mapping[str, float]) -> str:
        """Returns the name with the best mean, the first of equal ones."""
        return (max if self.better == "higher" else min)(means, key=means.__getitem__)

    def digits(self, width: float) -> int:
        """Returns the digits after the point with which numbers of an interval of this width are shown: 3 of shares."""
        if (self.low, self.high) == (0.0, 1.0) or not math.isfinite(width) or width <= 0:
            return 3
        return min(max(1 - math.floor(math.log10(width)), 2 if width < 10 else 0), 8)


SHARE = Measure(share=True)
ERROR = Measure(high=math.inf, better="lower", lost=math.inf)  # such as squared_error
STANDARD = {"exact_match": SHARE, "token_accuracy": SHARE, "nll": ERROR}
_KEYS = {"low", "high", "better", "lost", "share"}


def parse(text: str) -> dict[str, Measure]:
    """Returns the measures that the cell of a record declares, by name. Raises ValueError if it is none."""
    declared: Any = json.loads(text)
    if not isinstance(declared, dict):
        raise ValueError("measures by name are wanted")
    return {name: _measure(name, one) for name, one in declared.items()}


def _measure(name: str, declared: Any) -> Measure:
    if not isinstance(declared, dict) or set(declared) != _KEYS or declared["better"] not in ("higher", "lower"):
        raise ValueError(f"{name} lacks {', '.join(sorted(_KEYS))}")
    low, high, lost = (declared[key] for key in ("low", "high", "lost"))
    if not all(one is None or (isinstance(one, int | float) and math.isfinite(one)) for one in (low, high, lost)):
        raise ValueError(f"{name} has a bound that is no number")
    worst = -math.inf if declared["better"] == "higher" else math.inf
    return Measure(
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
        declared["better"],
        worst if lost is None else float(lost),
        bool(declared["share"]),
    )


def format_declarations(declared: Mapping[str, Measure]) -> str | None:
    """Formats measures as the cell of a record, null without any; `parse` reads it."""
    plain = {
        name: {
            "low": _plain(one.low),
            "high": _plain(one.high),
            "better": one.better,
            "lost": _plain(one.lost),
            "share": one.share,
        }
        for name, one in declared.items()
    }
    return json.dumps(plain, sort_keys=True, separators=(",", ":")) if plain else None


def _plain(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def declared_in(frame: pl.DataFrame) -> dict[str, Measure]:
    """Returns the measures that the runs of a table declare, by name. Raises ValueError if two runs disagree."""
    measures: dict[str, Measure] = {}
    cells = frame[DECLARED].drop_nulls().unique(maintain_order=True) if DECLARED in frame.columns else []
    for cell in cells:
        for name, measure in parse(cell).items():
            if measures.setdefault(name, measure) != measure:
                raise ValueError(f"runs declare {name} in two ways")
    return measures


def measure_of(frame: pl.DataFrame, score: str) -> Measure:
    """Returns the measure of a score in a table: as its runs declare it, else as it is if none does."""
    return {**STANDARD, **declared_in(frame)}.get(score, SHARE)


def with_measures(table: pl.DataFrame, more: Mapping[str, Measure]) -> pl.DataFrame:
    """Returns the table with these of its columns as scores, which all its runs declare."""
    declared = pl.lit(format_declarations({**declared_in(table), **more})).alias(DECLARED)
    others = [name for name in table.columns if name not in (*more, DECLARED)]
    place = others.index("examples")
    return table.select(*others[:place], *more, *others[place:], declared)
