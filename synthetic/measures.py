"""Measures: the scores of a model, with their bounds, which way is better, and what a lost run gets.

Every task is measured by its head (`Head.measures`). A task adds measures of its own in `Task.measures`:

    def measures(self):
        def surplus(example, outputs):
            return outputs[-1, 1] - outputs[-1, 0], example.targets[-1]

        def area(surplus, label): ...  # over all examples at once

        return (Measured(Measure("auc", lost=0.5), surplus, area),)

`Measure` knows nothing of JAX, so that records can be judged where there is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The other entries of a row of metrics, and the columns of a record.
RESERVED = (
    *("study", "run", "seed", "step", "final", "learner", "condition", "position", "examples", "curve", "train_loss"),
    *("status", "device", "versions", "commit", "date", "settings", "criterion", "measures"),
)


@dataclass(frozen=True)
class Measure:
    """The declaration of a score.

    name: its key in a run's metrics. low, high: inclusive bounds, None where there is none. better: `higher` or
    `lower`. lost: what a run that diverged gets, by default the worst bound; None where that is none, so that such a
    run is worse than any number. share: whether it is the share of examples that have a property, so that the interval
    of a share suits it. doc: the measure in words. Raises ValueError for a declaration that contradicts itself.
    """

    name: str
    low: float | None = 0.0
    high: float | None = 1.0
    better: str = "higher"
    lost: float | None = None
    share: bool = False
    doc: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"measure {self.name!r}: a name has small letters, digits and underscores")
        if self.better not in ("higher", "lower"):
            raise ValueError(f"measure {self.name}: better is higher or lower, got {self.better!r}")
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if not all(map(math.isfinite, bounds)) or sorted(set(bounds)) != bounds:
            raise ValueError(f"measure {self.name}: bounds are finite and rise, got {self.low} and {self.high}")
        if self.share and bounds != [0, 1]:
            raise ValueError(f"measure {self.name}: a share is from 0 to 1, got {self.low} to {self.high}")
        if self.lost is None:
            object.__setattr__(self, "lost", self.low if self.better == "higher" else self.high)
        elif not self.admits(self.lost):
            raise ValueError(f"measure {self.name}: lost is outside its bounds: {self.lost}")

    def admits(self, value: float) -> bool:
        """Returns whether a value is a finite number within the bounds."""
        above, below = self.low is None or value >= self.low, self.high is None or value <= self.high
        return math.isfinite(value) and above and below

    def declaration(self) -> dict[str, Any]:
        """Returns what a record says of the measure, as plain values."""
        return {"low": self.low, "high": self.high, "better": self.better, "lost": self.lost, "share": self.share}


EXACT_MATCH = Measure("exact_match", share=True, doc="share of examples whose every answer is right")
TOKEN_ACCURACY = Measure("token_accuracy", doc="share of positions whose answer is right")
NLL = Measure("nll", high=None, better="lower", doc="nats a position of the right answer under the softmax of outputs")
SQUARED_ERROR = Measure("squared_error", high=None, better="lower", doc="mean square of a number's error")
# Their declarations are known, so that no record repeats them.
STANDARD = (EXACT_MATCH, TOKEN_ACCURACY, NLL)


@dataclass(frozen=True)
class Measured:
    """A measure of a task's own, and how it is read from a model's outputs; both functions are traceable.

    read(example, outputs float32[T, outputs]): small arrays of one example, an array or a tuple of these.
    captures: names of activations (see `models.taps`) that `read` is given behind the outputs, in this order, or None
        in the place of one that the model lacks.
    reduce(*values): the score, a scalar, of all examples at once; each of `values` has a leading axis of examples, in
    the order in which they were drawn. None is the mean of the one array that `read` returns.
    """

    measure: Measure
    read: Callable[..., Any]
    reduce: Callable[..., Any] | None = None
    captures: tuple[str, ...] = ()

    def of(self, values: Any) -> Any:
        """Returns the score of what was read of all examples."""
        values = values if isinstance(values, tuple) else (values,)
        return self.reduce(*values) if self.reduce else values[0].mean()


def measures_of(task: Any) -> dict[str, Measure]:
    """Returns the measures of a `Task` by name: its head's, then its own.

    Raises ValueError if two have one name, or one has a name that records use otherwise.
    """
    measures = [*task.spec.head.measures, *(one.measure for one in task.measures())]
    names = [measure.name for measure in measures]
    for name in names:
        if names.count(name) > 1 or name in RESERVED:
            why = "is there twice" if names.count(name) > 1 else "has a name that records use"
            raise ValueError(f"{type(task).__name__}: the measure {name} {why}")
    return {measure.name: measure for measure in measures}


def declarations(task: Any) -> dict[str, dict[str, Any]]:
    """Returns what a record says of a task's measures, by name, without those of `STANDARD`."""
    standard = {measure.name for measure in STANDARD}
    return {name: measure.declaration() for name, measure in measures_of(task).items() if name not in standard}
