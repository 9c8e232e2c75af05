"""Names the parts of a criterion: axes and some of their values, and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.judging.frame import MODEL
from experiments.judging.measures import SHARE, Measure

if TYPE_CHECKING:
    from experiments.judging.grid import Grid
    from experiments.judging.quantities import Arm, Difference

Setting = tuple[Any, ...]  # values of the swept keys, in the order of the table
How = Literal["most", "fewest", "above the fewest", "at", "other than", "between", "some", "no", "lowest"]
BEST = "best"  # the learner of a score of the optimum: the posterior where there is one, else the best baseline
POSTERIOR = "bayes"
WORDS: Mapping[str, Any] = {"words": True}  # fields that change no verdict: a criterion's hash leaves them out


@dataclass(frozen=True)
class Axis:
    """A swept key as a criterion reads it: by its own values, or by the typed columns of the arms that it names.

    noun: the things that its values count. ends: words for the smallest and the largest. value: a format, or a function
    of the value, for a table's rows. said: the format of a value in a sentence. names: words for single values. tried:
    values of a made-up grid; for an axis of named arms also the values that each arm sets. reads: makes the value of
    the typed columns' values. order: the rank of a value, if that is not the value itself. single: the table must have
    one value only, which no row names.
    """

    column: str
    noun: str = field(default="", metadata=WORDS)
    tried: Mapping[Any, Mapping[str, Any]] | tuple[Any, ...] = field(default=(), hash=False, metadata=WORDS)
    ends: tuple[str, str] = field(default=("fewest", "most"), metadata=WORDS)
    value: str | Callable[..., str] = field(default="{:,}", metadata=WORDS)
    said: str | Callable[..., str] = field(default="", hash=False, metadata=WORDS)
    names: Mapping[Any, str] = field(default_factory=dict, hash=False, metadata=WORDS)
    typed: tuple[str, ...] = ()
    reads: Callable[..., Any] | None = None
    order: Mapping[Any, float] | Callable[..., Any] = field(default_factory=dict, hash=False)
    single: bool = False

    @property
    def most(self) -> Pick:
        """Picks the largest value in the table."""
        return Pick(self, "most")

    @property
    def fewest(self) -> Pick:
        """Picks the smallest value in the table."""
        return Pick(self, "fewest")

    @property
    def above_fewest(self) -> Pick:
        """Picks every value but the smallest."""
        return Pick(self, "above the fewest")

    @property
    def some(self) -> Pick:
        """Picks every value that is set and is not zero."""
        return Pick(self, "some")

    @property
    def none(self) -> Pick:
        """Picks no value, or zero."""
        return Pick(self, "no")

    def at(self, *values: Any) -> Pick:
        """Picks these values."""
        return Pick(self, "at", values)

    def but(self, *values: Any) -> Pick:
        """Picks all values but these."""
        return Pick(self, "other than", values)

    def between(self, low: float, high: float) -> Pick:
        """Picks the values above `low` and below `high`."""
        return Pick(self, "between", (low, high))

    def lowest(self, score: Score) -> Pick:
        """Picks the value with the lowest mean of `score`."""
        return Pick(self, "lowest", (score,))

    def through(self, *typed: str, **other: Any) -> Axis:
        """Returns this axis read by the typed columns `typed` of its arms. `other`: further fields to replace."""
        return replace(self, typed=typed, **other)

    def tried_at(self, *values: Any) -> Axis:
        """Returns this axis with other values of a made-up grid."""
        return replace(self, tried=values)

    def rank(self, value: Any) -> Any:
        """Returns the number by which values are ordered."""
        if callable(self.order):
            return self.order(*value) if isinstance(value, tuple) else self.order(value)
        return self.order.get(value, value)

    def format_cell(self, value: Any) -> str:
        """Formats a value for a table's row."""
        if value in self.names:
            return self.names[value]
        values = value if isinstance(value, tuple) else (value,)
        if callable(self.value):
            return self.value(*values)
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        return self.value.format(*values) if numbers or self.value != "{:,}" else ", ".join(map(_plain, values))

    def format_value(self, value: Any) -> str:
        """Formats a value for a sentence."""
        if value in self.names:
            return self.names[value]
        if callable(self.said):
            return self.said(value)
        counted = isinstance(value, int | float) and not isinstance(value, bool)
        return (self.said or (f"{{}} {self.noun}" if self.noun and counted else "{}")).format(self.format_cell(value))


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("_", " ")


