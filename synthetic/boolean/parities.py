"""Parities: true where an odd number of the relevant variables are 1 (arXiv 2310.03016). Inputs are uniform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from synthetic.boolean import learners
from synthetic.boolean.family import Counted, Learner
from synthetic.boolean.packed import pack
from synthetic.boolean.terms import Subsets


class Parities(Counted):
    """Families of parities."""

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Modulo 2."""
        return jax.lax.population_count(pack(function == 1) & x_MxW).sum(-1) % 2 == 1

    def says(self, function: list[int], x: list[int]) -> bool:
        """A sum."""
        return sum(v == 1 for d, v in zip(function, x, strict=True) if d) % 2 == 1

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Gaussian elimination."""
        return {"gaussian_elimination": learners.gaussian_elimination}


class Parity(Parities):
    """All subsets of variables, equally likely."""

    @property
    def radices(self) -> list[int]:
        """Irrelevant or relevant."""
        return [2] * self.n

    @property
    def size(self) -> int:
        """Every subset."""
        return 2**self.n

    def unrank(self, rank: jax.Array) -> jax.Array:
        """The number's bits."""
        return (rank >> jnp.arange(self.n)) & 1


class SparseParity(Subsets, Parities):
    """Two relevant variables, all pairs equally likely."""

    sparse: ClassVar[int | None] = 2
    taught: ClassVar[bool] = True

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """For each relevant variable in turn, a point in which it alone is 1, so odd. Their number is known."""
        shown = (jnp.arange(points)[:, None] == jnp.cumsum(function) - 1) & (function == 1)
        return pack(shown), function.sum()

    def longest_teaching(self, density: float) -> int:
        """One for each relevant variable."""
        return self.relevant
