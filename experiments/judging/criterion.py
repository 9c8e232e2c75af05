"""Defines a criterion as a value: bounds that must hold, and rules by which settings are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from experiments.judging.axes import WORDS, Axis, Score, Setting
from experiments.judging.claim import Cause, Judgement, LeftOut, Outcome, Verdict
from experiments.judging.digest import digest
from experiments.judging.grid import Grid
from experiments.judging.quantities import Bound, Each
from experiments.judging.reading import Converged, Fitted, Rule, Settled
from experiments.judging.statistics import LEVEL

_RANKS: tuple[Verdict, ...] = ("not reproduced", "inconclusive", "reproduced")


@dataclass(frozen=True)
class Criterion:
    """A claim is reproduced if all `bounds` hold on the settings where training is fitted.

    axes: those of the table, one for each swept key. read: the rules by which settings are left out. then: bounds that
    are asked only if `bounds` hold. given: bounds on means; nothing can be decided unless they hold. whole: no run of
    the whole grid may be missing, and not only of the arms. apart: an axis whose values may have ended at different
    steps. view: makes the judged table of the recorded one.
    """

    axes: tuple[Axis, ...]
    bounds: tuple[Bound | Each, ...]
    read: tuple[Rule, ...] = ()
    then: tuple[Bound | Each, ...] = ()
    given: tuple[Bound, ...] = ()
    whole: bool = False
    apart: Axis | None = None
    view: Callable[[pl.DataFrame], pl.DataFrame] | None = None

    def grid(self, table: pl.DataFrame, level: float = LEVEL) -> Grid:
        """Returns the table by setting. Raises RecordError if it is a table of something else."""
        return Grid(self.view(table) if self.view else table, self.axes, level)

    def __call__(self, table: pl.DataFrame, level: float = LEVEL) -> Judgement:
        """Returns its judgement of a results table, at a level of confidence."""
        return self.judge(self.grid(table, level))

    def judge(self, grid: Grid) -> Judgement:
        """Returns its judgement of a table by setting."""
        for score in self.scores():
            grid.cells(score)
        lost = {s: left for rule in reversed(self.read) for s, left in rule.lost(grid).items()}
        read = [s for s in grid.settings if s not in lost]
        groups = [self._outcomes(part, grid, read) for part in self.bounds]
        outcomes = [one for group in groups for one in group if one.settings]
        used = list(dict.fromkeys(s for one in outcomes for s in one.settings))
        arms = {s for group in groups for one in group for s in one.lost}
        left_out = tuple(dict.fromkeys(left for s, left in lost.items() if self.whole or s in arms))
        first = next((one for one in groups[0] if one.settings), None)
        effect, seeds = (first.effect, first.seeds) if first else (None, 0)
        notes = (
            *(note for rule in self.read if isinstance(rule, Converged) for note in rule.note(grid)),
            *_diverged(grid, self.scores()),
        )

        def judgement(verdict: Verdict, why: str, cause: Cause = "") -> Judgement:
            size = (None, 0) if verdict == "not fitted" else (effect, seeds)
            power = tuple(_format_power(one) for one in (group[0] for group in groups if group) if one.effect)
            return Judgement(
                verdict, *size, format_sentence(why), (), notes, left_out, tuple(outcomes), cause, grid.level, power
            )

        if missing := dict.fromkeys(name for group in groups for one in group for name in one.missing):
            return judgement("inconclusive", f"there are no runs of {'; nor of '.join(missing)}", "arm missing")
        unfit = [left for s, left in lost.items() if any(getattr(rule, "every", False) for rule in self.read)]
        short = [part for part, group in zip(self.bounds, groups, strict=True) if _left(group) < _need(part)]
        if unfit or short:
            return judgement(*_unread(left_out or unfit, short))
        if bar := self._bar(grid, used):
            return judgement("inconclusive", *bar)
        for bound in self.given:
            mean = bound.quantity.outcome(grid, grid.settings, bound).effect
            if mean is None or not bound.least <= mean.estimate <= bound.most:
                why = f"{bound.quantity.words(grid)} is {mean}, where {bound.wanted()} is needed to tell"
                return judgement("inconclusive", why, "not solvable")
        verdict = _worst(outcomes)
        if verdict == "reproduced" and self.then:
            groups += [self._outcomes(part, grid, read) for part in self.then]
            outcomes += [one for group in groups[len(self.bounds) :] for one in group]
            verdict = _worst(outcomes)
        deciding = [[one for one in group if one in outcomes and one.verdict == verdict] for group in groups]
        return judgement(verdict, "; ".join(_format_worst(group) for group in deciding if group))

    def _outcomes(self, part: Bound | Each, grid: Grid, read: Sequence[Setting]) -> list[Outcome]:
        """Returns the result of a bound, or of one at every value: the worst first."""
        if isinstance(part, Bound):
            return [part.quantity.outcome(grid, read, part)]
        bounds = part.bounds(grid)
        if len(bounds) < part.need:
            lacking = part.bound.quantity.sides(grid, grid.settings).missing
            missing = lacking or (
                f"{_format_number(part.need)} value{'s' * (part.need > 1)} of {part.over()} with all that is compared",
            )
            return [Outcome(part.bound.quantity.words(), part.bound.wanted(), None, 0, "inconclusive", (), missing)]
        outcomes = [bound.quantity.outcome(grid, read, bound) for bound in bounds]
        down = -1 if np.isinf(part.bound.least) else 1
        return sorted(outcomes, key=lambda one: down * one.effect.estimate if one.effect else np.inf)

    def _bar(self, grid: Grid, used: Sequence[Setting]) -> tuple[str, Cause] | None:
        """Returns the reason that no verdict can rest on this table, if there is one."""
        steps_of_group = self.parts()[0].quantity.seeds(grid, grid.settings if self.whole else used)
        seeds = sorted(set().union(*steps_of_group.values()))
        missing = [
            f"{name}, seed {seed}" for name, some in steps_of_group.items() for seed in seeds if seed not in some
        ]
        longer = {s for rule in self.read if isinstance(rule, Converged) for s in grid.where(rule.twice)}
        ends = grid.rows([s for s in grid.settings if s not in longer]).filter(pl.col("final"), status="finished")
        groups = ends.partition_by(self.apart.column) if self.apart else [ends]
        steps = next(
            (steps_of_group for group in groups if len(steps_of_group := sorted(group["step"].unique())) > 1), []
        )
        if len(seeds) < 2:
            return "there is one seed only, so nothing is known of the spread between seeds", "one seed"
        if missing:
            return f"runs are missing: {'; '.join(missing)}", "run missing"
        if steps:
            ended = ", ".join(map(str, steps))
            return f"the runs ended at different steps, which bars a comparison: {ended}", "steps differ"
        return None

    def parts(self) -> list[Bound]:
        """Returns all its bounds; a bound at every value stands once."""
        return [part.bound if isinstance(part, Each) else part for part in (*self.bounds, *self.then, *self.given)]

    def scores(self) -> list[Score]:
        """Returns the scores that it reads, each once; that of the effect first."""
        every = [score for bound in self.parts() for score in bound.quantity.scores()]
        return list(
            dict.fromkeys(
                [*every, *(rule.score for rule in self.read if isinstance(rule, Fitted | Settled | Converged))]
            )
        )

    def effect_words(self) -> str:
        """Formats the effect."""
        first = self.bounds[0]
        worst = f", at the {first.over()} where it is worst" if isinstance(first, Each) else ""
        return self.parts()[0].quantity.words().rstrip(",") + worst

    def words(self) -> tuple[str, ...]:
        """Formats the criterion: how settings are read, the effect, and the conditions of each verdict."""
        rules = [rule.rule() for rule in self.read]
        if any(not getattr(rule, "every", False) for rule in self.read):
            need = max((part.need for part in self.bounds if isinstance(part, Each)), default=1)
            few = (
                f"fewer than {_format_number(need)} values of {_each(self.bounds).over()}" if need > 1 else "too little"
            )
            rules.append(f"Not fitted: {few} can be read of what is compared, as training is not fitted.")
        more = [
            rule
            for rule in dict.fromkeys(bound.quantity.rule() for bound in self.parts())
            if rule and rule not in rules
        ]
        how = self.parts()[0].quantity.how()
        rules.append(" ".join([f"Effect: {self.effect_words()}{f', {how}' if how else ''}.", *more]))
        wanted = [_format_condition(part, effect=place == 0) for place, part in enumerate(self.bounds)]
        then = [_format_condition(part, effect=False) for part in self.then]
        rules.append(f"Reproduced: {'; and '.join([*wanted, *then])}.")
        several = len(wanted) + len(then) > 1
        false = "the whole interval of one of these is outside its bound" if several else _format_false(self.parts()[0])
        later = "; the last is asked only where the others hold" if then else ""
        rules.append(f"Not reproduced: {false}{later}.")
        whole = " of the whole grid" if self.whole else ""
        apart = f" of one {self.apart.noun}" if self.apart else ""
        given = "".join(f", or {b.quantity.words()} has no mean of {b.wanted()}" for b in self.given)
        rules.append(
            f"Inconclusive: anything else; and where there is one seed, a run{whole} or an arm is missing, or "
            f"runs{apart} ended at different steps{given}."
        )
        return tuple(rules)

    def hash(self) -> str:
        """Returns a digest of all that decides a verdict; it does not change with words."""
        return digest(self)


@dataclass(frozen=True)
class Judged:
    """A criterion that is a plain function, for cases that the algebra cannot express, with its words."""

    axes: tuple[Axis, ...]
    function: Callable[[Grid], Judgement]
    reads: tuple[Score, ...]
    says: tuple[str, ...] = field(metadata=WORDS)
    effect: str = field(metadata=WORDS)

    def grid(self, table: pl.DataFrame, level: float = LEVEL) -> Grid:
        """Returns the table by setting. Raises RecordError if it is a table of something else."""
        return Grid(table, self.axes, level)

    def __call__(self, table: pl.DataFrame, level: float = LEVEL) -> Judgement:
        """Returns its judgement of a results table, at a level of confidence."""
        return self.judge(self.grid(table, level))

    def judge(self, grid: Grid) -> Judgement:
        """Returns its judgement of a table by setting."""
        return self.function(grid)

    def scores(self) -> list[Score]:
        """Returns the scores that it reads."""
        return list(self.reads)

    def effect_words(self) -> str:
        """Formats the effect."""
        return self.effect

    def words(self) -> tuple[str, ...]:
        """Formats the criterion."""
        return self.says

    def hash(self) -> str:
        """Returns a digest of the function's source and of the scores that it reads."""
        return digest(self)


