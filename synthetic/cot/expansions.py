"""Expressions made backwards: from an answer, some number becomes `a operator b` of the same value, again and again."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from synthetic.cot.reductions import CLOSE, NUMBERS, OPEN, PLUS, inverses, needs_brackets
from synthetic.draws import below
from synthetic.prompts import END


class Lines(NamedTuple):
    """Holds the lines of an example, shortest first: int32[N + 1, T] tokens and int32[N + 1] lengths."""

    tokens: jax.Array
    lengths: jax.Array


def expanded(key: jax.Array, n: jax.Array, p: int, most: int) -> Lines:
    """Builds an expression modulo p from an answer by n expansions of `most` or fewer, and returns its lines."""
    size = 4 * most - 1
    bits = jax.random.bits(key, (1 + 2 * most,), jnp.uint32)
    inverse = jnp.asarray(inverses(p))
    line = jnp.zeros(size, jnp.int32).at[0].set(NUMBERS + below(bits[0], p))
    index = jnp.arange(size)

    def expand(line: jax.Array, step_bits: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        step, of_place, of_pair = step_bits
        place = jnp.argmax(jnp.cumsum(line >= NUMBERS) == 1 + below(of_place, step + 1))
        value = line[place] - NUMBERS
        # All (a, operator) that can give the value are as likely, but 0 / b only as often as a b is not 0.
        u = below(of_pair, jnp.where(value == 0, 3 * p * p + p - 1, 4 * p - 2))
        zero_operator, zero_a, spare = u // (p * p), (u // p) % p, u % p
        zero_a = jnp.where(zero_operator == 3, 0, zero_a)
        spare = jnp.where(zero_operator == 3, 1 + u - 3 * p * p, spare)
        operator = (u >= p).astype(jnp.int32) + (u >= 2 * p) + (u >= 3 * p - 1)
        starts = jnp.array([0, p, 2 * p - 1, 3 * p - 2])
        a = jnp.where(value == 0, zero_a, u - starts[jnp.minimum(operator, 3)])
        operator = PLUS + jnp.where(value == 0, zero_operator, operator)
        product = jnp.where(a == 0, spare, value * inverse[a])
        quotient = jnp.where(value == 0, spare, a * inverse[value])
        b = jnp.stack([value - a, a - value, product, quotient])[operator - PLUS] % p
        before = jnp.where(place > 0, line[jnp.maximum(place - 1, 0)], END)
        after = jnp.where(place + 1 < size, line[jnp.minimum(place + 1, size - 1)], END)
        bracketed = needs_brackets(before, operator, after).astype(jnp.int32)
        piece = jnp.stack([jnp.int32(OPEN), NUMBERS + a, operator, NUMBERS + b, jnp.int32(CLOSE)])
        width = 3 + 2 * bracketed
        inside = (index >= place) & (index < place + width)
        moved = line[jnp.where(index < place, index, jnp.maximum(index - width + 1, 0))]
        longer = jnp.where(inside, piece[jnp.clip(index - place + 1 - bracketed, 0, 4)], moved)
        line = jnp.where(step < n, longer, line)
        return line, line

    _, grown = jax.lax.scan(expand, line, (jnp.arange(most), bits[1 : 1 + most], bits[1 + most :]))
    tokens = jnp.concatenate([line[None], grown])
    return Lines(tokens, (tokens != END).sum(1))
