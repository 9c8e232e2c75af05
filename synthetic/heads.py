"""Heads: what a task's targets are, how wide a model's output is for them, what it says, and whether that is right.

A head is a static value of a task's `Spec`. The losses that it allows are named here and computed by the engine; the
first is the default.

    Classes(10)               int32[T] targets; the output is a logit per class
    Numbers(3)                float32[T, 3] targets; the output is the numbers themselves
    Places()                  int32[T] targets, positions of the inputs; the output is a logit per position
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from synthetic.measures import EXACT_MATCH, NLL, SQUARED_ERROR, TOKEN_ACCURACY, Measure


@dataclass(frozen=True)
class Head:
    """The base of heads. All functions take single examples or batches: leading axes are free."""

    losses: ClassVar[tuple[str, ...]] = ()
    dtype: ClassVar[Any] = jnp.int32  # of the targets
    discrete: ClassVar[bool] = True  # whether outputs are logits over answers, from which one is chosen
    error: ClassVar[Measure] = NLL  # how far outputs are from targets, as a mean over positions

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Returns the measures that every task with this head has."""
        return EXACT_MATCH, TOKEN_ACCURACY, self.error

    def outputs(self, places: int) -> int:
        """Returns the width of a model's output at a position; `places` is the number of positions to point at."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Returns the shape of the target at one position."""
        return ()

    def says(self, outputs: jax.Array) -> jax.Array:
        """Returns the answers of outputs float32[..., T, W]: for logits the likeliest, int32[..., T]."""
        return jnp.argmax(outputs, -1)

    def right(self, answers: jax.Array, targets: jax.Array) -> jax.Array:
        """Returns whether the answer at each position is right, bool[..., T]."""
        return answers == targets


@dataclass(frozen=True)
class Classes(Head):
    """Targets are int32[T] classes from 0 to `number` - 1, and outputs are logits."""

    number: int
    losses: ClassVar[tuple[str, ...]] = ("softmax", "stablemax", "squared", "perceptron")

    def outputs(self, places: int) -> int:
        """Returns the number of classes."""
        return self.number


@dataclass(frozen=True)
class Numbers(Head):
    """Targets are float32[T, width] numbers; an answer is right if none is off by more than `tolerance`."""

    width: int = 1
    tolerance: float = 0.1
    losses: ClassVar[tuple[str, ...]] = ("squared",)
    dtype: ClassVar[Any] = jnp.float32
    discrete: ClassVar[bool] = False
    error: ClassVar[Measure] = SQUARED_ERROR

    def outputs(self, places: int) -> int:
        """Returns how many numbers a target has."""
        return self.width

    @property
    def shape(self) -> tuple[int, ...]:
        """Returns the shape of the target at one position."""
        return (self.width,)

    def says(self, outputs: jax.Array) -> jax.Array:
        """Returns the outputs themselves, float32[..., T, width]."""
        return outputs

    def right(self, answers: jax.Array, targets: jax.Array) -> jax.Array:
        """Returns whether all numbers of a position are within the tolerance, bool[..., T]."""
        return (jnp.abs(answers - targets) <= self.tolerance).all(-1)


@dataclass(frozen=True)
class Places(Head):
    """Targets are int32[T] positions of the inputs, counted from 0, and outputs are a logit for each position.

    The positions are those of the spec's source if it has one, else all.
    """

    losses: ClassVar[tuple[str, ...]] = ("softmax", "stablemax", "squared", "perceptron")

    def outputs(self, places: int) -> int:
        """Returns the number of positions to point at."""
        return places
