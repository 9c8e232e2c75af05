"""Makes tables that follow from a criterion: all its bounds hold, or one alone is false by the least.

Every quantity is a mean of scores minus another, so the mean scores of such a world are the solution of a linear
programme: all bounds hold by as much as they can, but for the one that is false. From a world follow tables of a few
seeds. The contract of criteria tests a criterion on them, and `nulls` counts its false positives on thousands.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import linprog

from experiments.judging.agreement import Agreement
from experiments.judging.axes import BEST, POSTERIOR, Axis, Score, Setting
from experiments.judging.claim import Claim
from experiments.judging.contrasts import Largest
from experiments.judging.criterion import Criterion
from experiments.judging.frame import HASHES, MODEL
from experiments.judging.grid import Cells, Grid
from experiments.judging.measures import DECLARED, Measure, format_declarations
from experiments.judging.quantities import Bound, Each
from experiments.judging.reading import Converged, Fitted
from experiments.judging.rows import Rows
from experiments.judging.sides import Cell

EXAMPLES = 512
STEPS = (600, 1200)
SEEDS = 3
MARGIN = 0.3  # by which a bound holds at most, and by which it fails where it fails by far
AWAY = 1.0  # the same where the worlds are not those of a linear programme, as octaves
_FIT = 0.97
_SPREAD = 0.004  # of the seeds of a table on which the verdict is sure
World = Mapping[Cell, float]  # mean scores


def settings(axes: Sequence[Axis]) -> list[Setting]:
    """Returns the made-up grid of a criterion: every combination of the values that its axes are tried at."""
    return list(itertools.product(*(tuple(axis.tried) for axis in axes)))


def table(study: str, axes: Sequence[Axis], cells: Mapping[Cell, Sequence[float]], before: float = 1.0) -> pl.DataFrame:
    """Returns a results table of these scores by seed (1, 2, ...) at the end, and `before` times them one step earlier.

    A score is 0.9 of a share, or as good of another measure, if only other scores of its run are given.
    """
    keys = [axis.column for axis in axes]
    grid = Grid(_bare(study, axes), axes)
    more = sorted({score.score for score, _ in cells} - {"exact_match"})
    declared = _declared(score for score, _ in cells)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for (score, setting), of_seeds in cells.items():
        condition, position = score.where(grid, setting)
        learner = POSTERIOR if score.learner == BEST else score.learner
        for (seed, value), step in itertools.product(enumerate(of_seeds, 1), STEPS):
            alone = position is not None or learner != MODEL
            if alone and step != STEPS[-1]:
                continue
            for at in dict.fromkeys((None, position)):
                key = (setting, seed, learner, condition, at, step)
                share = 1.0 if step == STEPS[-1] or score.of_examples else before
                others = {name: declared[name].well if name in declared else None for name in more}
                row = rows.setdefault(key, {"exact_match": 0.9} | others)
                if at == position:
                    row[score.score] = share * value
    columns = [
        {"study": study, "run": "-".join(map(str, (*setting, seed))), "seed": seed}
        | dict(zip(keys, setting, strict=True))
        | {"step": step, "final": step == STEPS[-1], "learner": learner, "condition": condition, "position": position}
        | {"exact_match": row["exact_match"], "token_accuracy": row["exact_match"]}
        | {"nll": 0.1 if learner == MODEL and position is None else None}
        | {name: row[name] for name in more}
        | {"examples": EXAMPLES, "status": "finished"}
        | {"device": "2 cores", "versions": "jax 0.10.2", "commit": "abc+", "date": "2025-01-01"}
        | {"settings": None, "criterion": None, DECLARED: format_declarations(declared)}
        | _arms(axes, setting)
        for (setting, seed, learner, condition, position, step), row in rows.items()
    ]
    kinds = {"position": pl.Int64, "nll": pl.Float64, **dict.fromkeys((*HASHES, DECLARED), pl.String)}
    made_up = pl.DataFrame(columns, schema_overrides=kinds, infer_schema_length=None)
    return made_up if declared else made_up.drop(DECLARED)


def _declared(scores: Iterable[Score]) -> dict[str, Measure]:
    """Returns the measures that a claim says its scores are, by name."""
    return {score.score: score.measure for score in scores if score.measure}


def _arms(axes: Sequence[Axis], setting: Setting) -> dict[str, Any]:
    """Returns the typed values of the arms that a setting names, and None for the values that other arms set."""
    values: dict[str, Any] = {}
    for axis, name in zip(axes, setting, strict=True):
        if isinstance(axis.tried, Mapping):
            names = dict.fromkeys(column for typed in axis.tried.values() for column in typed)
            values |= names | dict(axis.tried[name])
    return values


def _bare(study: str, axes: Sequence[Axis], scores: Sequence[Score] = ()) -> pl.DataFrame:
    """Returns a table without scores, of the made-up grid's settings; it declares the measures of `scores`."""
    rows = [
        {"study": study, "run": str(n), "seed": 1}
        | {axis.column: value for axis, value in zip(axes, setting, strict=True)}
        | {"step": 1, "final": True, "learner": MODEL, "condition": "", "position": None}
        | {"exact_match": 0.5, "token_accuracy": 0.5, "nll": 0.1, "examples": EXAMPLES, "status": "finished"}
        | {"device": "", "versions": "", "commit": "", "date": ""}
        | {"settings": None, "criterion": None, DECLARED: format_declarations(_declared(scores))}
        | _arms(axes, setting)
        for n, setting in enumerate(settings(axes))
    ]
    kinds = {"position": pl.Int64, **dict.fromkeys((*HASHES, DECLARED), pl.String)}
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def blank(criterion: Criterion) -> Grid:
    """Returns the made-up grid, on which every score is one half, or within its bounds."""
    scores = criterion.scores()
    grid = Grid(_bare("made/up/cpu", criterion.axes, scores), criterion.axes)
    cells = {}
    for score in scores:
        seeds = dict.fromkeys(range(1, SEEDS + 1), score.kind.inside(0.5))
        cells[score] = Cells(dict.fromkeys(grid.settings, seeds), EXAMPLES, measure=score.kind)
    return grid.filled(cells)


