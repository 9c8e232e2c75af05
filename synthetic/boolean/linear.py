"""Functions that compare a weighted sum of the variables with a threshold (arXiv 2310.03016). Inputs are uniform.

Where the sum is equal to the threshold the paper's offset of a half decides: a tie is not above it.
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
    """True where sum_v w_v x_v >= threshold; subclasses say which integers the digits stand for."""

    largest: ClassVar[int]  # absolute weight

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(weights int32[n], the least sum at which it is true)."""
        raise NotImplementedError

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """The weighted sum's law in the field, variable by variable, summed over where the function is true."""
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
        """Small integers are exact in float32."""
        weights, threshold = self.weights(function)
        return (unpack(x_MxW, self.n) * weights.astype(jnp.float32)).sum(-1) >= threshold

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Half-spaces that are fitted to the examples."""
        return {"perceptron": learners.perceptron, "max_margin": learners.max_margin}


class Majority(Linear):
    """The majority of some variables; each is among them with probability 0.3."""

    density: ClassVar[float | None] = 0.3
    least: ClassVar[int] = 4
    neighbours: ClassVar[int] = 1
    largest: ClassVar[int] = 1

    @property
    def radices(self) -> list[int]:
        """Not among them or among them."""
        return [2] * self.n

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Variables are independent."""
        return chosen(bits, density).astype(jnp.int32)

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Of those among them 1."""
        return function, jnp.int32(1)

    def says(self, function: list[int], x: list[int]) -> bool:
        """A sum."""
        return sum(d * v for d, v in zip(function, x, strict=True)) > 0.5

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Of independent variables."""
        return function.sum() * (jnp.log(density) - jnp.log1p(-density))


class Threshold(Linear):
    """Weights 0, 1 and -1 with probabilities 0.7, 0.15 and 0.15; threshold uniform over -2.5, -1.5 ... 2.5."""

    density: ClassVar[float | None] = 0.3
    least: ClassVar[int] = 2
    largest: ClassVar[int] = 1

    @property
    def radices(self) -> list[int]:
        """Weights 0, 1, -1, and the threshold."""
        return [3] * self.n + [6]

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Variables and the threshold are independent."""
        weights = jnp.where(chosen(bits, density), 1 + (bits & 1).astype(jnp.int32), 0)
        return weights.at[self.n].set(below(bits[self.n], 6))

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Integer sums are above b - 0.5 from b on."""
        return jnp.array([0, 1, -1])[function[: self.n]], function[self.n] - 2

    def says(self, function: list[int], x: list[int]) -> bool:
        """A sum."""
        *digits, b = function
        return sum((0, 1, -1)[d] * v for d, v in zip(digits, x, strict=True)) > b - 2.5

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Of independent variables."""
        return (function[: self.n] > 0).sum() * (jnp.log(density / 2) - jnp.log1p(-density))


class HalfSpace(Linear):
    """Weights uniform over the integers from -3 to 3."""

    largest: ClassVar[int] = 3

    @property
    def radices(self) -> list[int]:
        """Seven weights."""
        return [7] * self.n

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Uniform."""
        return below(bits, 7)

    def weights(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The digit less 3."""
        return function - 3, jnp.int32(1)

    def says(self, function: list[int], x: list[int]) -> bool:
        """A sum."""
        return sum((d - 3) * v for d, v in zip(function, x, strict=True)) > 0.5
