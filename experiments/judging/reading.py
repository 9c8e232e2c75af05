"""Decides which settings of a table are read: those whose training is fitted, and that are no longer learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from experiments.judging.axes import Pick, Score, Setting
from experiments.judging.claim import Cause, LeftOut
from experiments.judging.grid import Grid
from experiments.judging.quantities import Arm
from experiments.judging.sides import Sides, interval
from experiments.judging.statistics import Interval

FITTED = 0.9  # the mean score within the training distribution from which on scores outside it are read
RISE = 0.1


class Rule(Protocol):
    """A rule of which settings of a table can be read."""

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings that cannot be read, with reasons."""
        ...

    def rule(self) -> str:
        """Formats the rule in a sentence."""
        ...


@dataclass(frozen=True)
class Fitted:
    """Settings are read if the mean of `score` is `least` or more, at themselves or at a counterpart.

    instead: the values that the counterpart has in place of a setting's own. exempt: arms that are read all the same.
    every: no setting of the table may be below. most: the mean is this or less instead, of a score that is an error.
    """

    score: Score
    least: float = FITTED
    instead: tuple[Pick, ...] = ()
    exempt: tuple[Pick, ...] = ()
    every: bool = False
    most: float | None = None

    def fits(self, mean: float) -> bool:
        """Returns whether a mean is that of a fitted setting."""
        return mean >= self.least if self.most is None else mean <= self.most

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings that cannot be read, with reasons."""
        lost, cells = {}, grid.cells(self.score)
        free = set(grid.where(self.exempt)) if self.exempt else set()
        for setting in grid.settings:
            other = self.counterpart(grid, setting)
            if setting in free:
                continue
            if other not in cells.scores and self.instead:
                why = f"{self.where()} was not run beside it"
                lost[setting] = LeftOut(grid.format_setting(setting), why, "", "arm missing")
            elif other not in cells.scores:
                lost[setting] = LeftOut(
                    grid.format_setting(setting), f"{self.words()} was not measured", "", "arm missing"
                )
            elif not self.fits(mean := cells.estimate(other)):
                why = f"{self.words()} is {self.beyond()}"
                lost[setting] = LeftOut(grid.format_setting(setting), why, f"{mean:.{cells.mean(other).digits}f}")
        return lost

    def counterpart(self, grid: Grid, setting: Setting) -> Setting:
        """Returns the setting whose score decides whether `setting` is fitted."""
        return grid.counterpart(setting, self.instead)

    def where(self) -> str:
        """Formats the counterpart."""
        return " and ".join(pick.words() for pick in self.instead)

    def words(self) -> str:
        """Formats the score that is asked for."""
        return f"{self.score.words}{f' with {self.where()}' if self.instead else ''}"

    def beyond(self) -> str:
        """Formats where the mean of a setting that is not fitted lies."""
        return f"below {self.least:g}" if self.most is None else f"above {self.most:g}"

    def rule(self) -> str:
        """Formats the rule in a sentence."""
        if self.every:
            return f"Not fitted: at some setting the mean over seeds of {self.words()} is {self.beyond()}."
        bound = f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"
        free = f" {Arm(self.score, self.exempt).where().capitalize()} is read all the same." if self.exempt else ""
        return (
            f"A setting is read where the mean over seeds of {self.words()} is {bound}; others are left out and named."
            f"{free}"
        )


@dataclass(frozen=True)
class Converged:
    """Settings are read if twice the training steps add no more than `rise` to the mean `score` at one level.

    once: picks that level. twice: picks the arm that has the level and twice the steps, whose runs nothing else reads.
    The rate falls over a run, so a curve flattens towards its end whether or not more steps would add to it; only a
    second budget tells.
    """

    score: Score
    once: tuple[Pick, ...]
    twice: tuple[Pick, ...]
    rise: float = RISE / 2

    def gain(self, grid: Grid) -> Interval | None:
        """Returns by how much the score is higher with twice the steps; None if one of the two was not run."""
        more, less = (tuple((self.score, s) for s in grid.where(picks)) for picks in (self.twice, self.once))
        once = tuple(cell for cell in less if cell not in more)
        return interval(grid, Sides(more, once))[0] if more and once else None

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings that cannot be read, with reasons: the arm of twice the steps, and all if it gains."""
        gain, longer = self.gain(grid), set(grid.where(self.twice))
        why = (
            f"{self.words()} was not run"
            if gain is None
            else f"twice the steps add {gain.estimate:.3f} at {self.where()}"
        )
        cause: Cause = "arm missing" if gain is None else "not settled"
        all_lost = gain is None or gain.estimate > self.rise
        return {
            s: LeftOut(grid.format_setting(s), "it is read only to see whether training has converged", "", "longer")
            if s in longer
            else LeftOut(grid.format_setting(s), why, "", cause)
            for s in grid.settings
            if all_lost or s in longer
        }

    def note(self, grid: Grid) -> list[str]:
        """Returns a note on what twice the steps add, if they were run."""
        gain = self.gain(grid)
        return [f"Twice the steps add {gain} to {self.score.words} at {self.where()}."] if gain else []

    def where(self) -> str:
        """Formats the level at which more steps were tried."""
        return Arm(self.score, self.once).where()

    def words(self) -> str:
        """Formats the arm of twice the steps."""
        return f"twice the steps at {self.where()}"

    def rule(self) -> str:
        """Formats the rule in a sentence."""
        return (
            f"Settings are read where training has converged: {self.words()} adds at most {self.rise:g} to the mean "
            f"{self.score.words}, else nothing is read. That arm is read for nothing else."
        )


@dataclass(frozen=True)
class Settled:
    """Settings are read unless their mean `score` rose by more than `rise` over the last quarter, to less than `least`.

    A setting that is still learning gives no evidence on its noise. This rule cannot see a score that has not begun to
    rise.
    """

    score: Score
    rise: float = RISE
    least: float = FITTED

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings that cannot be read, with reasons."""
        cells, rise = grid.cells(self.score), grid.rise(self.score)
        why = f"still rising by more than {self.rise:g} over the last quarter"
        return {
            s: LeftOut(
                f"{grid.format_setting(s)} (by {rise[s]:.3f} to {cells.estimate(s):.3f})", why, "", "not settled"
            )
            for s in cells.scores
            if rise[s] > self.rise and cells.estimate(s) < self.least
        }

    def rule(self) -> str:
        """Formats the rule in a sentence."""
        return (
            f"A setting is left out and named where {self.score.words} rose by more than {self.rise:g} over the last "
            f"quarter of training and ended below {self.least:g}: it is still learning."
        )
