"""The base class of families of Boolean functions on {-1, 1}^n. It divides functions between training and test.

A function is given by its digits, int32[len(radices)], such as 0, 1 or 2 for a variable that is absent, present, or
present negated. Different digits may be one function (the terms of a DNF in another order, a weight vector and its
double), and it is functions that are held out. So the side of a function is decided by a value of its own that does not
depend on the digits: its multilinear extension at a point that the data seed chooses. The extension is the sum, over
all inputs x at which the function is true, of the product over variables v of p_v(x_v). Here p_v(1) is the point's
coordinate, p_v(-1) = 1 - p_v(1), and numbers are in the field of `PRIME` elements. Two functions differ in it at almost
every point (Schwartz 1980, Zippel 1979).

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
COUNTED_SHARE = 4  # a quarter if functions are numbered, because those families are small
LARGEST = 2**31 - 1  # of an index
HYPOTHESES = 8192  # the Bayes learner enumerates families of at most this many functions
_ONCE_IN_A_MILLION = 1e-6

# Streams of the data seed.
_SIDES, _POOL, _ORDER = 0, 1, 2

# A learner maps (x_MxN, y_M) to int32[M]. Item i depends on x_i and on the examples before it.
Learner = Callable[[jax.Array, jax.Array], jax.Array]


class Family:
    """A class of functions with its law of functions, of inputs, and of labels; functions are drawn by rejection.

    Some attributes differ by family. `density` is the share of literals. `planted` is the share of points that are
    overwritten, in plain prompts and in those with a teaching prefix. Both are None if the law has no such thing.
    `least` is the smallest n. `choices` is the number of parts of a function; one of them is planted throughout a
    prompt. `taught` is true if there is a teaching sequence. `neighbours` is the number of neighbours of the paper's
    nearest-neighbour learner.
    """

    density: ClassVar[float | None] = None
    planted: ClassVar[tuple[float, float] | None] = None
    sparse: ClassVar[int | None] = None  # number of relevant variables in the paper, if the law fixes it
    least: ClassVar[int] = 3
    choices: ClassVar[int] = 1
    taught: ClassVar[bool] = False
    neighbours: ClassVar[int] = 3
    first_asked: int = 0  # no learner can know the labels of the points before it

    def __init__(self, n: int, relevant: int = 0, start: int = 0):
        self.n, self.relevant, self.start = n, relevant or self.sparse or 0, start

    @property
    def radices(self) -> list[int]:
        """Returns the number of values of each digit of a function."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Returns the number of functions in the family, or an upper bound if one function has many descriptions."""
        every = 2**self.n if self.n < 64 else 2**64
        return min(math.prod(self.radices), 2**every if every < 64 else 2**64)

    def draw(self, bits: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the digits int32[len(radices)] of a function drawn by the family's law.

        `bits` are as many uint32, each of 16 random bits.
        """
        raise NotImplementedError

    def value(self, function: jax.Array, point: jax.Array) -> jax.Array:
        """Returns the multilinear extension, uint32 below PRIME, at p_v(1) = `point` uint32[n]."""
        raise NotImplementedError

    def label(self, function: jax.Array, x_MxW: jax.Array) -> jax.Array:
        """Returns the function's label of each point: bool[M]."""
        raise NotImplementedError

    def says(self, function: list[int], x: list[int]) -> bool:
        """Returns the function's label of one point, in plain Python."""
        raise NotImplementedError

    def answers(self, function: list[int], points: list[list[int]], labels: list[bool]) -> list[bool]:
        """Returns the right labels of the points from `first_asked` on, in plain Python.

        `labels` are those in the prompt.
        """
        return [self.says(function, x) for x in points]

    def plant(self, function: jax.Array, x_MxW: jax.Array, planted_M: jax.Array, choice: jax.Array) -> jax.Array:
        """Turns uniform points into points by the family's law; `choice` is the part that is planted, of `choices`."""
        return x_MxW

    def tilt(self, function: jax.Array, x_MxW: jax.Array, choice: jax.Array) -> jax.Array:
        """Returns the density of a planted point over that of a uniform one, float32[M]."""
        return jnp.ones(x_MxW.shape[0])

    def teach(self, function: jax.Array, points: int) -> tuple[jax.Array, jax.Array]:
        """Returns the teaching sequence, uint32[points, W] of which the first `length` count, and its length."""
        raise NotImplementedError

    def longest_teaching(self, density: float) -> int:
        """Returns the length that a teaching sequence exceeds for at most one in a million functions."""
        raise NotImplementedError

    def learners(self, density: jax.Array, planted: jax.Array) -> Mapping[str, Learner]:
        """Returns the learners that suit this family, for functions of this density and plain prompts of this law."""
        return {}

    def functions(self) -> np.ndarray | None:
        """Returns all functions by their digits, int32[H, len(radices)], or None if they are more than `HYPOTHESES`."""
        if math.prod(self.radices) > HYPOTHESES // self.choices:
            return None
        return _all_digits(tuple(self.radices))

    def log_prior(self, function: jax.Array, density: jax.Array) -> jax.Array:
        """Returns the logarithm of the law of `draw`, up to a constant."""
        return jnp.float32(0)

    def training_size(self) -> int:
        """Returns the largest number of distinct functions that training can have."""
        return self.size

    def function(
        self,
        data: jax.Array,
        key: jax.Array,
        *,
        pool: jax.Array | int,
        density: jax.Array,
        held_out: bool,
        member: jax.Array | None = None,
    ) -> jax.Array:
        """Draws a function of one side by the exact conditional law, from the pool's `pool` members unless that is 0.

        With a `member` it is that one of the pool.

        A function is held out if its value falls in a fixed eighth of the field; the eighth starts at the value of one
        function drawn from the data seed. So that function is held out for every seed. All others are held out, too,
        with a chance of about 8^(1 - functions), so a family of a dozen or more has both sides, and the rejection ends.
        Members of the pool are drawn alike, each from its number: two are the same function only by the chance that the
        law gives it.
        """
        size = len(self.radices)
        bits = jax.random.bits(jax.random.fold_in(data, _SIDES), (self.n + -(-size // 2),), jnp.uint32)
        point = 2 + below(bits[: self.n], PRIME - 3).astype(jnp.uint32)
        anchor = self.value(self.draw(_halves(bits[self.n :], size), jnp.float32(self.density or 0)), point)
        if not held_out:
            member = below(jax.random.bits(key), jnp.maximum(pool, 1)) if member is None else member
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
        """Returns the digits of function number `rank`."""
        raise NotImplementedError

    def training_size(self) -> int:
        """Returns the number of functions that are not held out."""
        return self.size - max(1, self.size // COUNTED_SHARE)

    def function(
        self,
        data: jax.Array,
        key: jax.Array,
        *,
        pool: jax.Array | int,
        density: jax.Array,
        held_out: bool,
        member: jax.Array | None = None,
    ) -> jax.Array:
        """Draws a function of one side uniformly, from the pool's `pool` members unless that is 0, or its `member`."""
        trained, order = self.training_size(), jax.random.fold_in(data, _ORDER)
        bits = jax.random.bits(key)
        if held_out:
            index = trained + below(bits, self.size - trained)
        else:
            index = below(bits, jnp.where(pool > 0, pool, trained)) if member is None else member
        places = max(2, (self.size - 1).bit_length())
        half = places // 2
        two = ([2] * half, [2] * (places - half))

        def shuffle(number: jax.Array) -> jax.Array:
            split = digits(number, [2] * places)
            mixed = jnp.concatenate(permute(order, split[:half], split[half:], two))
            return (mixed << jnp.arange(places)).sum().astype(jnp.int32)

        # A bijection of 0 .. 2^places-1, applied until it returns below `size`, is a bijection of 0 .. size-1.
        rank = jax.lax.while_loop(lambda number: number >= self.size, shuffle, shuffle(index))
        return self.unrank(rank)


def chosen(bits: jax.Array, share: jax.Array) -> jax.Array:
    """Returns true with probability `share`, to within 2^-16.

    It uses the upper 15 of 16 bits, which leaves the lowest for a sign.
    """
    return (bits >> 1).astype(jnp.float32) < jnp.round(share * 2**15)


def _halves(bits: jax.Array, size: int) -> jax.Array:
    """Returns `size` numbers of 16 bits, from half as many of 32."""
    return jnp.stack([bits & 0xFFFF, bits >> 16]).reshape(-1)[:size]


def most(n: int, p: float) -> int:
    """Returns the least number of 0 .. n that successes in n trials exceed with a chance of a millionth or less.

    `p` is the probability of success. It equals scipy.stats.binom.isf without importing scipy.stats, which every
    command would have to load for it.
    """
    return int(np.argmax(bdtrc(np.arange(n + 1), n, p) <= _ONCE_IN_A_MILLION))


def product(values: jax.Array) -> jax.Array:
    """Returns the product along the last axis in the field of PRIME elements, for uint32 below PRIME."""
    while values.shape[-1] > 1:
        if values.shape[-1] % 2:
            values = jnp.concatenate([values, jnp.ones_like(values[..., :1])], -1)
        half = values.shape[-1] // 2
        values = values[..., :half] * values[..., half:] % PRIME
    return values[..., 0]


def literal_values(point: jax.Array, present: jax.Array, negated: jax.Array) -> jax.Array:
    """Returns the extension's factors uint32[..., n].

    A factor is p(1) for a literal, p(-1) for a negated one, 0 for both at once, and 1 for neither.
    """
    one = jnp.where(present, point, 1)
    return jnp.where(negated, jnp.where(present, 0, PRIME + 1 - point), one).astype(jnp.uint32)


@functools.cache
def _all_digits(radices: tuple[int, ...]) -> np.ndarray:
    return np.array(list(itertools.product(*map(range, radices))), np.int32)
