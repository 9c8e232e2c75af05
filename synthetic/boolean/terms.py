"""Conjunctions and disjunctions, of literals or of variables only (arXiv 2310.03016).

A conjunction is true where all its literals are, and the empty one everywhere. A disjunction is false where all are
false, and the empty one everywhere. Inputs are uniform, but a share of them is planted: all relevant variables are
overwritten, so that the conjunction is true, or the disjunction false.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.boolean import bayes, learners
from synthetic.boolean.family import (
    HYPOTHESES,
    LARGEST,
    PRIME,
    Counted,
    Family,
    Learner,
    chosen,
    literal_values,
    most,
    product,
)
from synthetic.boolean.packed import Literals, pack


class Conjunction(Family):
    """Leaves each variable out with probability 0.7; it is a literal with 0.15, negated with 0.15."""

    density: ClassVar[float | None] = 0.3
    planted: ClassVar[tuple[float, float] | None] = (0.3, 0.4)
    taught: ClassVar[bool] = True
    neighbours: ClassVar[int] = 1
    negated: ClassVar[bool] = True  # whether literals may be negated
    lead: ClassVar[int] = 2  # positive points that a teaching sequence begins with

    @property
    def radices(self) -> list[int]:
        """Returns 3 values a variable: absent, present, negated; 2 if no literal is negated."""
        return [2 + self.negated] * self.n

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws variables independently."""
        sign = 1 + (bits & 1).astype(jnp.int32) if self.negated else 1
        return jnp.where(chosen(bits, density), sign, 0)

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Returns the product over literals."""
        return product(literal_values(point, function == 1, function == 2))

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Returns whether no literal is false."""
        return Literals.of(function).hold(x_MxW)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Returns `all`."""
        return all(v == (1 if d == 1 else -1) for d, v in zip(function, x, strict=True) if d)

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Makes planted points satisfy all literals."""
        return Literals.of(function).satisfy(x_MxW, planted_M)

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """Returns the density of planted points, which are uniform where the conjunction is true."""
        return jnp.where(self.label(function, x_MxW), 2.0 ** (function > 0).sum(), 0.0)

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """Returns positives, then one negative for each literal, literals before negated ones; see `taught`.

        Irrelevant variables are -1, except in the second point, where they are 1: together the two positives show which
        variables are irrelevant. (Monotone conjunctions need no second, for -1 already shows that.)
        """
        present, negated = function == 1, function == 2
        at = jnp.where(present, jnp.cumsum(present), present.sum() + jnp.cumsum(negated)) - 1 + self.lead
        x_MxN = taught(function, at, points)
        if self.lead == 2:
            x_MxN |= (jnp.arange(points) == 1)[:, None] & (function == 0)
        return pack(x_MxN), self.lead + (function > 0).sum()

    def longest_teaching(self, density: float) -> int:
        """Applies the binomial law of the number of literals."""
        return self.lead + most(self.n, density)

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of independent variables."""
        return (function > 0).sum() * self._odds(density)

    def _odds(self, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the odds of one literal against none."""
        return jnp.log(density / (1 + self.negated)) - jnp.log1p(-density)

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns literal elimination, and the posterior by weighted samples of conjunctions."""
        log_prior = jnp.arange(self.n + 1) * self._odds(density)

        def posterior(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
            return bayes.of_terms(x_MxN, y_M, log_prior, planted, negated=self.negated)

        def elimination(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
            return learners.eliminate(x_MxN, y_M, negated=self.negated)

        return {"elimination": elimination, "bayes": posterior}


class MonotoneConjunction(Conjunction):
    """Has each variable with probability 0.3, never negated."""

    least: ClassVar[int] = 4
    negated: ClassVar[bool] = False
    lead: ClassVar[int] = 1


def _of_the_negation(learner: Learner, *, flip: bool) -> Learner:
    """Returns a learner of disjunctions, made from a learner of the conjunctions that they negate."""

    def learn(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
        return 1 - learner(-x_MxN if flip else x_MxN, ~y_M)

    return learn


class Disjunction(Family):
    """Draws variables as conjunctions do. It is the negation of the conjunction of its literals' negations."""

    density: ClassVar[float | None] = 0.3
    planted: ClassVar[tuple[float, float] | None] = (0.3, 0.3)
    neighbours: ClassVar[int] = 1

    @property
    def radices(self) -> list[int]:
        """Returns 3 values a variable: absent, present, negated."""
        return [3] * self.n

    def _negation(self) -> Conjunction:
        return Conjunction(self.n)

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws variables independently."""
        return self._negation().draw(bits, density)

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Returns 1 minus the negation's value."""
        return (PRIME + 1 - product(literal_values(point, function == 2, function == 1))) % PRIME

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Returns whether some literal is true."""
        return ~Literals.of(function).opposite.hold(x_MxW)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Returns `any`."""
        return any(v == (1 if d == 1 else -1) for d, v in zip(function, x, strict=True) if d)

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Makes planted points falsify all literals."""
        return Literals.of(function).opposite.satisfy(x_MxW, planted_M)

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """Returns the density of planted points, which are uniform where the disjunction is false."""
        return jnp.where(self.label(function, x_MxW), 0.0, 2.0 ** (function > 0).sum())

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of independent variables."""
        return self._negation().log_prior(function, density)

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns the learners of the negation."""
        of_negation = self._negation().learners(density, planted)
        return {name: _of_the_negation(learner, flip=False) for name, learner in of_negation.items()}


class Subsets(Counted):
    """Families whose functions are the sets of `relevant` variables, all equally likely."""

    @property
    def radices(self) -> list[int]:
        """Returns 2 values a variable: absent or present."""
        return [2] * self.n

    @property
    def size(self) -> int:
        """Returns the binomial coefficient."""
        return math.comb(self.n, self.relevant)

    def unrank(self, rank: jax.Array) -> jax.Array:
        """Uses the combinatorial number system: the largest variable v with comb(v, k) <= rank, and so on below it."""
        binomials = np.array([[min(math.comb(v, k), LARGEST) for k in range(self.relevant + 1)] for v in range(self.n)])

        def take(state: tuple[jax.Array, jax.Array], row: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            rank, left = state
            taken = (left > 0) & (rank >= row[left])
            return (rank - taken * row[left], left - taken), taken

        start = (rank, jnp.int32(self.relevant))
        _, taken = jax.lax.scan(take, start, jnp.asarray(binomials, jnp.int32), reverse=True)
        return taken.astype(jnp.int32)

    def functions(self) -> np.ndarray | None:
        """Returns all sets, or None if they are too many."""
        if self.size > HYPOTHESES:
            return None
        every = [np.isin(np.arange(self.n), s) for s in itertools.combinations(range(self.n), self.relevant)]
        return np.array(every, np.int32)


class SparseDisjunction(Subsets, Disjunction):
    """Has four variables, none negated."""

    density: ClassVar[float | None] = None
    sparse: ClassVar[int | None] = 4
    neighbours: ClassVar[int] = 3

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns 0, because the law is uniform."""
        return jnp.float32(0)

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns the learners of the negation, a conjunction of `relevant` negated variables."""
        log_prior = jnp.where(jnp.arange(self.n + 1) == self.relevant, 0.0, -jnp.inf)

        def posterior(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
            return bayes.of_terms(x_MxN, y_M, log_prior, planted, negated=False)

        def elimination(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
            return learners.eliminate(x_MxN, y_M, negated=False)

        of_negation: dict[str, Learner] = {"elimination": elimination, "bayes": posterior}
        return {name: _of_the_negation(learner, flip=True) for name, learner in of_negation.items()}


def taught(digits: jax.Array, at: jax.Array, points: int) -> jax.Array:
    """Returns points bool[points, n] in which all literals are true and other variables are -1.

    One thing differs: literal v is false at point `at[v]`.
    """
    falsified = jnp.arange(points)[:, None] == at
    return ((digits == 1) & ~falsified) | ((digits == 2) & falsified)
