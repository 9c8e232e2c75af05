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
from models.layers import Dense, LayerNorm
from models.taps import tap, watched

SCALES = ("none", "log", "learned")


class Attention(nnx.Module):
    """Multi-head causal self-attention, with RoPE or ALiBi where `position` says so.

    Vaswani et al. 2017, section 3.2. `residual_scale` is the scale of the output projection's initial values.

    qk_norm: queries and keys are normalised, head by head, before they are turned; gains are shared by the heads
        (Dehghani et al. 2023, "Scaling vision transformers to 22 billion parameters", section 2).
    attention_scale: by what scores are multiplied where n positions are seen: log n (Chiang and Cholak 2022,
        "Overcoming a theoretical limitation of self-attention", section 5.2), or a + b log n, with a and b learned for
        each head, at first 1 and 0.
    biases: whether projections have them.
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
        qk_norm: bool = False,
        attention_scale: str = "none",
        biases: bool = True,
        rngs: nnx.Rngs,
    ):
        self.heads, self.length, self.position, self.precision = heads, length, position, precision
        self.qk_norm, self.attention_scale = qk_norm, attention_scale
        self.qkv = Dense(width, 3 * width, precision=precision, bias=biases, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, bias=biases, rngs=rngs)
        if qk_norm:
            self.q_norm, self.k_norm = (LayerNorm(width // heads, bias=False) for _ in range(2))
        if attention_scale == "learned":
            self.scale = nnx.Param(jnp.stack([jnp.ones(heads), jnp.zeros(heads)]))

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Attends over N = batch * time positions: float32[N, D] to float32[N, D]."""
        q, k, v = rearrange(self.qkv(x_NxD), "(b t) (s h w) -> s b h t w", b=batch, s=3, h=self.heads)
        time = q.shape[2]
        q, k = self._rescaled(q, k, np.arange(time))
        if self.position == "rope":
            turn_TxW = positions.rotation(time, q.shape[-1])
            q, k = positions.rotate(q, *turn_TxW), positions.rotate(k, *turn_TxW)
        if watched("logits", "weights"):
            bias_TxT = self._bias(np.arange(time)[:, None], np.arange(time)[None, :])
            y_BxHxTxW = attend_in_sight(q, k, v, bias_TxT, self.precision)
        else:
            y_BxHxTxW = attend_causally(q, k, v, self._bias, position=self.position, precision=self.precision)
        return self.out(rearrange(tap("heads", y_BxHxTxW), "b h t w -> (b t) (h w)"))

    def _rescaled(self, q: jax.Array, k: jax.Array, at: jax.Array | np.ndarray) -> tuple[jax.Array, jax.Array]:
        """Returns queries and keys, float32[B, H, T, W], normalised and scaled as the fields say.

        `at` are the positions of the queries, int32[T], or the only one.
        """
        if self.qk_norm:
            q, k = (_by_head(norm, x) for norm, x in ((self.q_norm, q), (self.k_norm, k)))
        if self.attention_scale == "log":
            q = q * jnp.log(at + 1)[..., None]
        elif self.attention_scale == "learned":
            at_first_H, by_log_H = self.scale[...]
            q = q * (at_first_H[:, None] + by_log_H[:, None] * jnp.log(at + 1))[..., None]
        return q, k

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
        q, k = self._rescaled(q, k, t)
        if self.position == "rope":
            turn_W = [jnp.asarray(table_TxW)[t] for table_TxW in positions.rotation(self.length, q.shape[-1])]
            q, k = positions.rotate(q, *turn_W), positions.rotate(k, *turn_W)
        keys, values = (c.at[:, :, t].set(new[:, :, 0]) for c, new in zip(cache, (k, v), strict=True))
        y_BxHx1xW = attend(q, keys, values, self._bias(t, np.arange(self.length)[None, :]), self.precision)
        return self.out(rearrange(y_BxHx1xW, "b h 1 w -> b (h w)")), (keys, values)


def _by_head(norm: LayerNorm, x_BxHxTxW: jax.Array) -> jax.Array:
    """Normalises the rows of each head."""
    batch, heads = x_BxHxTxW.shape[:2]
    rows_NxW = norm(rearrange(x_BxHxTxW, "b h t w -> (b h t) w"))
    return rearrange(rows_NxW, "(b h t) w -> b h t w", b=batch, h=heads)
