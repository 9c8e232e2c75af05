"""What a family of Boolean functions on {-1, 1}^n is, and how its functions are divided into training's and the test's.

A function is its digits, int32[len(radices)], such as 0, 1 or 2 for a variable that is absent, there, or there negated.
Different digits may be one function (the terms of a DNF in another order, a weight vector and its double), and it is
functions that are held out. So the side of a function is decided by a value that is its own, however it is written: its
multilinear extension at a point that the data seed chooses. That is the sum, over all inputs x of which it is true, of
the product over variables v of p_v(x_v), where p_v(1) is the point's coordinate, p_v(-1) = 1 - p_v(1), and numbers are
those of the field of `PRIME` elements. Two functions differ in it at almost every point (Schwartz 1980, Zippel 1979).

Points are packed (`synthetic.boolean.packed`).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import bdtrc

from synthetic.draws import below
from synthetic.permutation import digits, permute

PRIME = 65521  # the largest below 2^16, so that a product of two elements fits in uint32
SHARE = 8  # an eighth of a family is held out
COUNTED_SHARE = 4  # a quarter where functions are numbered, for those families are small
LARGEST = 2**31 - 1  # of an index
HYPOTHESES = 8192  # a family of no more is enumerated by the Bayes learner
_ONCE_IN_A_MILLION = 1e-6

# Streams of the data seed.
_SIDES, _POOL, _ORDER = 0, 1, 2

# A learner: (x_MxN, y_M) to int32[M], of which item i is made of x_i and of the examples before it.
Learner = Callable[[jax.Array, jax.Array], jax.Array]


class Family:
    """A class of functions with its law of functions, of inputs, and of labels; functions are drawn by rejection.

    Attributes that differ by family: `density` is the share of literals, `planted` the share of points that are
    overwritten, in plain prompts and in those with a teaching prefix (None where the law has no such thing); `least` is
    the smallest n, `choices` the number of parts of a function of which one is planted throughout a prompt, `taught`
    whether there is a teaching sequence, `neighbours` the number that the paper's nearest-neighbour learner asks.
    """

    density: ClassVar[float | None] = None
    planted: ClassVar[tuple[float, float] | None] = None
    sparse: ClassVar[int | None] = None  # relevant variables in the paper, where the law fixes how many
    least: ClassVar[int] = 3
    choices: ClassVar[int] = 1
    taught: ClassVar[bool] = False
    neighbours: ClassVar[int] = 3
    first_asked: int = 0  # the points before it have labels that cannot be known

    def __init__(self, n: int, relevant: int = 0, start: int = 0):
        self.n, self.relevant, self.start = n, relevant or self.sparse or 0, start

    @property
    def radices(self) -> list[int]:
        """How many values each digit of a function has."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Functions in the family, or a bound from above where descriptions of one function are many."""
        every = 2**self.n if self.n < 64 else 2**64
        return min(math.prod(self.radices), 2**every if every < 64 else 2**64)

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Digits int32[len(radices)] of a function by the family's law, of as many numbers uint32 of 16 random bits."""
        raise NotImplementedError

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """The multilinear extension, uint32 below PRIME, at p_v(1) = `point` uint32[n]."""
        raise NotImplementedError

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """What the function says of each point: bool[M]."""
        raise NotImplementedError

    def says(self, function: list[int], x: list[int]) -> bool:
        """What the function says of one point, in plain Python."""
        raise NotImplementedError

    def answers(self, function: list[int], points: list[list[int]], labels: list[bool]) -> list[bool]:
        """What is right at each point from `first_asked` on, in plain Python; `labels` are those in the prompt."""
        return [self.says(function, x) for x in points]

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """The points by the family's law, from uniform ones; `choice` is the part that is planted, of `choices`."""
        return x_MxW

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """The density of a planted point over that of a uniform one, float32[M]."""
        return jnp.ones(x_MxW.shape[0])

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """The teaching sequence, uint32[points, W] of which the first `length` count, and its length."""
        raise NotImplementedError

    def longest_teaching(self, density: float) -> int:
        """The length that a teaching sequence exceeds once in a million functions, or never."""
        raise NotImplementedError

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """The learners that suit this family, for functions of this density and plain prompts of this law."""
        return {}

    def functions(self) -> np.ndarray | None:
        """All functions by their digits, int32[H, len(radices)], or None where they are more than `HYPOTHESES`."""
        if math.prod(self.radices) > HYPOTHESES // self.choices:
            return None
        return _all_digits(tuple(self.radices))

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Logarithm of the law of `draw`, up to a constant."""
        return jnp.float32(0)

    def training_size(self) -> int:
        """Most distinct functions that training can have."""
        return self.size

    def function(
        self, data: jax.Array, key: jax.Array, *, pool: jax.Array | int, density: jax.Array, held_out: bool
    ) -> jax.Array:
        """A function of one side by the exact conditional law, from the pool's `pool` members unless that is 0.

        Held out is who has a value on an eighth of the field's circle, which begins at the value of one function that
        the data seed draws: that function is held out for every seed. That all others are, too, has a chance of about
        8^(1 - functions), so a family of a dozen or more has both sides, and drawing anew comes to an end. Members of
        the pool are drawn alike, each from its number: two are one function only by the chance that the law has of it.
        """
        size = len(self.radices)
        bits = jax.random.bits(jax.random.fold_in(data, _SIDES), (self.n + -(-size // 2),), jnp.uint32)
        point = 2 + below(bits[: self.n], PRIME - 3).astype(jnp.uint32)
        anchor = self.value(self.draw(_halves(bits[self.n :], size), jnp.float32(self.density or 0)), point)
        if not held_out:
            member = below(jax.random.bits(key), jnp.maximum(pool, 1))
            key = jnp.where(pool > 0, jax.random.fold_in(jax.random.fold_in(data, _POOL), member), key)

        def wrong(state: tuple[jax.Array, jax.Array]) -> jax.Array:
            attempt, function = state
            held = (self.value(function, point) + PRIME - anchor) % PRIME < PRIME // SHARE
            return (attempt == 0) | (held != held_out)

        def anew(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            attempt = state[0] + 1
            bits = jax.random.bits(jax.random.fold_in(key, attempt), (-(-size // 2),), jnp.uint32)
            return attempt, self.draw(_halves(bits, size), density)

        return jax.lax.while_loop(wrong, anew, (jnp.int32(0), jnp.zeros(size, jnp.int32)))[1]


class Counted(Family):
    """A family whose functions are numbered and equally likely: sides and pools are exact in size.

    Each function is made from its number, of 0 .. size-1. A keyed bijection orders the numbers: the last quarter of
    them are held out, and the first `pool` are the pool, so its members are distinct.
    """

    def unrank(self, rank: jax.Array) -> jax.Array:
        """Digits of function number `rank`."""
        raise NotImplementedError

    def training_size(self) -> int:
        """All but those held out."""
        return self.size - max(1, self.size // COUNTED_SHARE)

    def function(
        self, data: jax.Array, key: jax.Array, *, pool: jax.Array | int, density: jax.Array, held_out: bool
    ) -> jax.Array:
        """A function of one side, uniform; from the pool's `pool` members unless that is 0."""
        trained, order = self.training_size(), jax.random.fold_in(data, _ORDER)
        bits = jax.random.bits(key)
        if held_out:
            index = trained + below(bits, self.size - trained)
        else:
            index = below(bits, jnp.where(pool > 0, pool, trained))
        places = max(2, (self.size - 1).bit_length())
        half = places // 2
        two = ([2] * half, [2] * (places - half))

        def shuffle(number: jax.Array) -> jax.Array:
            split = digits(number, [2] * places)
            mixed = jnp.concatenate(permute(order, split[:half], split[half:], two))
            return (mixed << jnp.arange(places)).sum().astype(jnp.int32)

        # A bijection of 0 .. 2^places-1, applied until it leads back below `size`, is one of 0 .. size-1.
        rank = jax.lax.while_loop(lambda number: number >= self.size, shuffle, shuffle(index))
        return self.unrank(rank)


