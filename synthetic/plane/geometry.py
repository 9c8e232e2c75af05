"""Geometry of points with whole coordinates, exact in int32, so that no rounding decides which way three points turn.

Coordinates are 0 .. `GRID` - 1. Then twice the area of any triangle is below 2^29.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

GRID = 2**14
_LOW = 2**15 - 1


def turn(a: jax.Array, b: jax.Array, c: jax.Array) -> jax.Array:
    """Returns twice the area of the triangle a, b, c, negative if it runs clockwise; points are int32[..., 2]."""
    ab, ac = b - a, c - a
    return ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]


def leftmost(points: jax.Array, present: jax.Array) -> jax.Array:
    """Returns the index of the leftmost of the points that are `present` (bool[N]), the lowest of several; int32."""
    rank = jnp.where(present, points[:, 0] * GRID + points[:, 1], GRID**2)
    return jnp.argmin(rank).astype(jnp.int32)


def hull_successors(points: jax.Array, present: jax.Array) -> jax.Array:
    """Returns for each vertex of the convex hull the next one counter-clockwise, int32[N]; for others any index.

    An edge of the hull has all points to its left, or on it between its ends. So no point within an edge is a vertex.
    The first of equal points is the vertex.
    """
    i, j, k = points[:, None, None], points[None, :, None], points[None, None, :]
    turns = turn(i, j, k)
    between = ((k - i) * (k - j)).sum(-1) <= 0
    left = (turns > 0) | ((turns == 0) & between)
    apart = (points[:, None] != points[None]).any(-1)
    edges = (left | ~present).all(-1) & apart & present & present[:, None]
    return jnp.argmax(edges, -1).astype(jnp.int32)


def walk(successors: jax.Array, start: jax.Array, most: int) -> tuple[jax.Array, jax.Array]:
    """Returns the first `most` indices on the circle that `successors` make from `start`, and how many it has."""

    def step(index: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return successors[index], index

    indices = jax.lax.scan(step, start, None, length=most)[1]
    again = (indices == start) & (jnp.arange(most) > 0)
    return indices, jnp.where(again.any(), jnp.argmax(again), most).astype(jnp.int32)


def doubled_area(polygon: jax.Array, count: jax.Array) -> jax.Array:
    """Returns twice the area of the polygon of the first `count` rows of int32[M, 2], by the shoelace formula.

    It is negative for a clockwise polygon. Sums that leave int32 come back to it, so the result is exact for a simple
    one.
    """
    here, ahead = polygon, polygon[_next(polygon.shape[0], count)]
    turns = turn(polygon[0], here, ahead)
    return jnp.where(jnp.arange(polygon.shape[0]) < count, turns, 0).sum()


def is_simple(polygon: jax.Array, count: jax.Array) -> jax.Array:
    """Returns whether the first `count` rows of int32[M, 2] are a simple polygon.

    It has three sides or more, which meet at the ends that they share, and nowhere else.
    """
    size = polygon.shape[0]
    after = _next(size, count)
    p, q, r, s = polygon[:, None], polygon[after][:, None], polygon[None], polygon[after][None]
    opposite = (jnp.sign(turn(p, q, r)) * jnp.sign(turn(p, q, s)) <= 0) & (
        jnp.sign(turn(r, s, p)) * jnp.sign(turn(r, s, q)) <= 0
    )
    low, high = jnp.minimum(p, q), jnp.maximum(p, q)
    boxes = ((low <= jnp.maximum(r, s)) & (jnp.minimum(r, s) <= high)).all(-1)
    meet = opposite & boxes
    side = jnp.arange(size)
    adjacent = (after[:, None] == side) | (after == side[:, None])
    # A side goes back over the next one where the two point the same way from the end that they share.
    far = polygon[after[after]]
    back = (turn(polygon, polygon[after], far) == 0) & (
        ((polygon - polygon[after]) * (far - polygon[after])).sum(-1) >= 0
    )
    real = side < count
    crossed = (meet & ~adjacent & (side != side[:, None]) & real & real[:, None]).any()
    return (count >= 3) & ~crossed & ~(back & real).any()


def in_circle(a: jax.Array, b: jax.Array, c: jax.Array, d: jax.Array) -> jax.Array:
    """Returns 1 where d is inside the circle through a, b and c, 0 where it is on it, else -1; int32[...].

    The sign is that of a determinant of 60 bits, which is summed in three parts: of 2^30, of 2^15 and of 1.
    """
    from_d = [point - d for point in (a, b, c)]
    high = middle = low = jnp.int32(0)
    for one, two, three in (from_d, from_d[1:] + from_d[:1], from_d[2:] + from_d[:2]):
        square, cross = (one * one).sum(-1), two[..., 0] * three[..., 1] - two[..., 1] * three[..., 0]
        (s_high, s_low), (c_high, c_low) = ((x >> 15, x & _LOW) for x in (square, cross))
        ones = s_low * c_low
        above = s_high * c_low + (ones >> 15)
        across = s_low * c_high
        high = high + s_high * c_high + (above >> 15) + (across >> 15)
        middle = middle + (above & _LOW) + (across & _LOW)
        low = low + (ones & _LOW)
    middle = middle + (low >> 15)
    high, rest = high + (middle >> 15), ((middle & _LOW) << 15) | (low & _LOW)
    sign = jnp.where(high != 0, jnp.sign(high), jnp.sign(rest))
    return sign * jnp.sign(turn(a, b, c))


def counts(indices: jax.Array, count: jax.Array, size: int) -> jax.Array:
    """Returns how often each of `size` indices is among the first `count`, int32[size]."""
    equal = (indices[:, None] == jnp.arange(size)) & (jnp.arange(indices.shape[0]) < count)[:, None]
    return equal.sum(0)


def _next(size: int, count: jax.Array) -> jax.Array:
    """Returns the index after each of the first `count` on the circle of these; 0 for later ones."""
    ahead = jnp.arange(size) + 1
    return jnp.where(ahead < count, ahead, 0)
