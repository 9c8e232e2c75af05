"""Hyena: long convolutions with gates between them. A small network computes the filters from the time."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from einops import einsum, rearrange
from flax import nnx

from models.convolution import ShortConvolution, convolve
from models.layers import Dense

ORDER = 2
TAPS = 3  # of the short convolution
BANDS = 4  # frequencies at which the filter network is told the time
HIDDEN = 64  # width of the filter network

Cache = tuple[jax.Array, list[jax.Array], jax.Array]


class Filter(nnx.Module):
    """Computes the filters of `ORDER` convolutions over `length` positions as a function of the time.

    It follows Poli et al. 2023, section 3.3: a network with sines as its nonlinearity, in a window that decays at
    another rate in each channel. A part that passes the position's own input through is added. One departure: windows
    have unit norm, so that a convolution at first keeps the size of its input.
    """

    def __init__(self, width: int, length: int, *, rngs: nnx.Rngs):
        sizes = [2 * BANDS + 1, HIDDEN, HIDDEN, HIDDEN, ORDER * width]
        self.layers = nnx.List(Dense(a, b, precision="float32", rngs=rngs) for a, b in itertools.pairwise(sizes))
        self.through = nnx.Param(jax.random.normal(rngs.params(), (ORDER, width)))
        self.length = length

    def __call__(self, time: int) -> jax.Array:
        """Returns the first `time` values of each filter, float32[ORDER, time, width]."""
        width = self.through.shape[1]
        t_Lx1 = np.arange(self.length)[:, None] / self.length
        angle_LxK = 2 * np.pi * np.arange(1, BANDS + 1) * t_Lx1
        features_LxF = np.concatenate([t_Lx1, np.cos(angle_LxK), np.sin(angle_LxK)], axis=1)
        # A window has fallen to a hundredth at between 0.3 and 1.5 of the length.
        window_LxD = np.exp(-np.log(100) / np.linspace(0.3, 1.5, width) * t_Lx1)
        window_LxD /= np.linalg.norm(window_LxD, axis=0)
        h_TxE = jnp.asarray(features_LxF[:time], jnp.float32)
        for layer in self.layers[:-1]:
            h_TxE = jnp.sin(layer(h_TxE))
        filter_OxTxD = rearrange(self.layers[-1](h_TxE), "t (o d) -> o t d", o=ORDER)
        filter_OxTxD = filter_OxTxD * jnp.asarray(window_LxD[:time], jnp.float32)
        return filter_OxTxD.at[:, 0].add(self.through[...])


class Hyena(nnx.Module):
    """Applies the Hyena operator of order 2.

    It follows Poli et al. 2023, "Hyena hierarchy" (arXiv 2302.10866), definition 3.1: z_1 = v, z_(n+1) = x_n * (h_n
    conv z_n), and the output is z_3. Here v, x_1 and x_2 are projections of the input behind a short convolution. All
    convolutions have a long filter; the authors' code of order 2 has one such and leaves the other to the short
    convolution.
    """

    def __init__(self, *, width: int, length: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        self.width, self.length = width, length
        self.into = Dense(width, (ORDER + 1) * width, precision=precision, rngs=rngs)
        self.short = ShortConvolution((ORDER + 1) * width, TAPS, rngs=rngs)
        self.filter = Filter(width, length, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Applies the operator at N = batch * time positions: float32[N, D] to float32[N, D]."""
        z_NxD, *gates = jnp.split(self.short(self.into(x_NxD), batch), ORDER + 1, axis=-1)
        for gate_NxD, filter_TxD in zip(gates, self.filter(x_NxD.shape[0] // batch), strict=True):
            z_NxD = gate_NxD * convolve(z_NxD, filter_TxD)
        return self.out(z_NxD)

    def init_cache(self, batch: int) -> Cache:
        """Returns no inputs yet, of the short and of the long convolutions, and the long ones' filters, made once."""
        none_yet = jnp.zeros((batch, self.length, self.width))
        return self.short.init_cache(batch), [none_yet] * ORDER, self.filter(self.length)

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """Applies the operator at position `t` (traced int32): returns float32[B, D] and the cache with `t` added.

        A filter of this kind is no recurrence of bounded state: all past inputs are weighted anew, O(length).
        """
        recent, past, filters = cache
        projected, recent = self.short.step(self.into(x_BxD), recent)
        z_BxD, *gates = jnp.split(projected, ORDER + 1, axis=-1)
        since_L = t - jnp.arange(self.length)
        after = []
        for gate_BxD, past_BxLxD, filter_LxD in zip(gates, past, filters, strict=True):
            past_BxLxD = past_BxLxD.at[:, t].set(z_BxD)
            weight_LxD = jnp.where(since_L[:, None] >= 0, filter_LxD[jnp.maximum(since_L, 0)], 0.0)
            z_BxD = gate_BxD * einsum(past_BxLxD, weight_LxD, "b l d, l d -> b d")
            after.append(past_BxLxD)
        return self.out(z_BxD), (recent, after, filters)
