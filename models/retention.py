"""Retention: attention without a softmax. Its weights decay with distance, so it is a linear recurrence too."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from einops import einsum, rearrange
from flax import nnx

from models import positions
from models.kernels import matmul, normalize
from models.layers import Dense
from models.taps import tap


class Retention(nnx.Module):
    """Applies gated multi-scale retention.

    It follows Sun et al. 2023, "Retentive network" (arXiv 2307.08621), section 2: queries and keys are turned by their
    position (which needs an even width per head), head h decays by 1 - 2^(-5-h) a position, each head's output is
    normalised and the whole gated. There are three departures. Values are as wide as queries, not twice, because the
    MLP beside it is a transformer's and not half as wide. The norms of a head's output have no gains, which the output
    projection has. The row sums by which the paper divides scores are left out, since that normalisation undoes them.
    """

    def __init__(
        self, *, width: int, heads: int, length: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any
    ):
        self.heads, self.length, self.precision = heads, length, precision
        self.qkvg = Dense(width, 4 * width, precision=precision, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Retains over N = batch * time positions, by all pairs of positions: float32[N, D] to float32[N, D]."""
        q, k, v, gate = rearrange(self.qkvg(x_NxD), "(b t) (s h w) -> s b h t w", b=batch, s=4, h=self.heads)
        time = q.shape[2]
        q, k = self._turn(q, k, *positions.rotation(time, q.shape[-1]))
        since_TxT = np.arange(time)[:, None] - np.arange(time)
        kept_HxTxT = np.where(since_TxT >= 0, self._decay()[:, None, None] ** np.maximum(since_TxT, 0), 0.0)
        weights = matmul(q, rearrange(k, "b h t w -> b h w t"), self.precision) * kept_HxTxT.astype(np.float32)
        y_BxHxTxW = matmul(tap("weights", weights), v, self.precision)
        y, gate = (rearrange(part, "b h t w -> (b t) h w") for part in (y_BxHxTxW, gate))
        return self._project(y, gate)

    def _decay(self) -> np.ndarray:
        """Returns the share that is kept from one position to the next, by head."""
        return 1 - 2.0 ** (-5 - np.arange(self.heads))

    def _turn(self, q: jax.Array, k: jax.Array, cos: Any, sin: Any) -> tuple[jax.Array, jax.Array]:
        """Returns queries, scaled, and keys, turned by their positions."""
        return positions.rotate(q * q.shape[-1] ** -0.5, cos, sin), positions.rotate(k, cos, sin)

    def _project(self, y_NxHxW: jax.Array, gate_NxHxW: jax.Array) -> jax.Array:
        """Normalises each head's output, gates it, and applies the heads' projection: float32[N, D]."""
        width = y_NxHxW.shape[-1]
        unit = normalize(rearrange(y_NxHxW, "n h w -> (n h) w"), jnp.ones(width), jnp.zeros(width))
        gate_NxD = rearrange(gate_NxHxW, "n h w -> n (h w)")
        return self.out(jax.nn.silu(gate_NxD) * rearrange(unit, "(n h) w -> n (h w)", h=self.heads))

    def init_cache(self, batch: int) -> jax.Array:
        """Returns the empty state: float32[batch, heads, head_width, head_width]."""
        head_width = self.out.kernel.shape[0] // self.heads
        return jnp.zeros((batch, self.heads, head_width, head_width))

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Applies the layer at position `t` (traced int32): returns float32[B, D] and the state after it."""
        q, k, v, gate = rearrange(self.qkvg(x_BxD), "b (s h w) -> s b h w", s=4, h=self.heads)
        q, k = self._turn(q, k, *(jnp.asarray(table)[t] for table in positions.rotation(self.length, q.shape[-1])))
        kept_Hx1x1 = jnp.asarray(self._decay(), jnp.float32)[:, None, None]
        cache = kept_Hx1x1 * cache + einsum(k, v, "b h i, b h j -> b h i j")
        return self._project(einsum(q, cache, "b h i, b h i j -> b h j"), gate), cache
