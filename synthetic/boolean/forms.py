"""Conjunctions of three clauses and disjunctions of three terms (arXiv 2310.03016).

One clause or term is chosen for each prompt, and a share of the prompt's points is planted: the variables of the clause
or term are overwritten, so that the clause is false, or the term true. Otherwise points are uniform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.boolean import learners
from synthetic.boolean.family import PRIME, Family, Learner, chosen, literal_values, most, product
from synthetic.boolean.packed import Literals, pack
from synthetic.boolean.terms import taught

_TERMS = 3


class DNF(Family):
    """Disjoins three terms; in each a variable is absent with probability 0.8, a literal with 0.1, negated with 0.1."""

    density: ClassVar[float | None] = 0.2
    planted: ClassVar[tuple[float, float] | None] = (0.35, 0.35)
    least: ClassVar[int] = 2
    choices: ClassVar[int] = _TERMS
    negated: ClassVar[bool] = True  # whether literals may be negated

    @property
    def radices(self) -> list[int]:
        """Returns 3 values a variable, term by term: absent, present, negated; 2 if no literal is negated."""
        return [2 + self.negated] * (_TERMS * self.n)

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Draws terms and variables independently."""
        sign = 1 + (bits & 1).astype(jnp.int32) if self.negated else 1
        return jnp.where(chosen(bits, density), sign, 0)

    def _terms(self, function: jax.Array) -> jax.Array:
        return function.reshape(_TERMS, self.n)

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Adds single terms, subtracts pairs, adds all three; each value is a product over the literals of some."""
        return _value(self._terms(function) == 1, self._terms(function) == 2, point)

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Returns whether some term has no false literal."""
        return Literals.of(self._terms(function)).some_hold(x_MxW)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Returns `any` of `all`."""
        return any(
            all(v == (1 if d == 1 else -1) for d, v in zip(term, x, strict=True) if d)
            for term in (function[i : i + self.n] for i in range(0, len(function), self.n))
        )

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Makes planted points satisfy the term that is chosen."""
        return Literals.of(self._terms(function)[choice]).satisfy(x_MxW, planted_M)

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """Returns the density of planted points, which are uniform where the chosen term is true."""
        term = self._terms(function)[choice]
        return jnp.where(Literals.of(term).hold(x_MxW), 2.0 ** (term > 0).sum(), 0.0)

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of independent variables."""
        return (function > 0).sum() * (jnp.log(density / (1 + self.negated)) - jnp.log1p(-density))


class MonotoneDNF(DNF):
    """Disjoins three terms without negation; in each a variable is present with probability 0.2."""

    least: ClassVar[int] = 3
    taught: ClassVar[bool] = True
    neighbours: ClassVar[int] = 1
    negated: ClassVar[bool] = False

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """Returns, term by term, the teaching sequence of a monotone conjunction.

        First the term's variables alone are 1, then each of them in turn is -1.
        """
        terms = self._terms(function)
        ends = jnp.cumsum((terms > 0).sum(-1) + 1)
        starts = jnp.append(0, ends[:-1])
        blocks = jax.vmap(lambda t, s: taught(t, s + jnp.cumsum(t), points))(terms, starts)
        place = jnp.arange(points)
        block = (place[:, None] >= ends).sum(-1)
        return pack(blocks[jnp.minimum(block, _TERMS - 1), place]), ends[-1]

    def longest_teaching(self, density: float) -> int:
        """Applies the binomial law of the number of variables in all terms."""
        return _TERMS + most(_TERMS * self.n, density)

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns the learner that answers what earlier positives imply of a monotone function."""
        return {"closure": learners.closure}


class CNF(DNF):
    """Conjoins three clauses with the literals of `DNF`. It is the negation of the DNF of its literals' negations."""

    planted: ClassVar[tuple[float, float] | None] = (0.3, 0.3)

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Returns 1 minus the negation's value."""
        return (PRIME + 1 - _value(self._terms(function) == 2, self._terms(function) == 1, point)) % PRIME

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Returns whether no clause has only false literals."""
        return ~Literals.of(self._terms(function)).opposite.some_hold(x_MxW)

    def says(self, function: list[int], x: list[int]) -> bool:
        """Returns `all` of `any`."""
        return all(
            any(v == (1 if d == 1 else -1) for d, v in zip(clause, x, strict=True) if d)
            for clause in (function[i : i + self.n] for i in range(0, len(function), self.n))
        )

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Makes planted points falsify the clause that is chosen."""
        return Literals.of(self._terms(function)[choice]).opposite.satisfy(x_MxW, planted_M)

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """Returns the density of planted points, which are uniform where the chosen clause is false."""
        clause = self._terms(function)[choice]
        return jnp.where(Literals.of(clause).opposite.hold(x_MxW), 2.0 ** (clause > 0).sum(), 0.0)


def _value(present: jax.Array, negated: jax.Array, point: jax.Array) -> jax.Array:
    """Returns the extension of a disjunction of terms with these literals, bool[K, n], by inclusion and exclusion."""
    # The terms that a variable is in are bits; a union of terms is bits, too.
    place, unions = 1 << jnp.arange(_TERMS)[:, None], range(1, 2**_TERMS)
    union = np.array(unions)[:, None]
    in_present, in_negated = (jnp.where(literals, place, 0).sum(0) & union != 0 for literals in (present, negated))
    values = product(literal_values(point, in_present, in_negated))
    added = np.array([union.bit_count() % 2 == 1 for union in unions])
    return jnp.where(added, values, PRIME - values).sum() % PRIME