@dataclass(frozen=True)
class Pick:
    """Some values of an axis."""

    axis: Axis
    how: How
    values: tuple[Any, ...] = ()
    name: str | None = field(default=None, metadata=WORDS)

    def named(self, name: str) -> Pick:
        """Returns the same values under another name; an empty name is left out of sentences."""
        return replace(self, name=name)

    def settings(self, grid: Grid, among: Sequence[Setting]) -> set[Setting]:
        """Returns the settings of `among` with these values; the ends are those of `among`."""
        values = {setting: grid.value(self.axis, setting) for setting in among}
        known = [value for value in values.values() if value is not None]
        ranks = [self.axis.rank(value) for value in known]
        if self.how in ("most", "fewest", "above the fewest"):
            if not ranks:
                return set()
            end = max(ranks) if self.how == "most" else min(ranks)
            away = self.how == "above the fewest"
            return {s for s, v in values.items() if v is not None and (self.axis.rank(v) == end) is not away}
        if self.how == "lowest":
            means = {s: grid.cells(self.values[0]).estimate(s) for s, v in values.items() if v}
            return {min(means, key=lambda s: (means[s], str(s)))} if means else set()
        tests: dict[str, Callable[[Any], bool]] = {
            "at": lambda value: value in self.values,
            "other than": lambda value: value not in self.values,
            "between": lambda value: value is not None and self.values[0] < value < self.values[1],
            "some": lambda value: value not in (None, 0),
            "no": lambda value: value in (None, 0),
        }
        return {setting for setting, value in values.items() if tests[self.how](value)}

    def words(self, grid: Grid | None = None) -> str:
        """Formats the values: those in the table if one is given, else the way they are picked."""
        axis = self.axis
        if self.name is not None:
            return self.name
        if self.how in ("most", "fewest", "lowest") and grid is not None:
            values = {grid.value(axis, s) for s in self.settings(grid, grid.settings)}
            return axis.format_value(next(iter(values))) if len(values) == 1 else self.words()
        if self.how in ("most", "fewest"):
            return f"the {axis.ends[self.how == 'most']} {axis.noun}"
        if self.how == "at":
            return " or ".join(map(axis.format_value, self.values))
        if self.how == "lowest":
            return f"the {axis.noun} with the lowest {self.values[0].words}"
        return {
            "above the fewest": f"more than the {axis.ends[0]} {axis.noun}",
            "other than": f"other than {' or '.join(map(axis.format_value, self.values))}",
            "between": axis.noun,
            "some": axis.noun,
            "no": f"no {axis.noun}",
        }[self.how]


@dataclass(frozen=True)
class Number:
    """A whole number that follows from the largest value of an axis: that times `times`, rounded, plus `plus`.

    own: it follows from each setting's own value instead. said: its format in a sentence.
    """

    axis: Axis
    times: float = 1.0
    plus: int = 0
    own: bool = False
    said: str = field(default="length {:,}", metadata=WORDS)

    def of(self, grid: Grid, setting: Setting | None = None) -> int:
        """Returns the number in a table, or at a setting if each has its own."""
        settings = [setting] if self.own and setting else grid.settings
        return round(self.times * max(grid.value(self.axis, s) for s in settings)) + self.plus

    def words(self, grid: Grid | None = None) -> str:
        """Formats the number: its value in a table, or how it follows from the axis."""
        if grid is not None and not self.own:
            return self.said.format(self.of(grid))
        times = f"{self.times:g} times " if self.times != 1 else ""
        longest = "" if self.axis.single or self.own else f"{self.axis.ends[1]} "
        return f"{times}the {longest}{self.axis.noun}{f' + {self.plus}' if self.plus else ''}"


@dataclass(frozen=True)
class Score:
    """A score at the end of training: of a learner on a condition, over all positions or at one.

    words: its name in a sentence. number: fills the {} of the condition, or is the position. of_examples: it is a fact
    of the examples themselves, so a run has it even if it diverged before its end. instead: values that replace a
    setting's own, so that the score of another setting stands beside it. measure: what the score is, if it is no share
    of examples; the records must declare the same.
    """

    condition: str
    words: str = field(default="exact match", metadata=WORDS)
    score: str = "exact_match"
    learner: str = MODEL
    number: Number | None = None
    positional: bool = False
    of_examples: bool = False
    instead: tuple[Pick, ...] = ()
    measure: Measure | None = None

    @property
    def kind(self) -> Measure:
        """Returns what the score is, a share unless the claim says otherwise."""
        return self.measure or SHARE

    def at(self, *picks: Pick) -> Arm:
        """Returns the mean of the score over the settings where all `picks` hold."""
        from experiments.judging.quantities import Arm

        return Arm(self, picks)

    def __sub__(self, other: Score) -> Difference:
        """Returns this score minus another, over all settings of the table."""
        return self.at() - other.at()

    def where(self, grid: Grid, setting: Setting | None = None) -> tuple[str, int | None]:
        """Returns condition and position in a table, or at a setting if each has its own."""
        number = self.number.of(grid, setting) if self.number else None
        return self.condition.format(number), number if self.positional else None

    def format_label(self, name: str, grid: Grid) -> str:
        """Formats a column's or a series' name; {} stands for the score's number in a table."""
        return name.format(self.number.of(grid)) if self.number else name

    def format_name(self, grid: Grid | None = None) -> str:
        """Formats the score with its number."""
        return self.words.format(self.number.words(grid)) if self.number else self.words
