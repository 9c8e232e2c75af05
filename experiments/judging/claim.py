"""Defines a claim, and a criterion's judgement of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from experiments.judging.statistics import LEVEL, Interval, Seeds

if TYPE_CHECKING:
    from experiments.judging.conflict import Conflict
    from experiments.judging.criterion import Criterion, Judged
    from experiments.judging.drawing import Drawing
    from experiments.judging.grid import Grid

# The choice that most claims made by looking.
SIZES = "Sizes were chosen by looking at seed 0, which is not among the seeds reported."
# The same where results of the seeds first reported were in sight too, and others are reported since.
PILOTS = "Sizes were chosen by looking at seeds below 20, none of which is among those reported."

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not fitted"]
CellVerdict = Literal["inside", "outside", "not to be told"]
Cause = Literal[
    "", "one seed", "run missing", "arm missing", "steps differ", "not fitted", "not settled", "not solvable", "longer"
]


@dataclass(frozen=True)
class Row:
    """One setting of the printed table: the paper's words beside our scores with their intervals and single seeds.

    verdict: whether the row, a cell of a published table, agrees with ours; empty of other rows. A score is None where
    no run has one, as where none was fitted.
    """

    setting: str
    paper: str
    scores: Mapping[str, Interval | None]
    seeds: int
    spread: Mapping[str, Seeds] = field(default_factory=dict)
    verdict: str = ""

    @property
    def theirs(self) -> str:
        """Returns the paper's words, with the verdict on a cell of a published table."""
        return "; ".join(text for text in (self.paper, self.verdict) if text)


@dataclass(frozen=True)
class CellOutcome:
    """The result of one cell of a published table: the published mean in words, ours, its seeds and the verdict.

    The interval of ours has the level at which cells are judged; None where no run can be read.
    """

    name: str
    paper: str
    ours: Interval | None
    seeds: int
    verdict: CellVerdict


@dataclass(frozen=True)
class LeftOut:
    """A setting that was not read: the reason, in words that go on after "Left out, as ", and its score."""

    setting: str
    why: str
    score: str
    cause: Cause = "not fitted"


@dataclass(frozen=True)
class Outcome:
    """The result of one bound on a table: quantity and bound as text, the interval, and whether it keeps the bound.

    settings: those that it rests on. missing: arms that were never run. lost: settings of its arms that cannot be read.
    camps: those of its means whose seeds are in two camps. power: which true effects would have been decided. how: the
    way in which the two sides of a difference are compared. cells: the cells of a published table that it counts.
    detail: what the sentence says of the words, before the effect.
    """

    words: str
    wanted: str
    effect: Interval | None
    seeds: int
    verdict: Verdict
    settings: tuple[tuple[Any, ...], ...] = ()
    missing: tuple[str, ...] = ()
    lost: tuple[tuple[Any, ...], ...] = ()
    camps: tuple[str, ...] = ()
    power: str = ""
    how: str = ""
    cells: tuple[CellOutcome, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Judgement:
    """The result of a criterion on a results table.

    effect: the claim's effect size with its interval over seeds, or None if the table cannot give one. seeds: the
    number of seeds that it rests on. sentence: the reason for the verdict. cause: the reason that no verdict is
    possible, if any. outcomes: the result of every bound. left_out: the settings that were not read, with reasons.
    notes: results that were measured but not judged. level: the level of confidence of its intervals. power: for each
    bound, the true effects that as many seeds of as much scatter would have decided with probability POWER.
    """

    verdict: Verdict
    effect: Interval | None
    seeds: int
    sentence: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    cause: Cause = ""
    level: float = LEVEL
    power: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """Returns how the two sides of the effect are compared; empty if it has one side."""
        return self.outcomes[0].how if self.outcomes else ""

    @property
    def caution(self) -> str:
        """Formats the means whose seeds are in two camps, in a sentence; empty if there are none."""
        if not self.camps:
            return ""
        return f"It rests on seeds in two camps, for which no interval of a mean holds: {'; '.join(self.camps)}."

    @property
    def camps(self) -> tuple[str, ...]:
        """Returns the means that it rests on whose seeds are in two camps."""
        return tuple(dict.fromkeys(name for outcome in self.outcomes for name in outcome.camps))

    @property
    def cells(self) -> tuple[CellOutcome, ...]:
        """Returns the cells of published tables that were judged."""
        return tuple(cell for outcome in self.outcomes for cell in outcome.cells)

    def left(self) -> list[str]:
        """Formats the settings that were left out, in one sentence for each reason."""
        reasons: dict[str, list[str]] = {}
        for one in self.left_out:
            reasons.setdefault(one.why, []).append(f"{one.score} at {one.setting}" if one.score else one.setting)
        return [f"Left out, as {why}: {'; '.join(settings)}." for why, settings in reasons.items()]


@dataclass(frozen=True)
class Fact:
    """A statement of the paper, in our words, and its place."""

    text: str
    source: str


@dataclass(frozen=True)
class Claim:
    """A finding of a paper that a study measures anew, with a criterion fixed before the results.

    name: the study without its scale, as in markov/threshold. question: the question in a short line. arxiv, where: the
    paper and the place in it, empty if there is no paper. setting: the key in which the rows of the printed table
    differ. looked: the choices made by looking at results of the cpu scale, and at which results. ours: whether the
    question is ours, which the paper does not ask. criterion: the value that judges a results table. rows: the printed
    table. figure: its drawing. reading: definitions that the criterion's text needs, as of a setting. differs: the
    differences from the original and their reasons, for the write-up (@key cites an entry of
    paper/article/references.yml). notes: results that are measured, but not judged. scatter: the standard deviation of
    true scores over seeds, for the simulation of false positives. contradicts: findings of other papers that do not
    agree with this one's.
    """

    name: str
    question: str
    title: str
    arxiv: str
    where: str
    text: str
    setting: str
    criterion: Criterion | Judged
    rows: Callable[[Grid], tuple[Row, ...]]
    figure: Drawing
    reading: str = ""
    differs: str = ""
    looked: str = SIZES
    ours: bool = False
    notes: tuple[Callable[..., list[str]], ...] = ()
    facts: tuple[Fact, ...] = ()
    scatter: float = 0.05
    contradicts: tuple[Conflict, ...] = ()

    @property
    def effect(self) -> str:
        """Formats the effect size that the criterion bounds."""
        return self.criterion.effect_words()

    def renamed(self, name: str) -> Claim:
        """Returns the same claim of another study."""
        return replace(self, name=name)

    def judge(self, table: pl.DataFrame, level: float = LEVEL) -> Judgement:
        """Returns the criterion's judgement of a results table at a level, with table and notes at 95 %."""
        grid = self.criterion.grid(table, level)
        judgement, plain = self.criterion.judge(grid), grid.at(LEVEL)
        notes = (*judgement.notes, *(note for made in self.notes for note in made(plain)))
        verdicts = {cell.name: cell.verdict for cell in judgement.cells}
        rows = tuple(replace(row, verdict=verdicts.get(row.setting, "")) for row in self.rows(plain))
        return replace(judgement, rows=rows, notes=notes, level=level)

    def draw(self, table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
        """Draws a table with its judgement to `path`.png and `path`.svg; returns both."""
        return self.figure.save(self.criterion.grid(table), judgement, path)