def format_sentence(text: str) -> str:
    """Formats a text as a sentence: a capital letter before, a full stop after."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _format_number(number: int) -> str:
    return {1: "one", 2: "two", 3: "three"}.get(number, str(number))


def _each(parts: Sequence[Bound | Each]) -> Each:
    return next(part for part in parts if isinstance(part, Each))


def _need(part: Bound | Each) -> int:
    return part.need if isinstance(part, Each) else 1


def _left(outcomes: Sequence[Outcome]) -> int:
    return sum(bool(one.settings) for one in outcomes)


def _worst(outcomes: Sequence[Outcome]) -> Verdict:
    """Returns the worst verdict: one bound that fails is enough, then one that is inconclusive."""
    return next(rank for rank in _RANKS if any(one.verdict == rank for one in outcomes))


def _format_worst(outcomes: Sequence[Outcome]) -> str:
    """Formats the worst of the outcomes of one bound, and their number."""
    one, count = outcomes[0], f"the worst of {len(outcomes)}; " if len(outcomes) > 1 else ""
    return f"{one.words}{one.detail} is {one.effect} ({count}{one.wanted} is wanted)"


def _format_power(outcome: Outcome) -> str:
    """Formats the true effects that a bound's seeds and their scatter would have decided."""
    return f"{outcome.words.rstrip(',')}, of which {outcome.wanted} is wanted: {outcome.power}"


