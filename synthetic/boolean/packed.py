"""Points and literals as bits: 32 coordinates to a word of uint32, 1 for +1 and 0 for -1, and zeros after the last."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


def pack(ones: jax.Array) -> jax.Array:
    """Points bool[..., n], true where +1, as words uint32[..., W]."""
    n = ones.shape[-1]
    padded = jnp.pad(ones, [(0, 0)] * (ones.ndim - 1) + [(0, -n % 32)])
    bits = padded.reshape(*ones.shape[:-1], -1, 32).astype(jnp.uint32)
    return (bits << jnp.arange(32, dtype=jnp.uint32)).sum(-1, dtype=jnp.uint32)


def unpack(words: jax.Array, n: int) -> jax.Array:
    """Words uint32[..., W] as points float32[..., n] of -1 and 1."""
    bits = (words[..., None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return 2 * bits.reshape(*words.shape[:-1], -1)[..., :n].astype(jnp.float32) - 1


class Literals(NamedTuple):
    """The variables that are there, and those that are there negated: words uint32[..., W]."""

    there: jax.Array
    negated: jax.Array

    @classmethod
    def of(cls, digits: jax.Array) -> Literals:
        """Of digits int32[..., n] of 0 for absent, 1 for there and 2 for negated."""
        return cls(pack(digits == 1), pack(digits == 2))

    @property
    def opposite(self) -> Literals:
        """Each literal negated."""
        return Literals(self.negated, self.there)

    def hold(self, x_MxW: jax.Array) -> jax.Array:
        """At which points all are true: bool[M]."""
        return ((self.there & ~x_MxW | self.negated & x_MxW) == 0).all(-1)

    def some_hold(self, x_MxW: jax.Array) -> jax.Array:
        """At which points all of one row are true, of rows uint32[K, W]: bool[M]."""
        return jax.vmap(lambda row: row.hold(x_MxW))(self).any(0)

    def satisfy(self, x_MxW: jax.Array, planted_M: jax.Array) -> jax.Array:
        """The points, those planted with all made true."""
        return jnp.where(planted_M[:, None], (x_MxW | self.there) & ~self.negated, x_MxW)
