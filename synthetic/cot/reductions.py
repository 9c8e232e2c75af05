"""Reductions of arithmetic expressions modulo a prime, on the device: which can be made, and the line after one.

A line is int32[T] tokens, filled with END. It may lose one operator at a time: two numbers with an operator between
them, which no neighbour binds more strongly, become one number, and a bracket around them goes.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.prompts import END

EQUALS, OPEN, CLOSE, PLUS, MINUS, TIMES, DIVIDE = range(1, 8)
NUMBERS = 8  # the token of the number 0
NAMES = (".", "=", "(", ")", "+", "-", "*", "/")


def inverses(modulus: int) -> np.ndarray:
    """Returns the inverse of each number modulo a prime, and 0 for 0."""
    return np.array([pow(a, modulus - 2, modulus) if a else 0 for a in range(modulus)], np.int32)


def computed(a: jax.Array, operator: jax.Array, b: jax.Array, modulus: int) -> jax.Array:
    """Returns a (operator) b modulo a prime, of numbers and the operator's token."""
    quotient = a * jnp.asarray(inverses(modulus))[jnp.clip(b, 0, modulus - 1)]
    results = jnp.stack([a + b, a - b, a * b, quotient]) % modulus
    chosen = jnp.clip(operator - PLUS, 0, 3)
    return jnp.take_along_axis(results, chosen[None], 0)[0]


def needs_brackets(before: jax.Array, operator: jax.Array, after: jax.Array) -> jax.Array:
    """Returns whether `a operator b` between two tokens must be in brackets to be computed first."""
    sum_ = (operator == PLUS) | (operator == MINUS)
    binds = (before == TIMES) | (before == MINUS) | (after == TIMES) | (after == DIVIDE)
    return (before == DIVIDE) | (sum_ & binds)


def reducible(line: jax.Array) -> jax.Array:
    """Returns at each place whether the number there, an operator and a number can become one, bool[T]."""
    size = line.shape[0]
    padded = jnp.pad(line, (1, 3), constant_values=END)
    before, a, operator, b, after = (padded[i : i + size] for i in range(5))
    fits = (a >= NUMBERS) & (operator >= PLUS) & (operator <= DIVIDE) & (b >= NUMBERS)
    return fits & ~needs_brackets(before, operator, after)


def reduced(line: jax.Array, place: jax.Array, modulus: int) -> jax.Array:
    """Returns the line after the reduction at a place where it is reducible, int32[T]."""
    size = line.shape[0]
    padded = jnp.pad(line, (1, 3), constant_values=END)
    before, a, operator, b, after = (padded[place + i] for i in range(5))
    bracketed = (before == OPEN) & (after == CLOSE)
    start = place - bracketed
    index = jnp.arange(size)
    gone = 2 + 2 * bracketed
    rest = jnp.pad(line, (0, 4), constant_values=END)[jnp.where(index > start, index + gone, index)]
    value = NUMBERS + computed(a - NUMBERS, operator, b - NUMBERS, modulus)
    return jnp.where(index == start, value, rest)


def is_reduction(line: jax.Array, after: jax.Array, modulus: int) -> jax.Array:
    """Returns whether `after` int32[T] is `line` after one of its reductions."""
    each = jax.vmap(reduced, (None, 0, None))(line, jnp.arange(line.shape[0]), modulus)
    return (reducible(line) & (each == after).all(1)).any()