def scale(criterion: Criterion, scores: Iterable[Score]) -> float:
    """Returns the size of a clear difference of scores: their span, or without one their least bound but zero."""
    measures = [score.kind for score in scores]
    if all(measure.bounded for measure in measures):
        return max((measure.span for measure in measures), default=1.0)
    own = [b for b in criterion.parts() if any(score.kind in measures for score in b.quantity.scores())]
    ends = (abs(end) for bound in own for end in (bound.least, bound.most))
    return min((end for end in ends if 0 < end < np.inf), default=1.0)


def instances(criterion: Criterion, grid: Grid) -> list[list[Bound]]:
    """Returns the bounds of a criterion, each as the list of bounds that it stands for on a grid."""
    lists = []
    for part in (*criterion.bounds, *criterion.then):
        if isinstance(part, Each):
            lists.append(part.bounds(grid))
        elif isinstance(part.quantity, Agreement):
            lists.append(part.quantity.bounds(grid))
        elif isinstance(part.quantity, Largest):
            every = part.quantity.all(grid, grid.settings).values()
            lists.append([replace(part, quantity=one) for one, _ in every])
        else:
            lists.append([part])
    return lists


class Programme:
    """The linear programme of a world: mean scores that keep to bounds by as much as they can."""

    def __init__(self, criterion: Criterion):
        self.criterion, self.grid = criterion, blank(criterion)
        scores = [score for score in criterion.scores() if not score.of_examples]
        self.cells: list[Cell] = [(score, s) for score in scores for s in self.grid.settings]
        self.place = {cell: n for n, cell in enumerate(self.cells)}
        self.rows: list[tuple[np.ndarray, float]] = []  # coefficients, bound: their product is at most that
        self.fixed: list[tuple[np.ndarray, float]] = []

    def weights(self, bound: Bound) -> np.ndarray:
        """Returns the coefficients of a bound's quantity, and 0 for the margin."""
        sides = bound.quantity.sides(self.grid, self.grid.settings)
        row = np.zeros(len(self.cells) + 1)
        for side, sign in ((sides.more, 1.0), (sides.less or (), -1.0)):
            for cell in side:
                row[self.place[cell]] += sign * sides.factor / len(side)
        return row

    def holds(self, bound: Bound, margin: float | None = None) -> None:
        """Demands that a bound holds, by the margin that is sought or by `margin`."""
        row, size = self.weights(bound), scale(self.criterion, bound.quantity.scores())
        for sign, end in ((-1.0, bound.least), (1.0, bound.most)):
            if np.isfinite(end):
                demand = sign * row
                demand[-1] = size if margin is None else 0.0
                self.rows.append((demand, sign * end - size * (margin or 0.0)))

    def equals(self, bound: Bound, value: float) -> None:
        """Demands that a bound's quantity has a value."""
        self.fixed.append((self.weights(bound), value))

    def fits(self) -> None:
        """Demands that every setting is fitted, and that more steps add nothing where they are asked for."""
        for rule in self.criterion.read:
            if isinstance(rule, Converged):
                row = np.zeros(len(self.cells) + 1)
                longer, level = ([(rule.score, s) for s in self.grid.where(p)] for p in (rule.twice, rule.once))
                for side, sign in ((longer, 1.0), ([cell for cell in level if cell not in longer], -1.0)):
                    for cell in side:
                        row[self.place[cell]] += sign / len(side)
                self.fixed.append((row, 0.0))
            if isinstance(rule, Fitted):
                for setting in self.grid.settings:
                    row = np.zeros(len(self.cells) + 1)
                    row[self.place[rule.score, rule.counterpart(self.grid, setting)]] = (
                        -1.0 if rule.most is None else 1.0
                    )
                    self.rows.append((row, -_FIT if rule.most is None else rule.most / 2))

    def solve(self) -> World:
        """Returns the world with the largest margin, with high scores where no bound asks. Raises ValueError."""
        cost = np.array([-1e-4 if score.kind.better == "higher" else 1e-4 for score, _ in self.cells] + [-1.0])
        solution = linprog(
            cost,
            np.array([row for row, _ in self.rows]) if self.rows else None,
            np.array([end for _, end in self.rows]) if self.rows else None,
            np.array([row for row, _ in self.fixed]) if self.fixed else None,
            np.array([end for _, end in self.fixed]) if self.fixed else None,
            [*(self._ends(score) for score, _ in self.cells), (0.0, MARGIN)],
        )
        if not solution.success:
            raise ValueError(f"no made-up table keeps to the criterion: {solution.message}")
        return dict(zip(self.cells, map(float, solution.x), strict=False))

    def _ends(self, score: Score) -> tuple[float, float]:
        """Returns the ends of a mean: the bounds of its measure, or as far away as matters.

        From the only end of a measure it stays as far as seeds scatter, which would be cut off there.
        """
        kind, size = score.kind, scale(self.criterion, [score])
        low, high = kind.inside(-10 * size), kind.inside(10 * size)
        if kind.bounded:
            return low, high
        return low + size / 2 * np.isfinite(kind.low), high - size / 2 * np.isfinite(kind.high)


