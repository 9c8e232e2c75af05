"""Points and literals as bits: 32 coordinates to a word of uint32, 1 for +1 and 0 for -1, and zeros after the last."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


def pack(ones: jax.Array) -> jax.Array:
    """Packs points bool[..., n], true for +1, into words uint32[..., W]."""
    n = ones.shape[-1]
    padded = jnp.pad(ones, [(0, 0)] * (ones.ndim - 1) + [(0, -n % 32)])
    bits = padded.reshape(*ones.shape[:-1], -1, 32).astype(jnp.uint32)
    return (bits << jnp.arange(32, dtype=jnp.uint32)).sum(-1, dtype=jnp.uint32)


def unpack(words: jax.Array, n: int) -> jax.Array:
    """Unpacks words uint32[..., W] into points float32[..., n] of -1 and 1."""
    bits = (words[..., None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return 2 * bits.reshape(*words.shape[:-1], -1)[..., :n].astype(jnp.float32) - 1


class Literals(NamedTuple):
    """The variables that are present, and those that are present negated: words uint32[..., W]."""

    present: jax.Array
    negated: jax.Array

    @classmethod
    def of(cls, digits: jax.Array) -> Literals:
        """Returns the literals of digits int32[..., n]: 0 for absent, 1 for present and 2 for negated."""
        return cls(pack(digits == 1), pack(digits == 2))

    @property
    def opposite(self) -> Literals:
        """Returns each literal negated."""
        return Literals(self.negated, self.present)

    def hold(self, x_MxW: jax.Array) -> jax.Array:
        """Returns at which points all literals are true: bool[M]."""
        return ((self.present & ~x_MxW | self.negated & x_MxW) == 0).all(-1)

    def some_hold(self, x_MxW: jax.Array) -> jax.Array:
        """Returns at which points all literals of one row are true, for rows uint32[K, W]: bool[M]."""
        return jax.vmap(lambda row: row.hold(x_MxW))(self).any(0)

    def satisfy(self, x_MxW: jax.Array, planted_M: jax.Array) -> jax.Array:
        """Returns the points; in the planted ones all literals are made true."""
        return jnp.where(planted_M[:, None], (x_MxW | self.present) & ~self.negated, x_MxW)
