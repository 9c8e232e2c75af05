"""Numbers made of random bits.

An example draws all its bits in one call. Each call of JAX's generator is compiled by itself, and a sampler of fifty
calls takes as long to compile as the model's training step.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def unit(bits: jax.Array) -> jax.Array:
    """Returns uniform float32 in [0, 1), of 24 bits, from uint32 bits; same shape."""
    return (bits >> 8).astype(jnp.float32) * jnp.float32(2**-24)


def normal(bits: jax.Array) -> jax.Array:
    """Returns standard normal float32 from uint32 bits, of which 24 are used; same shape."""
    middle = 2 * unit(bits) - 1 + jnp.float32(2**-24)  # from -1 to 1 without the ends, where it would be infinite
    return jnp.float32(2**0.5) * jax.scipy.special.erfinv(middle)


def below(bits: jax.Array, n: jax.Array | int) -> jax.Array:
    """Returns uniform int32 in 0 .. n-1, for 1 <= n < 2^31, from uint32 bits; even up to n parts in 2^32."""
    return (bits % jnp.asarray(n).astype(jnp.uint32)).astype(jnp.int32)