def chosen(bits: jax.Array, share: jax.Array) -> jax.Array:
    """True with probability `share`, to within 2^-16, by the upper 15 of 16 bits: the lowest is free for a sign."""
    return (bits >> 1).astype(jnp.float32) < jnp.round(share * 2**15)


def _halves(bits: jax.Array, size: int) -> jax.Array:
    """`size` numbers of 16 bits, from half as many of 32."""
    return jnp.stack([bits & 0xFFFF, bits >> 16]).reshape(-1)[:size]


def most(n: int, p: float) -> int:
    """The least number, of 0 .. n, that successes in n trials of probability p exceed once in a million times or less.

    It is what scipy.stats.binom.isf says, without scipy.stats, which every command would import for it.
    """
    return int(np.argmax(bdtrc(np.arange(n + 1), n, p) <= _ONCE_IN_A_MILLION))


def product(values: jax.Array) -> jax.Array:
    """Product along the last axis in the field of PRIME elements, of uint32 below PRIME."""
    while values.shape[-1] > 1:
        if values.shape[-1] % 2:
            values = jnp.concatenate([values, jnp.ones_like(values[..., :1])], -1)
        half = values.shape[-1] // 2
        values = values[..., :half] * values[..., half:] % PRIME
    return values[..., 0]


def literal_values(point: jax.Array, there: jax.Array, negated: jax.Array) -> jax.Array:
    """The extension's factors uint32[..., n]: p(1) of literals, p(-1) of negated ones, 0 of both at once, else 1."""
    one = jnp.where(there, point, 1)
    return jnp.where(negated, jnp.where(there, 0, PRIME + 1 - point), one).astype(jnp.uint32)


@functools.cache
def _all_digits(radices: tuple[int, ...]) -> np.ndarray:
    return np.array(list(itertools.product(*map(range, radices))), np.int32)
