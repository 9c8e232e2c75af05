"""Functions that compare a weighted sum of the variables with a threshold (arXiv 2310.03016). Inputs are uniform.

If the sum equals the threshold the paper's offset of a half decides: a tie is not above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from synthetic.boolean import learners
from synthetic.boolean.family import PRIME, Family, Learner, chosen
from synthetic.boolean.packed import unpack
from synthetic.draws import below


class Linear(Family):
    """Is true where sum_v w_v x_v >= threshold; subclasses decide which integers the digits stand for."""

    largest: ClassVar[int]  # absolute weight

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns (weights int32[n], the least sum at which the function is true)."""
        raise NotImplementedError

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Sums the law of the weighted sum, in the field, over the sums at which the function is true.

        The law is built variable by variable.
        """
        weights, threshold = self.weights(function)
        reach = self.largest * self.n
        sums = jnp.arange(-reach, reach + 1)

        def add(law: jax.Array, variable: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            weight, up = variable
            padded = jnp.pad(law, self.largest)
            raised = jax.lax.dynamic_slice(padded, (self.largest - weight,), law.shape)
            lowered = jax.lax.dynamic_slice(padded, (self.largest + weight,), law.shape)
            return (raised * up % PRIME + lowered * (PRIME + 1 - up) % PRIME) % PRIME, None

        law, _ = jax.lax.scan(add, (sums == 0).astype(jnp.uint32), (weights, point))
        return jnp.where(sums >= threshold, law, 0).sum() % PRIME

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Compares float32 sums, in which small integers are exact."""
        weights, threshold = self.weights(function)
        return (unpack(x_MxW, self.n) * weights.astype(jnp.float32)).sum(-1) >= threshold

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns half-spaces that are fitted to the examples."""
        return {"perceptron": learners.perceptron, "max_margin": learners.max_margin}


class Majority(Linear):
    """Takes the majority of some variables; each is among them with probability 0.3."""

    density: ClassVar[float | None] = 0.3
    least: ClassVar[int] = 4
    neighbours: ClassVar[int] = 1
    largest: ClassVar[int] = 1

    @property
    def radices(self) -> list[int]:
        """Returns 2 values a variable: not among them or among them."""
        return [2] * self.n

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws variables independently."""
        return chosen(bits, density).astype(jnp.int32)

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns weight 1 for the variables among them."""
        return function, jnp.int32(1)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Compares a plain sum."""
        return sum(d * v for d, v in zip(function, x, strict=True)) > 0.5

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of independent variables."""
        return function.sum() * (jnp.log(density) - jnp.log1p(-density))


class Threshold(Linear):
    """Has weights 0, 1 and -1 with probabilities 0.7, 0.15, 0.15; the threshold is uniform over -2.5, -1.5 ... 2.5."""

    density: ClassVar[float | None] = 0.3
    least: ClassVar[int] = 2
    largest: ClassVar[int] = 1

    @property
    def radices(self) -> list[int]:
        """Returns 3 values a variable, weights 0, 1 and -1, and 6 for the threshold."""
        return [3] * self.n + [6]

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws variables and the threshold independently."""
        weights = jnp.where(chosen(bits, density), 1 + (bits & 1).astype(jnp.int32), 0)
        return weights.at[self.n].set(below(bits[self.n], 6))

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns b as the least sum, because integer sums are above b - 0.5 from b on."""
        return jnp.array([0, 1, -1])[function[: self.n]], function[self.n] - 2

    def says(self, function: list[int], x: list[int]) -> bool:
        """Compares a plain sum."""
        *digits, b = function
        return sum((0, 1, -1)[d] * v for d, v in zip(digits, x, strict=True)) > b - 2.5

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of independent variables."""
        return (function[: self.n] > 0).sum() * (jnp.log(density / 2) - jnp.log1p(-density))


class HalfSpace(Linear):
    """Has weights uniform over the integers from -3 to 3."""

    largest: ClassVar[int] = 3

    @property
    def radices(self) -> list[int]:
        """Returns 7 weights a variable."""
        return [7] * self.n

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws weights uniformly."""
        return below(bits, 7)

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the digits minus 3."""
        return function - 3, jnp.int32(1)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Compares a plain sum."""
        return sum((d - 3) * v for d, v in zip(function, x, strict=True)) > 0.5
