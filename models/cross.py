"""Attention to a source that is read as a whole: an encoder's to itself, a decoder's to what the encoder made."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import nnx

from models.implementations import attend_in_sight
from models.kernels import attend
from models.layers import Dense
from models.taps import tap, watched

KeysValues = tuple[jax.Array, jax.Array]


class CrossAttention(nnx.Module):
    """Multi-head attention from each position of one sequence to all positions of another.

    Vaswani et al. 2017, section 3.2. `residual_scale` is the scale of the output projection's initial values.
    """

    def __init__(self, *, width: int, heads: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        self.heads, self.precision = heads, precision
        self.q = Dense(width, width, precision=precision, rngs=rngs)
        self.kv = Dense(width, 2 * width, precision=precision, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def keys_values(self, source_NxD: jax.Array, batch: int) -> KeysValues:
        """Returns the source's keys and values, two float32[B, H, S, W]; N = batch * S."""
        k, v = rearrange(self.kv(source_NxD), "(b t) (s h w) -> s b h t w", b=batch, s=2, h=self.heads)
        return k, v

    def __call__(self, x_NxD: jax.Array, source: KeysValues, bias: jax.Array, *, named: bool = False) -> jax.Array:
        """Attends from N = batch * time positions to those of `keys_values`: float32[N, D] to float32[N, D].

        bias: what is added to scores, broadcast against float32[B, H, T, S]. named: whether its activations have names
        (see `models.taps`), as those of whole sequences have.
        """
        keys, values = source
        q = rearrange(self.q(x_NxD), "(b t) (h w) -> b h t w", b=keys.shape[0], h=self.heads)
        way = attend_in_sight if named and watched("logits", "weights") else attend
        y_BxHxTxW = way(q, keys, values, bias, self.precision)
        y_BxHxTxW = tap("heads", y_BxHxTxW) if named else y_BxHxTxW
        return self.out(rearrange(y_BxHxTxW, "b h t w -> (b t) (h w)"))

    def nothing(self, batch: int, length: int) -> KeysValues:
        """Returns keys and values of a source that is not read yet, all zero."""
        empty = jnp.zeros((batch, self.heads, length, self.q.kernel.shape[0] // self.heads))
        return empty, empty
