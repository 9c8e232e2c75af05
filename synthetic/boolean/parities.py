"""Parities: true if an odd number of the relevant variables are 1 (arXiv 2310.03016). Inputs are uniform."""

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
    """Families of parities share labels and learners."""

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Counts modulo 2."""
        return jax.lax.population_count(pack(function == 1) & x_MxW).sum(-1) % 2 == 1

    def says(self, function: list[int], x: list[int]) -> bool:
        """Takes a plain sum modulo 2."""
        return sum(v == 1 for d, v in zip(function, x, strict=True) if d) % 2 == 1

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns Gaussian elimination."""
        return {"gaussian_elimination": learners.gaussian_elimination}


class Parity(Parities):
    """Has all subsets of variables, equally likely."""

    @property
    def radices(self) -> list[int]:
        """Returns 2 values a variable: irrelevant or relevant."""
        return [2] * self.n

    @property
    def size(self) -> int:
        """Returns the number of subsets."""
        return 2**self.n

    def unrank(self, rank: jax.Array) -> jax.Array:
        """Returns the number's bits."""
        return (rank >> jnp.arange(self.n)) & 1


class SparseParity(Subsets, Parities):
    """Has two relevant variables, all pairs equally likely."""

    sparse: ClassVar[int | None] = 2
    taught: ClassVar[bool] = True

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """Returns, for each relevant variable in turn, a point in which it alone is 1, so odd.

        The number of relevant variables is known.
        """
        shown = (jnp.arange(points)[:, None] == jnp.cumsum(function) - 1) & (function == 1)
        return pack(shown), function.sum()

    def longest_teaching(self, density: float) -> int:
        """Returns one point for each relevant variable."""
        return self.relevant
