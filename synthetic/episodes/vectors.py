"""Normal vectors by their number: class centres, label vectors, weights and projections that are never stored.

Vector i of a stream is a pure function of (data seed, stream, i). Training and what is held out have different streams,
so that no vector is in both.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from fields import INT32_MAX

_DATA = 0x45504953  # keeps the data seed's stream apart from a run's if both seeds are the same number
TRAINED, HELD_OUT, FRESH, POOLED, LABELS, BASE, OTHER_BASE, ORDERS = range(8)  # streams
UNLIMITED = INT32_MAX  # vectors of a stream, where their number is no limit


def key(seed: jax.Array | int, stream: jax.Array | int, number: jax.Array | int) -> jax.Array:
    """Returns the key of a vector of a stream."""
    data = jax.random.fold_in(jax.random.key(seed), _DATA)
    return jax.random.fold_in(jax.random.fold_in(data, stream), number)


def vector(seed: jax.Array | int, stream: jax.Array | int, number: jax.Array | int, size: int) -> jax.Array:
    """Returns a vector of independent standard normal numbers, float32[size]."""
    return jax.random.normal(key(seed, stream, number), (size,))


def vectors(seed: jax.Array | int, stream: jax.Array | int, numbers: jax.Array, size: int) -> jax.Array:
    """Returns the vectors of `numbers` int32[N], float32[N, size]."""
    return jax.vmap(lambda number: vector(seed, stream, number, size))(numbers)


_one = functools.partial(jax.jit, static_argnums=3, compiler_options={"xla_backend_optimization_level": 0})(vector)


@functools.lru_cache(maxsize=2**14)  # examples share their vectors, and a call costs far more than a look
def content(seed: int, stream: int, number: int, size: int) -> tuple[float, ...]:
    """Returns a vector on the host, rounded: what tells one from another, whatever its number."""
    row = _one(jnp.int32(seed), jnp.int32(stream), jnp.int32(number), size)
    return tuple(np.asarray(row).round(4).tolist())


def before(values: jax.Array) -> jax.Array:
    """Returns sums along the first axis of all rows before each."""
    return jnp.cumsum(values, 0) - values
