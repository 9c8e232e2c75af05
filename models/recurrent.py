"""LSTM and GRU: layers whose state at a position is a nonlinear function of the state before it.

Only the products of the inputs can be computed for all positions at once, as one product. The rest is a scan over time
with one product of the state a position. Each layer has its own output projection, so that its share of the residual
stream starts as small as attention's.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import nnx

from models.layers import Dense

Cell = tuple[jax.Array, jax.Array]


class LSTM(nnx.Module):
    """Long short-term memory, which has `width` cells.

    It follows Hochreiter and Schmidhuber 1997, "Long short-term memory", and has the forget gate of Gers et al. 2000,
    "Learning to forget". The bias of the gate starts at 1: a cell remembers until it has learned to forget.
    """

    def __init__(self, *, width: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        self.gates = Dense(width, 4 * width, precision=precision, rngs=rngs)
        self.gates.bias = nnx.Param(jnp.zeros(4 * width).at[:width].set(1.0))
        self.recurrent = Dense(width, 4 * width, precision=precision, bias=False, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Returns the cells' outputs at N = batch * time positions: float32[N, D] to float32[N, D]."""
        gates_TxBxE = rearrange(self.gates(x_NxD), "(b t) e -> t b e", b=batch)
        _, h_TxBxD = jax.lax.scan(self._advance, self.init_cache(batch), gates_TxBxE)
        return self.out(rearrange(h_TxBxD, "t b d -> (b t) d"))

    def _advance(self, state: Cell, gates_BxE: jax.Array) -> tuple[Cell, jax.Array]:
        """Returns output and cell after one more position; `gates_BxE` is the inputs' part of the gates."""
        h_BxD, cell_BxD = state
        forget, write, show, new = jnp.split(gates_BxE + self.recurrent(h_BxD), 4, axis=-1)
        cell_BxD = jax.nn.sigmoid(forget) * cell_BxD + jax.nn.sigmoid(write) * jnp.tanh(new)
        h_BxD = jax.nn.sigmoid(show) * jnp.tanh(cell_BxD)
        return (h_BxD, cell_BxD), h_BxD

    def init_cache(self, batch: int) -> Cell:
        """Returns output and cell before the first position, both zero: two float32[batch, D]."""
        empty_BxD = jnp.zeros((batch, self.out.kernel.shape[0]))
        return empty_BxD, empty_BxD

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: Cell) -> tuple[jax.Array, Cell]:
        """Applies the layer at one position: returns float32[B, D] and the state after it."""
        cache, h_BxD = self._advance(cache, self.gates(x_BxD))
        return self.out(h_BxD), cache


class GRU(nnx.Module):
    """Gated recurrent unit, which has `width` cells.

    It follows Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", section 2.3. One departure,
    that of cuDNN and PyTorch: the reset gate acts on the product of the state and not on the state, so that a position
    takes one product and not two.
    """

    def __init__(self, *, width: int, precision: str, residual_scale: float, rngs: nnx.Rngs, **_: Any):
        self.gates = Dense(width, 3 * width, precision=precision, rngs=rngs)
        self.recurrent = Dense(width, 3 * width, precision=precision, rngs=rngs)
        self.out = Dense(width, width, scale=residual_scale, precision=precision, rngs=rngs)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Returns the cells' outputs at N = batch * time positions: float32[N, D] to float32[N, D]."""
        gates_TxBxE = rearrange(self.gates(x_NxD), "(b t) e -> t b e", b=batch)
        _, h_TxBxD = jax.lax.scan(self._advance, self.init_cache(batch), gates_TxBxE)
        return self.out(rearrange(h_TxBxD, "t b d -> (b t) d"))

    def _advance(self, h_BxD: jax.Array, gates_BxE: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the state after one more position, twice: as state and as output.

        `gates_BxE` is the inputs' part of the gates.
        """
        reset_x, keep_x, new_x = jnp.split(gates_BxE, 3, axis=-1)
        reset_h, keep_h, new_h = jnp.split(self.recurrent(h_BxD), 3, axis=-1)
        keep = jax.nn.sigmoid(keep_x + keep_h)
        new = jnp.tanh(new_x + jax.nn.sigmoid(reset_x + reset_h) * new_h)
        h_BxD = keep * h_BxD + (1 - keep) * new
        return h_BxD, h_BxD

    def init_cache(self, batch: int) -> jax.Array:
        """Returns the state before the first position, zero: float32[batch, D]."""
        return jnp.zeros((batch, self.out.kernel.shape[0]))

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Applies the layer at one position: returns float32[B, D] and the state after it."""
        cache, h_BxD = self._advance(cache, self.gates(x_BxD))
        return self.out(h_BxD), cache
