"""Causal multi-head self-attention over whole sequences, or one position at a time with a key-value cache."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import nnx

from models import positions
from models.implementations import attend_causally, attend_in_sight
from models.kernels import attend
from models.layers import Dense
from models.taps import tap, watched


class Attention(nnx.Module):
    """Multi-head causal self-attention, with RoPE or ALiBi where `position` says so.

    Vaswani et al. 2017, section 3.2. `residual_scale` is the scale of the output projection's initial values.
    """

    def __init__(
        self,
        *,
        width: int,
        heads: int,
        length: int,
        position: str,
        precision: str,
        residual_scale: float,
        rngs: nnx.Rngs,
    ):
        self.heads, self.length, self.position, self.precision = heads, length, position, precision
        self.qkv = Dense(width, 3 * width, precision=precision, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Attends over N = batch * time positions: float32[N, D] to float32[N, D]."""
        q, k, v = rearrange(self.qkv(x_NxD), "(b t) (s h w) -> s b h t w", b=batch, s=3, h=self.heads)
        time = q.shape[2]
        if self.position == "rope":
            turn_TxW = positions.rotation(time, q.shape[-1])
            q, k = positions.rotate(q, *turn_TxW), positions.rotate(k, *turn_TxW)
        if watched("logits", "weights"):
            bias_TxT = self._bias(np.arange(time)[:, None], np.arange(time)[None, :])
            y_BxHxTxW = attend_in_sight(q, k, v, bias_TxT, self.precision)
        else:
            y_BxHxTxW = attend_causally(q, k, v, self._bias, position=self.position, precision=self.precision)
        return self.out(rearrange(tap("heads", y_BxHxTxW), "b h t w -> (b t) (h w)"))

    def _bias(self, query: jax.Array | np.ndarray, key: np.ndarray) -> jax.Array:
        """Returns what a score is biased by: -infinity where the key lies ahead of the query, and ALiBi's penalty."""
        bias = jnp.where(key <= query, 0.0, -jnp.inf)
        if self.position == "alibi":
            bias = bias - positions.alibi_slopes(self.heads)[:, None, None] * (query - key)
        return bias

    def init_cache(self, batch: int) -> tuple[jax.Array, jax.Array]:
        """Returns a cache without keys and values: two float32[batch, heads, length, head_width]."""
        head_width = self.qkv.kernel.shape[0] // self.heads
        empty = jnp.zeros((batch, self.heads, self.length, head_width))
        return empty, empty

    def step(
        self, x_BxD: jax.Array, t: jax.Array, cache: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """Attends from position `t` (traced int32) to all up to it: float32[B, D], and the cache with `t` added."""
        q, k, v = rearrange(self.qkv(x_BxD), "b (s h w) -> s b h 1 w", s=3, h=self.heads)
        if self.position == "rope":
            turn_W = [jnp.asarray(table_TxW)[t] for table_TxW in positions.rotation(self.length, q.shape[-1])]
            q, k = positions.rotate(q, *turn_W), positions.rotate(k, *turn_W)
        keys, values = (c.at[:, :, t].set(new[:, :, 0]) for c, new in zip(cache, (k, v), strict=True))
        y_BxHx1xW = attend(q, keys, values, self._bias(t, np.arange(self.length)[None, :]), self.precision)
        return self.out(rearrange(y_BxHx1xW, "b h 1 w -> b (h w)")), (keys, values)