def world(criterion: Criterion, false: int | None = None, *, high: bool = False, far: bool = False) -> World:
    """Returns mean scores where all bounds hold, or all but that in place `false`: it is false by the least, or `far`.

    If a bound has two ends, the lower one is passed, or with `high` the upper.
    """
    programme = Programme(criterion)
    first = criterion.parts()[0]
    aim = first.most if false is not None and not far else first.most + (AWAY if far else -AWAY)
    if (means := first.quantity.made(programme.grid, aim)) is not None:
        return means
    programme.fits()
    for bound in criterion.given:
        programme.holds(bound, 0.04)
    for place, bounds in enumerate(instances(criterion, programme.grid)):
        if place != false:
            for bound in bounds if not far else ():
                programme.holds(bound)
            continue
        part = (*criterion.bounds, *criterion.then)[place]
        if isinstance(part, Bound) and isinstance(part.quantity, Agreement):
            spare = part.quantity.spare(len(bounds), part.least)
            for bound in bounds[: -spare - 1]:
                programme.holds(bound)
            for bound in bounds[-spare - 1 :]:
                away = MARGIN * scale(criterion, bound.quantity.scores()) if far else 0.0
                programme.equals(bound, part.quantity.missed(bound, away))
            continue
        first, *others = bounds
        up = not np.isfinite(first.least) or high
        size = scale(criterion, first.quantity.scores())
        end, away = (first.most, size * MARGIN) if up else (first.least, -size * MARGIN)
        programme.equals(first, end + away if far else end)
        for bound in others:
            if far or isinstance(part, Bound):  # the largest of several: the others are none
                programme.equals(bound, 0.0)
            else:
                programme.holds(bound)
    return programme.solve()


def worlds(criterion: Criterion) -> Iterator[tuple[str, World]]:
    """Yields the worlds where the claim is false by the least, one for each end of each bound, as "bound 1 at 0.5"."""
    for place, part in enumerate((*criterion.bounds, *criterion.then)):
        bound = part.bound if isinstance(part, Each) else part
        ends = [(high, end) for high, end in ((False, bound.least), (True, bound.most)) if np.isfinite(end)]
        for high, end in ends:
            yield f"bound {place + 1} at {end:g}", world(criterion, place, high=high)


def seeds_of(means: World, spread: float = _SPREAD) -> dict[Cell, list[float]]:
    """Returns scores by seed that lie a little around the means."""
    around = np.linspace(-spread, spread, SEEDS)
    cells = {}
    for (score, setting), mean in means.items():
        size = score.kind.span if score.kind.bounded else abs(mean)
        cells[score, setting] = [score.kind.inside(mean + size * float(one)) for one in around]
    return cells


def made(claim: Claim, cells: Mapping[Cell, Sequence[float]]) -> pl.DataFrame:
    """Returns the results table of a claim's study with these scores by seed; scores that are only printed are good."""
    criterion = claim.criterion
    printed = [*criterion.scores(), *(claim.rows.scores.values() if isinstance(claim.rows, Rows) else ())]
    own = [score for score in printed if not score.instead]
    rest = {(score, s): [score.kind.well] * SEEDS for score in own for s in settings(criterion.axes)}
    return table(f"{claim.name}/cpu", criterion.axes, rest | dict(cells))
