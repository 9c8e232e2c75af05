"""Random strings with a given number of occurrences of a pattern."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from synthetic.draws import below, unit


def fill(bits: jax.Array, x: jax.Array, count: jax.Array, alphabet: int) -> tuple[jax.Array, jax.Array]:
    """Returns a random string z with exactly `count` occurrences of x, and the place of the first, or -1.

    z is int32[length], made of `bits` uint32[3, length]. Occurrences are counted from the left without overlap, as
    `str.count` does. Copies of x are put at uniformly random gaps (Knuth's selection sampling). Between them letters
    are uniform, except that none completes another counted occurrence. A copy's end is a counted occurrence unless an
    earlier one overlaps the copy, which then replaces it: either way each copy adds one and free letters add none.
    """
    n, length = x.shape[0], bits.shape[1]
    gap, letter = unit(bits[0]), below(bits[1], alphabet)
    # This replaces the forbidden last letter of x: uniform over the rest.
    other = (x[-1] + 1 + below(bits[2], alphabet - 1)) % alphabet

    def place(carry, now):
        recent, since, inside, left = carry
        t, gap, letter, other = now
        free = inside == 0
        # The items still to lay out are free letters and `left` copies.
        items = length - t - (n - 1) * left
        starts = free & (gap * items < left)
        completes = (recent == x[:-1]).all() & (since >= n - 1)
        letter = jnp.where(completes & (letter == x[-1]), other, letter)
        inside = jnp.where(starts, 1, jnp.where(free, 0, inside + 1))
        letter = jnp.where(inside > 0, x[jnp.maximum(inside - 1, 0)], letter)
        matched = completes & (letter == x[-1])
        carry = (
            jnp.append(recent, letter)[1:],
            jnp.where(matched, 0, since + 1),
            jnp.where(inside == n, 0, inside),
            left - starts,
        )
        return carry, (letter, matched)

    start = (jnp.full((n - 1,), -1, jnp.int32), jnp.int32(0), jnp.int32(0), count.astype(jnp.int32))
    _, (z, matched) = jax.lax.scan(place, start, (jnp.arange(length), gap, letter, other))
    first = jnp.where(matched.any(), jnp.argmax(matched) - n + 1, -1)
    return z, first
