"""Reads a results table by setting: its axes, and the scores of every setting and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from experiments.judging.axes import BEST, POSTERIOR, Axis, Number, Pick, Score, Setting
from experiments.judging.frame import MODEL, RecordError, swept
from experiments.judging.measures import SHARE, Measure, measure_of
from experiments.judging.results import final_scores
from experiments.judging.statistics import LEVEL, Interval, mean_score


@dataclass(frozen=True)
class Cells:
    """Scores by setting and seed, each from `examples` examples or more."""

    scores: Mapping[Setting, Mapping[int, float]]
    examples: int
    level: float = LEVEL
    measure: Measure = SHARE

    def mean(self, setting: Setting) -> Interval:
        """Returns the interval of the mean over all seeds at one setting."""
        seeds = self.scores.get(setting)
        if not seeds:
            return Interval(0.0, self.measure.low, self.measure.high)
        return mean_score(list(seeds.values()), self.examples, self.level, self.measure)

    def estimate(self, setting: Setting) -> float:
        """Returns the mean over all seeds at one setting."""
        seeds = self.scores.get(setting)
        return float(np.mean([*seeds.values()])) if seeds else 0.0


class Grid:
    """A results table by setting: its axes, and every score that a criterion asks for.

    Raises RecordError if the table sweeps other keys than those of `axes`, or several values of a single one.
    """

    def __init__(self, table: pl.DataFrame, axes: Sequence[Axis], level: float = LEVEL):
        keys = swept(table)
        if keys != [axis.column for axis in axes]:
            wanted = ", ".join(axis.column for axis in axes)
            raise RecordError(f"sweeps {', '.join(keys) or 'nothing'}, where {wanted} is wanted")
        self.axes, self.keys, self.level = tuple(axes), keys, level
        self.table = table
        rows = table.select(keys).unique().sort(keys).iter_rows()
        self.settings: list[Setting] = [tuple(row) for row in rows]
        for place, axis in enumerate(axes):
            values = {setting[place] for setting in self.settings}
            if axis.single and len(values) > 1:
                raise RecordError(
                    f"has the values {', '.join(map(str, sorted(values)))} of {axis.column}: one is wanted"
                )
        self._cells: dict[Score, Cells] = {}
        self._typed: dict[str, dict[Setting, Any]] = {}
        self._made = False

    def at(self, level: float) -> Grid:
        """Returns the same grid at another level of confidence."""
        other = object.__new__(Grid)
        other.__dict__.update(self.__dict__)
        other.level = level
        return other

    def filled(self, cells: Mapping[Score, Cells]) -> Grid:
        """Returns the same grid with these scores in place of those of the table."""
        other = self.at(self.level)
        other._cells, other._made = self._cells | dict(cells), True
        return other

    @property
    def made(self) -> bool:
        """Returns whether its scores are made up."""
        return self._made

    def value(self, axis: Axis, setting: Setting) -> Any:
        """Returns the value of an axis at a setting: a tuple for several typed columns, None if the arm sets none."""
        if not axis.typed:
            return setting[self.keys.index(axis.column)]
        values = tuple(self._column(name)[setting] for name in axis.typed)
        if axis.reads:
            return axis.reads(*values)
        return values if len(axis.typed) > 1 else values[0]  # pyright: ignore[reportGeneralTypeIssues]

    def _column(self, name: str) -> dict[Setting, Any]:
        if name not in self._typed:
            if name not in self.table.columns:
                self._typed[name] = dict.fromkeys(self.settings)
            else:
                rows = self.table.select(*self.keys, name).unique().iter_rows()
                self._typed[name] = {tuple(setting): value for *setting, value in rows}
        return self._typed[name]

    def counterpart(self, setting: Setting, instead: Sequence[Pick]) -> Setting:
        """Returns the setting that has the values `instead` in place of its own."""
        values = {pick.axis.column: pick.values[0] for pick in instead}
        return tuple(values.get(key, value) for key, value in zip(self.keys, setting, strict=True))

    def rows(self, settings: Sequence[Setting]) -> pl.DataFrame:
        """Returns the rows of the table that are of these settings."""
        if len(settings) == len(self.settings) or not self.keys:
            return self.table
        some = pl.DataFrame(settings, {key: self.table.schema[key] for key in self.keys}, orient="row")
        return self.table.join(some, on=self.keys, how="semi", maintain_order="left")

    def where(self, picks: Sequence[Pick], among: Sequence[Setting] | None = None) -> list[Setting]:
        """Returns the settings at which all `picks` hold, in order.

        Ends, as the most of an axis, are those of all settings at which the other picks on the same key hold.
        """
        among = self.settings if among is None else among
        ends = [pick for pick in picks if pick.how in ("lowest", "most", "fewest", "above the fewest")]
        held = {pick: pick.settings(self, among) for pick in picks if pick not in ends}
        left = [s for s in among if all(s in settings for settings in held.values())]
        for pick in ends:
            own = [settings for other, settings in held.items() if other.axis.column == pick.axis.column]
            chosen = pick.settings(self, [s for s in among if all(s in settings for settings in own)])
            left = [s for s in left if s in chosen]
        return left

    def cells(self, score: Score) -> Cells:
        """Returns a score at every setting that has it."""
        if score not in self._cells:
            self._cells[score] = self._read(score)
        return replace(self._cells[score], level=self.level)

    def _read(self, score: Score) -> Cells:
        if score.of_examples:
            return self._of_examples(score)
        if score.learner == BEST:
            return self._best(score)
        if score.instead:
            own = self.cells(replace(score, instead=()))
            counterparts = {s: self.counterpart(s, score.instead) for s in self.settings}
            return replace(
                own, scores={s: own.scores[counterparts[s]] for s in self.settings if counterparts[s] in own.scores}
            )
        if score.number and score.number.own:
            return self._own(score, score.number)
        condition, position = score.where(self)
        if score.number and condition not in set(self.table["condition"]):
            return Cells({}, 1, measure=self.measure(score))  # a length that was not tested
        rows = final_scores(self.table, condition, learner=score.learner, position=position, score=score.score)
        scores: dict[Setting, dict[int, float]] = {}
        measured = rows.drop_nulls(score.score)  # a view may give a score to some of the runs alone
        for *setting, seed, value in measured.select(*self.keys, "seed", score.score).iter_rows():
            scores.setdefault(tuple(setting), {})[seed] = value
        return Cells(scores, int(rows["examples"].to_numpy().min()), measure=self.measure(score))

    def measure(self, score: Score) -> Measure:
        """Returns the measure of a score: as the table declares it, else as the claim does."""
        declared = measure_of(self.table, score.score)
        if score.measure and declared != score.measure:
            raise RecordError(f"declares {score.score} otherwise than the claim does")
        return declared

    def _own(self, score: Score, number: Number) -> Cells:
        """Returns a score at each setting's own number, if that was tested."""
        scores, examples = {}, []
        for setting in self.settings:
            at = Number(number.axis, 0.0, number.of(self, setting))
            cells = self.cells(replace(score, number=at))
            if setting in cells.scores:
                scores[setting] = cells.scores[setting]
                examples.append(cells.examples)
        return Cells(scores, min(examples, default=1), measure=self.measure(score))

    def _of_examples(self, score: Score) -> Cells:
        """Returns the last value of each run; none if the table has no such score."""
        if score.score not in self.table.columns:
            return Cells({}, 1, measure=self.measure(score))
        rows = self.table.filter(pl.col(score.score).is_not_null(), condition=score.condition, learner=MODEL)
        last = rows.sort("step").group_by(*self.keys, "seed").agg(pl.col(score.score).last())
        scores: dict[Setting, dict[int, float]] = {}
        for *setting, seed, value in last.sort(*self.keys, "seed").iter_rows():
            scores.setdefault(tuple(setting), {})[seed] = value
        examples = int(rows["examples"].to_numpy().min()) if len(rows) else 1
        return Cells(scores, examples, measure=self.measure(score))

    def optimum(self, condition: str, score: str = "exact_match") -> dict[Setting, str]:
        """Returns the learner that is best by a score at every setting: the posterior, or the best baseline."""
        learners = self.table.filter(condition=condition)["learner"].unique().sort()
        cells = {name: self.cells(Score(condition, score=score, learner=name)) for name in learners if name != MODEL}
        best = {}
        for setting in self.settings:
            means = {
                name: float(np.mean([*learner_cells.scores[setting].values()]))
                for name, learner_cells in cells.items()
                if setting in learner_cells.scores
            }
            if means:
                best[setting] = POSTERIOR if POSTERIOR in means else measure_of(self.table, score).best_of(means)
        return best

    def _best(self, score: Score) -> Cells:
        names = self.optimum(score.where(self)[0], score.score)
        by_learner = {name: self.cells(replace(score, learner=name)) for name in sorted(set(names.values()))}
        own = self.cells(replace(score, learner=MODEL))
        return replace(own, scores={s: by_learner[name].scores[s] for s, name in names.items()})

    def rise(self, score: Score) -> dict[Setting, float]:
        """Returns the final mean minus that at the last evaluation before the last quarter; minus 0 if there was none.

        It returns 0 if scores are made up.
        """
        if self._made:
            return dict.fromkeys(self.settings, 0.0)
        rows = self.table.filter(pl.col("position").is_null(), condition=score.condition, learner=MODEL)
        early = rows.filter(pl.col("step") <= 0.75 * pl.col("step").max().over("run")).sort("step")
        name = score.score
        before = early.group_by("run", *self.keys).agg(pl.col(name).last()).group_by(self.keys).agg(pl.col(name).mean())
        known = {tuple(setting): value for *setting, value in before.select(*self.keys, name).iter_rows()}
        cells = self.cells(score)
        return {s: cells.estimate(s) - (known.get(s) or 0.0) for s in cells.scores}

    def format_setting(self, setting: Setting) -> str:
        """Formats a setting by the axes that vary."""
        varied = [a for i, a in enumerate(self.axes) if len({s[i] for s in self.settings}) > 1] or self.axes
        return ", ".join(axis.format_value(self.value(axis, setting)) for axis in varied)

    def format_cells(self, setting: Setting) -> list[str]:
        """Formats the values of all axes at a setting for a row, without those that are one in the whole table."""
        return [axis.format_cell(self.value(axis, setting)) for axis in self.axes if not axis.single]
