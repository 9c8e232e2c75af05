"""The label of the most similar earlier point (arXiv 2310.03016). Inputs are uniform.

Only the first `start` points have labels of their own, by fair coins. These points are what is drawn, and held out, as
a function. If one of them repeats an earlier point, it has that point's label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from synthetic.boolean import learners
from synthetic.boolean.family import PRIME, Family, Learner
from synthetic.boolean.packed import pack, unpack
from synthetic.draws import below


class NearestNeighbour(Family):
    """Takes for digits the first points and their labels, a point's label after its coordinates."""

    least: ClassVar[int] = 1
    neighbours: ClassVar[int] = 1

    def __init__(self, n: int, relevant: int = 0, start: int = 0):
        super().__init__(n, relevant, start)
        self.first_asked = start

    @property
    def radices(self) -> list[int]:
        """Returns 2 values of each coordinate and label."""
        return [2] * (self.start * (self.n + 1))

    @property
    def size(self) -> int:
        """Returns the number of ways to choose points with labels."""
        return 2 ** min(64, self.start * (self.n + 1))

    def _points(self, function: jax.Array) -> tuple[jax.Array, jax.Array]:
        rows = function.reshape(self.start, self.n + 1)
        return rows[:, :-1], rows[:, -1]

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws fair coins, except for the labels of repeated points."""
        rows = below(bits, 2).reshape(self.start, self.n + 1)
        x = rows[:, :-1]
        first = jnp.argmax((x[:, None] == x).all(-1), -1)  # of those equal to a point, itself included
        return rows.at[:, -1].set(rows[first, -1]).reshape(-1)

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Returns the polynomial with these digits as coefficients at the point's first coordinate (Horner's rule)."""

        def step(value: jax.Array, digit: jax.Array) -> tuple[jax.Array, None]:
            return (value * point[0] + digit.astype(jnp.uint32)) % PRIME, None

        return jax.lax.scan(step, jnp.uint32(1), function)[0]

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Follows each point to its neighbour, and that one to its own, until one of the first points is reached."""
        count = x_MxW.shape[0]
        place = jnp.arange(count)
        neighbour = jnp.where(place < self.start, place, learners.nearest(unpack(x_MxW, self.n)))
        for _ in range((count - 1).bit_length()):
            neighbour = neighbour[neighbour]
        return self._points(function)[1][neighbour] == 1

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Puts the function's points first."""
        return jax.lax.dynamic_update_slice(x_MxW, pack(self._points(function)[0] == 1), (0, 0))

    def answers(self, function: list[int], points: list[list[int]], labels: list[bool]) -> list[bool]:
        """Uses `max`, which returns the first of several; the labels of the first points are the prompt's."""
        known = labels[: self.start]
        for i in range(self.start, len(points)):
            similar = [sum(a == b for a, b in zip(points[i], points[j], strict=True)) for j in range(i)]
            known.append(known[max(range(i), key=similar.__getitem__)])
        return known[self.start :]

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns the rule itself."""
        return {"most_similar": learners.most_similar}