def _unread(left_out: Sequence[LeftOut], short: Sequence[Bound | Each]) -> tuple[Verdict, str, Cause]:
    """Returns the verdict if too little can be read, and the reason."""
    weak = [left for left in left_out if left.cause == "not fitted"]
    if weak:
        return (
            "not fitted",
            f"{weak[0].why}: {'; '.join(f'{left.score} at {left.setting}' for left in weak)}",
            "not fitted",
        )
    if lacking := [left for left in left_out if left.cause == "arm missing"]:
        return "inconclusive", lacking[0].why, "arm missing"
    rising = f": {'; '.join(left.setting for left in left_out)} ({left_out[0].why})" if left_out else ""
    bounds = [part.bound if isinstance(part, Each) else part for part in short]
    what = "; nor ".join(bound.quantity.words().rstrip(",") for bound in bounds)
    return "inconclusive", f"it cannot be read {what}{rising}", "not settled"


def _format_condition(part: Bound | Each, *, effect: bool) -> str:
    """Formats the condition of a bound."""
    bound = part.bound if isinstance(part, Each) else part
    words = bound.quantity.words().rstrip(",")
    at = f" at every {part.over()} that can be read" if isinstance(part, Each) else ""
    side = "lower" if np.isinf(bound.most) else "upper"
    if np.isinf(bound.most) or np.isinf(bound.least):
        name = f"the effect's {side} bound" if effect else f"the {side} bound of {words}"
        return f"{name} is {bound.wanted()}{at}"
    return f"the whole interval of {'the effect' if effect else words} lies within {bound.wanted()}{at}"


def _format_false(bound: Bound) -> str:
    """Formats the condition under which a lone bound is false."""
    if np.isinf(bound.most):
        return f"the effect's upper bound is below {bound.least:g}"
    return f"the effect's lower bound is above {bound.most:g}"


def _diverged(grid: Grid, scores: Sequence[Score]) -> list[str]:
    """Returns a note on the runs that diverged, if any did, and on what they get of the scores that are read."""
    rows = grid.table.filter(status="diverged").select(*grid.keys, "seed").unique().sort(*grid.keys, "seed").iter_rows()
    named = [f"{grid.format_setting(tuple(setting))}, seed {seed}" for *setting, seed in rows]
    lost = dict.fromkeys(grid.measure(score).lost for score in scores)
    words = " or ".join(f"scores of {one:g}" if np.isfinite(one) else "scores worse than any" for one in lost)
    return [f"Diverged, and counted as {words}: {'; '.join(named)}."] if named else []
