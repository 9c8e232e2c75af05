"""The sides of the data, training's and the test's: a keyed checksum tells their strings of letters apart."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from synthetic.draws import below

# Streams of the data seed: draws from one never depend on draws from another.
RULES = {False: 0, True: 1}  # by whether held out
CHECKSUM = 2
UNLIMITED = 2**31 - 1  # inputs of a rule


def with_checksum(bits: jax.Array, free: jax.Array, value: jax.Array, alphabet: int) -> jax.Array:
    """Returns the string `free` plus the letter that makes its keyed checksum equal `value`: int32[len(free) + 1].

    The checksum's bias and coefficients are made of `bits` uint32[len(free) + 1]. Coefficients are units modulo the
    alphabet, so that every letter counts, and 1 for the added letter.
    """
    units = jnp.array([u for u in range(1, alphabet) if math.gcd(u, alphabet) == 1], jnp.int32)
    coefficients = units[below(bits[1:], len(units))]
    return jnp.append(free, (value - below(bits[0], alphabet) - (coefficients * free).sum()) % alphabet)
