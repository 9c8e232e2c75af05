"""Residual blocks of a transformer: a layer that mixes positions, then an MLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import nnx

from models.layers import ACTIVATIONS, Dense, LayerNorm
from models.mixers import MIXERS
from models.taps import scope, tap
from models.variables import freeze

if TYPE_CHECKING:
    from models.transformer import TransformerConfig


class MLP(nnx.Module):
    """Two dense layers with a nonlinearity between."""

    def __init__(
        self,
        width: int,
        hidden: int,
        activation: str,
        *,
        precision: str,
        residual_scale: float,
        bias: bool = True,
        rngs: nnx.Rngs,
    ):
        self.inner = Dense(width, hidden, precision=precision, bias=bias, rngs=rngs)
        self.outer = Dense(hidden, width, scale=residual_scale, precision=precision, bias=bias, rngs=rngs)
        self.activation = activation

    def __call__(self, x_NxD: jax.Array, batch: int | None = None) -> jax.Array:
        """Maps float32[N, width] to the same shape. With a `batch`, N is that times time."""
        hidden_NxE = ACTIVATIONS[self.activation](self.inner(x_NxD))
        return self.outer(hidden_NxE if batch is None else tap("hidden", hidden_NxE, batch))


class Block(nnx.Module):
    """A residual block: a layer that mixes positions, then an MLP, each behind a LayerNorm."""

    def __init__(self, config: TransformerConfig, *, length: int, rngs: nnx.Rngs):
        scale = (2 * config.depth) ** -0.5  # GPT-2: the residual stream's variance does not grow with depth
        self.mixer_norm = LayerNorm(config.width, bias=config.biases)
        self.mixer = MIXERS[config.mixer](
            width=config.width,
            heads=config.heads,
            length=length,
            position=config.position,
            precision=config.precision,
            residual_scale=scale,
            qk_norm=config.qk_norm,
            attention_scale=config.attention_scale,
            biases=config.biases,
            rngs=rngs,
        )
        if config.mlp_ratio:
            self.mlp_norm = LayerNorm(config.width, bias=config.biases)
            self.mlp = MLP(
                config.width,
                config.mlp_ratio * config.width,
                config.activation,
                precision=config.precision,
                residual_scale=scale,
                bias=config.biases,
                rngs=rngs,
            )
        else:
            self.mlp = None
        if config.frozen:
            freeze(self.mixer)
            if self.mlp is not None:
                freeze(self.mlp)

    def __call__(self, x_NxD: jax.Array, batch: int) -> jax.Array:
        """Returns the residual stream after this block, float32[N, D] with N = batch * time."""
        with scope("mixer"):
            x_NxD = x_NxD + tap("output", self.mixer(self.mixer_norm(x_NxD), batch), batch)
        if self.mlp is not None:
            with scope("mlp"):
                x_NxD = x_NxD + tap("output", self.mlp(self.mlp_norm(x_NxD), batch), batch)
        return tap("residual", x_NxD, batch)

    def init_cache(self, batch: int) -> Any:
        """Returns the memory of the mixing layer before the first position."""
        return self.mixer.init_cache(batch)

    def step(self, x_BxD: jax.Array, t: jax.Array, cache: Any) -> tuple[jax.Array, Any]:
        """Returns the block's output at position `t` alone, and the cache after it."""
        y_BxD, cache = self.mixer.step(self.mixer_norm(x_BxD), t, cache)
        x_BxD = x_BxD + y_BxD
        return x_BxD if self.mlp is None else x_BxD + self.mlp(self.mlp_norm(x_BxD)), cache


def rematerialised(blocks: Sequence[Block], x_NxD: jax.Array, batch: int) -> jax.Array:
    """Returns the residual stream after the blocks. A block keeps nothing for its gradient but its input.

    Blocks are scanned: unrolled, a CPU's compiler finds the activations that are made again equal to the first ones,
    and keeps those.
    """
    graphs, params = zip(*(nnx.split(block) for block in blocks), strict=True)

    @jax.checkpoint
    def block(x_NxD: jax.Array, params: Any) -> tuple[jax.Array, None]:
        return nnx.merge(graphs[0], params)(x_NxD, batch), None

    return jax.lax.scan(block, x_NxD, jax.tree.map(lambda *leaves: jnp.stack(leaves), *params))[0]
