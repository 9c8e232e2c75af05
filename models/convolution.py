"""Causal convolutions over time, with one filter for each channel.

Long filters go by FFT, short ones tap by tap.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import nnx


def convolve(x_NxD: jax.Array, filter_TxD: jax.Array) -> jax.Array:
    """Convolves each of the sequences in `x_NxD` (N = batch * T) with the filter; returns float32[N, D].

    It uses the FFT, padded to twice the length so that nothing wraps around: O(T log T). Rounding spreads over all
    positions, so an input after a position changes that position's value by about 1e-7 of the sequence's largest.
    """
    time = filter_TxD.shape[0]
    x_BxDxT = rearrange(x_NxD, "(b t) d -> b d t", t=time)
    spectrum = jnp.fft.rfft(x_BxDxT, 2 * time) * jnp.fft.rfft(filter_TxD.T, 2 * time)
    y_BxDxT = jnp.fft.irfft(spectrum, 2 * time)[..., :time]
    return rearrange(y_BxDxT, "b d t -> (b t) d")


class ShortConvolution(nnx.Module):
    """Convolves causally with a few taps, one filter for each channel."""

    def __init__(self, width: int, taps: int, *, rngs: nnx.Rngs):
        self.kernel = nnx.Param(taps**-0.5 * jax.random.normal(rngs.params(), (taps, width)))
        self.bias = nnx.Param(jnp.zeros(width))

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Maps float32[N, width] to the same shape, N = batch * time; the last tap is the position's own."""
        kernel = self.kernel[...]
        taps, x_BxTxD = kernel.shape[0], rearrange(x_NxD, "(b t) d -> b t d", b=batch)
        time = x_BxTxD.shape[1]
        padded = jnp.pad(x_BxTxD, ((0, 0), (taps - 1, 0), (0, 0)))
        y_BxTxD = sum(padded[:, i : i + time] * kernel[i] for i in range(taps)) + self.bias[...]
        return rearrange(y_BxTxD, "b t d -> (b t) d")

    def init_cache(self, batch: int) -> jax.Array:
        """Returns the inputs of the positions before the first, all zero: float32[batch, taps - 1, width]."""
        taps, width = self.kernel.shape
        return jnp.zeros((batch, taps - 1, width))

    def step(self, x_BxD: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the convolution at one position, float32[B, width], and the inputs that the next one needs."""
        window_BxKxD = jnp.concatenate([cache, x_BxD[:, None]], axis=1)
        return (window_BxKxD * self.kernel[...]).sum(1) + self.bias[...], window_BxKxD[:, 1:]
