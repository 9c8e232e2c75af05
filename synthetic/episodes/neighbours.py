"""Learners of classes in context that need no training: nearest mean, nearest item, ridge.

Points are x float32[P, D], labels y float32[P, C], one-hot. Each gives scores float32[Q, C] of the labels of `query`
float32[Q, D]; the largest is the answer. Where Q is P, a point knows the points before it alone; a single query knows
all.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from synthetic.episodes.vectors import before

_FAR = 1e30  # the distance of a class of which there is no example
_PENALTY = 0.1  # of ridge, in units of a point's number


def nearest_mean(query: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns minus the square distance to the mean of each class."""
    counts, sums = _known(query, y), _known(query, y[:, :, None] * x[:, None])
    means = sums / jnp.maximum(counts, 1)[..., None]
    distance = ((query[:, None] - means) ** 2).sum(-1)
    return -jnp.where(counts > 0, distance, _FAR)


def nearest_item(query: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns minus the square distance to the nearest item of each class."""
    distance = ((query[:, None] - x[None]) ** 2).sum(-1)
    known = jnp.tri(*distance.shape, k=-1, dtype=bool) if len(query) > 1 else jnp.ones(distance.shape, bool)
    distance = jnp.where(known[..., None] & (y > 0), distance[..., None], _FAR)
    return -distance.min(1)


def ridge(x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns the answers of ridge regression on the one-hot labels of the points before each."""
    gram = before(x[:, :, None] * x[:, None]) + _PENALTY * jnp.eye(x.shape[1])
    moment = before(x[:, :, None] * (y - 1 / y.shape[1])[:, None])
    return jnp.einsum("pd,pdc->pc", x, jnp.linalg.solve(gram, moment))


def _known(query: jax.Array, values: jax.Array) -> jax.Array:
    """Returns the sum of values [P, ...] that each query knows, [Q, ...]."""
    return before(values) if len(query) > 1 else values.sum(0)[None]


def same_class(query: jax.Array, x: jax.Array, y: jax.Array, noise: jax.Array | float) -> jax.Array:
    """Returns the log-probability of each label, by the posterior that knows that the class is among those shown.

    Centres are normal with variance 1 / D in each number, and an item is its centre plus normal noise `noise` times as
    wide, divided by sqrt(1 + noise^2). Each item is as likely to be of the query's class.
    """
    size, noise2 = x.shape[1], jnp.maximum(noise, 1e-3) ** 2
    scale = jnp.sqrt(1 + noise2)
    counts = _known(query, y)
    shrunk = _known(query, y[:, :, None] * x[:, None] * scale) / (counts + noise2)[..., None]
    variance = (noise2 + noise2 / (counts + noise2)) / size
    distance = ((query[:, None] * scale - shrunk) ** 2).sum(-1)
    fits = -0.5 * (distance / variance + size * jnp.log(variance))
    return jnp.where(counts > 0, jnp.log(jnp.maximum(counts, 1)) + fits, -jnp.inf)
