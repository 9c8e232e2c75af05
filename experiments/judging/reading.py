"""Decides which settings of a table are read: those whose training is fitted, and that are no longer learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from experiments.judging.axes import Pick, Score, Setting
from experiments.judging.claim import LeftOut
from experiments.judging.grid import Grid
from experiments.judging.quantities import Arm

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
    every: no setting of the table may be below.
    """

    score: Score
    least: float = FITTED
    instead: tuple[Pick, ...] = ()
    exempt: tuple[Pick, ...] = ()
    every: bool = False

    def lost(self, grid: Grid) -> dict[Setting, LeftOut]:
        """Returns the settings that cannot be read, with reasons."""
        lost, cells = {}, grid.cells(self.score)
        free = set(grid.where(self.exempt)) if self.exempt else set()
        for setting in grid.settings:
            other = self.counterpart(grid, setting)
            if setting in free:
                continue
            if other not in cells.scores:
                why = f"{self.where()} was not run beside it"
                lost[setting] = LeftOut(grid.format_setting(setting), why, "", "arm missing")
            elif (mean := cells.estimate(other)) < self.least:
                why = f"{self.words()} is below {self.least:g}"
                lost[setting] = LeftOut(grid.format_setting(setting), why, f"{mean:.3f}")
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

    def rule(self) -> str:
        """Formats the rule in a sentence."""
        if self.every:
            return f"Not fitted: at some setting the mean over seeds of {self.words()} is below {self.least:g}."
        free = f" {Arm(self.score, self.exempt).where().capitalize()} is read all the same." if self.exempt else ""
        return (
            f"A setting is read where the mean over seeds of {self.words()} is at least {self.least:g}; others are "
            f"left out and named.{free}"
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
