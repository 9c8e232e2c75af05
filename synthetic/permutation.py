"""A keyed bijection on vectors of digits: it makes distinct items of an astronomically large set and stores none.

Index i of a finite set is written as digits, and a Feistel network permutes the digits; its round function is a keyed
hash. So "rule 0 .. rule I-1" are I distinct rules in random order, each made from its index alone, and the set they are
drawn from may have 26^40 members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

ROUNDS = 6
_INT32 = 2**31


def digits(index: jax.Array, radices: list[int]) -> jax.Array:
    """Writes int32 `index` >= 0 as mixed-radix digits, least significant first: int32[len(radices)].

    Indices below the product of the radices give distinct digit vectors; places beyond int32 are 0.
    """
    place, places = 1, []
    for radix in radices:
        places.append(place)
        place *= radix
    values = [(index // p) % r if p < _INT32 else jnp.zeros_like(index) for p, r in zip(places, radices, strict=True)]
    return jnp.stack(values)


def permute(
    key: jax.Array, left: jax.Array, right: jax.Array, radices: Sequence[list[int] | jax.Array], *, tweak: Any = 0
):
    """Permutes the pair of digit vectors (left int32[m], right int32[n]), one-to-one, as `key` decides.

    Digit j of a half stays in 0 .. radix_j - 1. Each round adds a hash of the other half to one half, digit by digit
    and modulo its radix. Subtracting would undo that, so it is a bijection whatever the hash. Another `tweak`, a whole
    number, gives another permutation from the same random bits, for uses where a key for each costs too much.
    """
    tweak = jnp.asarray(tweak).astype(jnp.uint32) * jnp.uint32(0x9E3779B9)
    m, n = left.shape[0], right.shape[0]
    sizes = [(n + 1) * m if half_round % 2 == 0 else (m + 1) * n for half_round in range(ROUNDS)]
    bits = jnp.split(jax.random.bits(key, (sum(sizes),), jnp.uint32), np.cumsum(sizes)[:-1])
    for half_round in range(ROUNDS):
        if half_round % 2 == 0:
            left = _add_hash(bits[half_round].reshape(n + 1, m), left, right, radices[0], tweak)
        else:
            right = _add_hash(bits[half_round].reshape(m + 1, n), right, left, radices[1], tweak)
    return left, right


def shuffled(key: jax.Array, index: jax.Array, size: jax.Array | int) -> jax.Array:
    """Returns int32 `index`, one of 0 .. size-1, permuted as `key` decides; `size`, up to 2^30, may be traced.

    A bijection of a slightly larger rectangle, applied until it returns below `size`, is a bijection of 0 .. size-1.
    """
    size = jnp.asarray(size, jnp.int32)
    width = jnp.sqrt(size.astype(jnp.float32)).astype(jnp.int32) + 1
    height = (size + width - 1) // width

    def turn(place: jax.Array) -> jax.Array:
        left, right = permute(key, (place % width)[None], (place // width)[None], (width[None], height[None]))
        return right[0] * width + left[0]

    return jax.lax.while_loop(lambda place: place >= size, turn, turn(index))


def _add_hash(
    coefficients: jax.Array, to: jax.Array, other: jax.Array, radices: list[int] | jax.Array, tweak: jax.Array
) -> jax.Array:
    mixed = _mix((other.astype(jnp.uint32)[:, None] * coefficients[1:]).sum(0) + coefficients[0] + tweak)
    modulus = jnp.asarray(radices).astype(jnp.uint32)
    return ((to.astype(jnp.uint32) + mixed % modulus) % modulus).astype(jnp.int32)


def _mix(x: jax.Array) -> jax.Array:
    """Applies the 32-bit finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
