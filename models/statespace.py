"""State-space models: linear recurrences with a diagonal matrix, either fixed (S4D) or chosen by the input (Mamba)."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from einops import einsum, rearrange
from flax import nnx

from models.convolution import ShortConvolution, convolve
from models.layers import Dense
from models.variables import Rates

S4D_STATES = 64  # a channel; conjugate pairs, so half of them are kept
MAMBA_STATES = 16  # a channel
TAPS = 4  # of Mamba's short convolution
STEP_SIZES = 1e-3, 1e-1  # between these the initial step sizes are log-uniform

Decoded = tuple[jax.Array, Any]


def _step_sizes(width: int, rngs: nnx.Rngs) -> jax.Array:
    """Returns the logarithms of initial step sizes, float32[width]."""
    low, high = (math.log(size) for size in STEP_SIZES)
    return jax.random.uniform(rngs.params(), (width,), minval=low, maxval=high)


class S4D(nnx.Module):
    """Runs a linear time-invariant state-space model for each channel, then GELU and a product over channels.

    It follows Gu et al. 2022, "On the parameterization and initialization of diagonal state space models" (arXiv
    2206.11893), section 4: S4D-Lin's initial values, zero-order hold, B fixed at 1. In training it is one convolution.
    Two departures: the product over channels is plain, without a gate, and one learning rate serves all parameters.
    """

    def __init__(self, *, width: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        pairs = S4D_STATES // 2
        self.log_step = Rates(_step_sizes(width, rngs))
        self.log_decay = Rates(jnp.full((width, pairs), math.log(0.5)))
        self.frequency = Rates(jnp.tile(math.pi * jnp.arange(pairs, dtype=jnp.float32), (width, 1)))
        self.read = nnx.Param(math.sqrt(0.5) * jax.random.normal(rngs.params(), (2, width, pairs)))
        self.through = nnx.Param(jax.random.normal(rngs.params(), (width,)))
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def _system(self) -> tuple[jax.Array, jax.Array]:
        """Returns the step's exponent and the output's weights, two complex64[D, P]. The input drives the state."""
        a_DxP = jax.lax.complex(-jnp.exp(self.log_decay[...]), self.frequency[...])
        exponent_DxP = a_DxP * jnp.exp(self.log_step[...])[:, None]
        return exponent_DxP, 2 * jax.lax.complex(*self.read[...]) * jnp.expm1(exponent_DxP) / a_DxP

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Applies the model at N = batch * time positions: float32[N, D] to float32[N, D]."""
        exponent_DxP, read_DxP = self._system()
        powers_TxDxP = jnp.exp(exponent_DxP * np.arange(x_NxD.shape[0] // batch)[:, None, None])
        filter_TxD = einsum(powers_TxDxP, read_DxP, "t d p, d p -> t d").real
        return self._project(convolve(x_NxD, filter_TxD), x_NxD)

    def _project(self, y_NxD: jax.Array, x_NxD: jax.Array) -> jax.Array:
        return self.out(nnx.gelu(y_NxD + self.through[...] * x_NxD))

    def init_cache(self, batch: int) -> jax.Array:
        """Returns the state before the first position, zero: complex64[batch, D, pairs]."""
        return jnp.zeros((batch, *self.log_decay.shape), jnp.complex64)

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Applies the model at one position: returns float32[B, D] and the state after it."""
        exponent_DxP, read_DxP = self._system()
        cache = jnp.exp(exponent_DxP) * cache + x_BxD[..., None]
        return self._project(einsum(cache, read_DxP, "b d p, d p -> b d").real, x_BxD), cache


class Mamba(nnx.Module):
    """Runs a state-space model whose step size, input and output weights depend on the input, behind a gate.

    It follows Gu and Dao 2023, "Mamba" (arXiv 2312.00752), algorithm 2 and section 3.4. One departure: the inner width
    is the width and not twice that, because the block has an MLP too.
    """

    def __init__(self, *, width: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        self.rank = -(-width // 16)
        self.into = Dense(width, 2 * width, precision=precision, rngs=rngs)
        self.short = ShortConvolution(width, TAPS, rngs=rngs)
        self.select = Dense(width, self.rank + 2 * MAMBA_STATES, precision=precision, bias=False, rngs=rngs)
        self.step_size = Dense(self.rank, width, precision=precision, rngs=rngs)
        self.step_size.bias = Rates(jnp.log(jnp.expm1(jnp.exp(_step_sizes(width, rngs)))))
        self.log_decay = Rates(jnp.tile(jnp.log(1.0 + jnp.arange(MAMBA_STATES))[:, None], (1, width)))
        self.through = nnx.Param(jnp.ones(width))
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Applies the model at N = batch * time positions: float32[N, D] to float32[N, D]."""
        x_NxD, gate_NxD = jnp.split(self.into(x_NxD), 2, axis=-1)
        x_NxD = jax.nn.silu(self.short(x_NxD, batch))
        parts = [rearrange(part, "(b t) d -> t b d", b=batch) for part in (x_NxD, *self._selected(x_NxD))]
        # A CPU core walks through time with the state in its cache; an accelerator would be idle meanwhile.
        y_TxBxD = jax.lax.platform_dependent(*parts, self._decay(), cpu=scan_in_turn, default=scan_by_doubling)
        return self._project(rearrange(y_TxBxD, "t b d -> (b t) d"), x_NxD, gate_NxD)

    def _selected(self, x_NxD: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns what the inputs choose: step sizes float32[N, D], input and output weights float32[N, S]."""
        low_NxR, write_NxS, read_NxS = jnp.split(self.select(x_NxD), [self.rank, self.rank + MAMBA_STATES], axis=-1)
        return jax.nn.softplus(self.step_size(low_NxR)), write_NxS, read_NxS

    def _decay(self) -> jax.Array:
        return -jnp.exp(self.log_decay[...])

    def _project(self, y_NxD: jax.Array, x_NxD: jax.Array, gate_NxD: jax.Array) -> jax.Array:
        return self.out((y_NxD + self.through[...] * x_NxD) * jax.nn.silu(gate_NxD))

    def init_cache(self, batch: int) -> tuple[jax.Array, jax.Array]:
        """Returns zeros: the short convolution's inputs and the state float32[batch, S, D] before position 0."""
        return self.short.init_cache(batch), jnp.zeros((batch, *self.log_decay.shape))

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: tuple[jax.Array, jax.Array]) -> Decoded:
        """Applies the model at one position: returns float32[B, D] and the cache after it."""
        recent, state_BxSxD = cache
        x_BxD, gate_BxD = jnp.split(self.into(x_BxD), 2, axis=-1)
        x_BxD, recent = self.short.step(x_BxD, recent)
        x_BxD = jax.nn.silu(x_BxD)
        state_BxSxD, y_BxD = _advance(state_BxSxD, (x_BxD, *self._selected(x_BxD)), self._decay())
        return self._project(y_BxD, x_BxD, gate_BxD), (recent, state_BxSxD)


def _advance(state_BxSxD: jax.Array, at: tuple[jax.Array, ...], decay_SxD: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns state and output after a position.

    Gu and Dao 2023, equations 2 and 4, with B discretised by Euler's rule.
    """
    x_BxD, step_BxD, write_BxS, read_BxS = at
    kept_BxSxD = jnp.exp(step_BxD[:, None] * decay_SxD)
    state_BxSxD = kept_BxSxD * state_BxSxD + write_BxS[..., None] * (step_BxD * x_BxD)[:, None]
    return state_BxSxD, (read_BxS[..., None] * state_BxSxD).sum(1)


def scan_in_turn(
    x_TxBxD: jax.Array, step_TxBxD: jax.Array, write_TxBxS: jax.Array, read_TxBxS: jax.Array, decay_SxD: jax.Array
) -> jax.Array:
    """Returns the outputs float32[T, B, D] of Mamba's recurrence, one position after another.

    For the gradient only the states are kept; everything between one state and the next is computed again.
    """
    advance = jax.checkpoint(lambda state, at: _advance(state, at, decay_SxD))
    empty_BxSxD = jnp.zeros((x_TxBxD.shape[1], *decay_SxD.shape))
    return jax.lax.scan(advance, empty_BxSxD, (x_TxBxD, step_TxBxD, write_TxBxS, read_TxBxS), unroll=4)[1]


@jax.checkpoint
def scan_by_doubling(
    x_TxBxD: jax.Array, step_TxBxD: jax.Array, write_TxBxS: jax.Array, read_TxBxS: jax.Array, decay_SxD: jax.Array
) -> jax.Array:
    """Returns the same as `scan_in_turn` in a number of rounds logarithmic in time, all positions at once in each."""
    kept_TxBxSxD = jnp.exp(step_TxBxD[:, :, None] * decay_SxD)
    added_TxBxSxD = write_TxBxS[..., None] * (step_TxBxD * x_TxBxD)[:, :, None]

    def compose(first: tuple[jax.Array, jax.Array], then: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return first[0] * then[0], then[0] * first[1] + then[1]

    _, state_TxBxSxD = jax.lax.associative_scan(compose, (kept_TxBxSxD, added_TxBxSxD))
    return (read_TxBxS[..., None] * state_TxBxSxD).sum(2)
