"""Greedy decoding, position by position, with what the model remembers of the past in a cache."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange


def greedy(module: Any, inputs_BxT: jax.Array, free_BxT: jax.Array) -> jax.Array:
    """The likeliest token at every position, int32[B, T], where the model reads its own answer.

    Output t is the argmax of the logits at t. The model's input at t + 1 is that token where `free_BxT[t]` (a position
    of the answer), and the given `inputs_BxT[t + 1]` elsewhere (the prompt). Equal to running the whole model anew for
    each token, at the cost of running it once.
    """
    batch, time = inputs_BxT.shape

    def advance(carry: tuple[Any, jax.Array], at_t: tuple[jax.Array, ...]) -> tuple[tuple[Any, jax.Array], jax.Array]:
        cache, input_B = carry
        t, free_B, given_next_B = at_t
        logits_BxC, cache = module.step(input_B, t, cache)
        output_B = jnp.argmax(logits_BxC, axis=-1).astype(inputs_BxT.dtype)
        return (cache, jnp.where(free_B, output_B, given_next_B)), output_B

    inputs_TxB = rearrange(inputs_BxT, "b t -> t b")
    start = module.init_cache(batch), inputs_TxB[0]
    given_next_TxB = jnp.roll(inputs_TxB, -1, axis=0)  # the last row is never read
    at = jnp.arange(time), rearrange(free_BxT, "b t -> t b").astype(bool), given_next_TxB
    _, outputs_TxB = jax.lax.scan(advance, start, at)
    return rearrange(outputs_TxB, "t b -> b t")
