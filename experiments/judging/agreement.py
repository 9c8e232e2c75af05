"""Agreement with a published table: cell by cell, whether our mean lies in the range of the published runs.

A published mean has the range of its runs, from the least to the most, which is widened by a stated tolerance on either
side: that range is fixed before our results. A cell is

- inside (it agrees) if the whole interval of our mean lies within that range, so that a wide interval never agrees;
- outside if no part of it does;
- not to be told otherwise, and also where training was not fitted.

The claim is that some share of the cells agrees. With N cells of which K must agree, the N - K + 1 last ones could all
be at the end of their ranges and one of them pass by chance, so each interval has the level 1 - 0.05 / (N - K + 1)
(Benjamini and Heller, Biometrics 64, 2008). A false claim then passes as seldom as one with a single bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from experiments.judging.axes import WORDS, Score, Setting
from experiments.judging.claim import CellOutcome, CellVerdict, Outcome
from experiments.judging.grid import Grid
from experiments.judging.quantities import Arm, Bound, Quantity
from experiments.judging.sides import Sides, camps, interval
from experiments.judging.statistics import POWER, Interval, margin

_VERDICTS: Mapping[str, CellVerdict] = {"reproduced": "inside", "not reproduced": "outside"}


@dataclass(frozen=True)
class Published:
    """A cell of a published table, and the runs of ours that stand beside it.

    name: the cell's name, as its row has it. ours: the mean that is held against it. value: the published mean. least,
    most: the range of the published runs, the mean itself if no range is published. runs: how many published runs these
    are, in words; empty if it is not stated.
    """

    name: str = field(metadata=WORDS)
    ours: Arm
    value: float
    least: float | None = None
    most: float | None = None
    runs: str = field(default="", metadata=WORDS)

    def __post_init__(self) -> None:
        low, high = self.range
        if not low <= self.value <= high:
            raise ValueError(f"{self.name}: the published mean {self.value:g} is not within {low:g} to {high:g}")

    @property
    def range(self) -> tuple[float, float]:
        """Returns the range of the published runs."""
        return (
            self.value if self.least is None else self.least,
            self.value if self.most is None else self.most,
        )

    def bound(self, tolerance: float) -> Bound:
        """Returns the range, widened by a tolerance, as a bound of our mean; an end beyond all scores is none."""
        (low, high), measure = self.range, self.ours.score.kind
        least, most = low - tolerance, high + tolerance
        return Bound(
            self.ours, -math.inf if least <= measure.low else least, math.inf if most >= measure.high else most
        )

    def words(self) -> str:
        """Formats the published mean with its range and runs."""
        given = self.least is not None or self.most is not None
        low, high = (_format(end) for end in self.range)
        parts = [_format(self.value), *([f"({low}-{high})"] if given else []), *([self.runs] if self.runs else [])]
        return " ".join(parts)


@dataclass(frozen=True)
class Agreement(Quantity):
    """The share of published cells that agree with ours, of the cells whose settings were run.

    tolerance: how far the range of a cell's published runs is widened on either side. few: so many cells must have been
    run. what: the published table.
    """

    cells: tuple[Published, ...]
    tolerance: float
    few: int = 2
    what: str = field(default="", metadata=WORDS)

    def __post_init__(self) -> None:
        if empty := [cell.name for cell in self.cells if not any(map(math.isfinite, _ends(self._bound(cell))))]:
            raise ValueError(f"{empty[0]}: no score can be outside its range, which is widened by {self.tolerance:g}")
        if len({cell.name for cell in self.cells}) < len(self.cells):
            raise ValueError("two published cells have one name")

    def _bound(self, cell: Published) -> Bound:
        return cell.bound(self.tolerance)

    def run(self, grid: Grid) -> list[Published]:
        """Returns the cells whose settings were run."""
        return [cell for cell in self.cells if grid.where(cell.ours.picks)]

    def bounds(self, grid: Grid) -> list[Bound]:
        """Returns the bound of every cell that was run."""
        return [self._bound(cell) for cell in self.run(grid)]

    @staticmethod
    def spare(cells: int, share: float) -> int:
        """Returns how many of so many cells need not agree where a share must."""
        return cells - math.ceil(share * cells - 1e-9)

    def missed(self, bound: Bound, away: float) -> float:
        """Returns the mean that is so far outside a cell's range, at the end with more room; inside the scores."""
        measure = next(bound.quantity.scores()).kind
        below, above = bound.least - measure.low, measure.high - bound.most
        down = math.isfinite(bound.least) and (math.isinf(bound.most) or below >= above)
        return measure.inside(bound.least - away if down else bound.most + away)

    def outcomes(self, grid: Grid, read: Sequence[Setting], share: float) -> list[CellOutcome]:
        """Returns the result of every cell that was run, where a share of them must agree."""
        wide = grid.at(self._level(grid, share))
        return [self._outcome(cell, wide, read) for cell in self.run(grid)]

    def _level(self, grid: Grid, share: float) -> float:
        """Returns the level of a cell's interval where a share of the cells must agree."""
        return 1 - (1 - grid.level) / (self.spare(len(self.run(grid)), share) + 1)

    def _outcome(self, cell: Published, grid: Grid, read: Sequence[Setting]) -> CellOutcome:
        sides = cell.ours.sides(grid, read)
        effect, seeds = (None, 0) if sides.empty else interval(grid, sides)
        bound = self._bound(cell)
        verdict = _VERDICTS.get(bound.verdict(effect), "not to be told") if effect else "not to be told"
        return CellOutcome(cell.name, cell.words(), effect, seeds, verdict)

    def outcome(self, grid: Grid, read: Sequence[Setting], bound: Bound) -> Outcome:
        """Returns the share of the cells that agree.

        Its lower end are those that surely do, its upper end those that are not surely outside.
        """
        cells, sides = self.run(grid), self.sides(grid, read)
        words, wanted = self.words(grid), bound.wanted()
        need = len(cells) - self.spare(len(cells), bound.least)
        if sides.missing:
            return Outcome(words, wanted, None, 0, "inconclusive", (), sides.missing, sides.lost)
        results = self.outcomes(grid, read, bound.least)
        known = [one for one in results if one.ours]
        if len(known) < need or not known:
            return Outcome(words, wanted, None, 0, "inconclusive", (), (), sides.lost)
        inside = sum(one.verdict == "inside" for one in results)
        outside = sum(one.verdict == "outside" for one in results)
        near = sum(
            b.least <= one.ours.estimate <= b.most
            for b, one in zip(self.bounds(grid), results, strict=True)
            if one.ours
        )
        effect = Interval(near / len(cells), inside / len(cells), 1 - outside / len(cells))
        settings = tuple(dict.fromkeys(setting for _, setting in sides.cells))
        every = (camps(grid, Sides(some)) for cell in cells if (some := cell.ours.sides(grid, read).more))
        return Outcome(
            words,
            wanted,
            effect,
            min(one.seeds for one in known),
            bound.verdict(effect),
            settings,
            (),
            sides.lost,
            tuple(dict.fromkeys(name for names in every for name in names)),
            self._power(results, grid, bound.least),
            cells=tuple(results),
            detail=_format_cells(results),
        )

    def _power(self, results: Sequence[CellOutcome], grid: Grid, share: float) -> str:
        """Formats in how many cells as many seeds of as much scatter would tell agreement of the published mean."""
        level, told = self._level(grid, share), 0
        for cell, one in zip(self.run(grid), results, strict=True):
            if one.ours is None:
                continue
            bound, effect = self._bound(cell), one.ours
            below = margin(effect.estimate - effect.lower, effect.freedom, level)
            above = margin(effect.upper - effect.estimate, effect.freedom, level)
            told += bound.least + below <= cell.value <= bound.most - above
        return (
            f"in {told} of {len(results)} cells a true mean equal to the published one would be told to agree with "
            f"probability {POWER:g}"
        )

    def sides(self, grid: Grid, read: Sequence[Setting]) -> Sides:
        """Returns the cells of all published ones that were run; it is no difference of means."""
        cells = self.run(grid)
        every = [cell.ours.sides(grid, read) for cell in cells]
        missing = (f"{self.few} cells of {self.what or 'the published table'}",) if len(cells) < self.few else ()
        lost = tuple(dict.fromkeys(s for sides in every for s in sides.lost))
        return Sides(tuple(dict.fromkeys(c for sides in every for c in sides.more)), None, 1.0, missing, lost)

    def scores(self) -> Iterator[Score]:
        """Yields the scores of all cells."""
        yield from dict.fromkeys(cell.ours.score for cell in self.cells)

    def seeds(self, grid: Grid, settings: Sequence[Setting]) -> dict[str, set[int]]:
        """Returns the seeds that were run of every setting, chosen by the rule of selection or not."""
        names = {setting: grid.format_setting(setting) for setting in settings}
        if grid.made:
            return super().seeds(grid, settings)
        rows = grid.table.select(*grid.keys, "seed").unique().iter_rows()
        seeds: dict[str, set[int]] = {name: set() for name in names.values()}
        for *setting, seed in rows:
            if tuple(setting) in names:
                seeds[names[tuple(setting)]].add(seed)
        return seeds

    def words(self, grid: Grid | None = None) -> str:
        """Formats what is counted."""
        number = f"{len(self.run(grid))} " if grid is not None else ""
        return f"the share of {number}cells of {self.what or 'the published table'} that agree"

    def rule(self) -> str:
        """Formats when a cell agrees."""
        return (
            f"A published cell has the range of its runs, or its mean alone where no range is published, widened by "
            f"{self.tolerance:g} on either side. It agrees if the whole interval of our mean lies within that range, "
            f"and is outside if none of it does; otherwise, or where training is not fitted, it is not to be told. "
            f"Cells whose settings were not run do not count, and {self.few} must have been. The effect's bounds are "
            f"the share of cells that agree and that of cells that are not outside. Where N cells were run of which K "
            f"must agree, the interval of each has the level 1 - 0.05 / (N - K + 1)."
        )


def _ends(bound: Bound) -> tuple[float, float]:
    return bound.least, bound.most


def _format(value: float) -> str:
    return f"{value:.4g}"


def _format_cells(results: Sequence[CellOutcome]) -> str:
    """Formats which cells are outside, and how many are not to be told; empty if all agree."""
    outside = [one.name for one in results if one.verdict == "outside"]
    open_ = sum(one.verdict == "not to be told" for one in results)
    parts = [f"outside: {'; '.join(outside)}"] if outside else []
    parts += [f"{open_} not to be told"] if open_ else []
    return f" ({'; '.join(parts)})" if parts else ""
