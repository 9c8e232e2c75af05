"""Decoding one position at a time, with a cache of what the model keeps of the past."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange


def first_cache(module: Any, inputs: jax.Array) -> Any:
    """Returns the cache before the first position of `inputs` (int32[B, T] or float32[B, T, width_in]).

    A model with an encoder reads the source here, all at once, by its `read_source(inputs, cache)`.
    """
    cache = module.init_cache(inputs.shape[0])
    return module.read_source(inputs, cache) if hasattr(module, "read_source") else cache


def decode(
    module: Any,
    inputs_BxT: jax.Array,
    free_BxT: jax.Array,
    *,
    end: int | None = None,
    key: jax.Array | None = None,
    places: bool = False,
) -> jax.Array:
    """Decodes greedily, or by sampling with `key`: returns the model's token at every position, int32[B, T].

    Output t is the argmax of the logits at t, or with a `key` a draw from their softmax. The model's input at t + 1 is
    that token where `free_BxT[t]` is true (a position of the answer). Elsewhere (the prompt) it is the given
    `inputs_BxT[t + 1]`. The result equals running the whole model anew for each token, at the cost of running it once.
    With `end` it stops once every row has put out that token at a free position; later outputs are 0.

    With `places` outputs are positions, and the next input is the model's input at that position, token or vector; it
    is 0 at a position that is not decoded yet.
    """
    batch, time = inputs_BxT.shape[:2]
    inputs_TxB, free_TxB = (rearrange(x, "b t ... -> t b ...") for x in (inputs_BxT, free_BxT.astype(bool)))
    given_next_TxB = jnp.roll(inputs_TxB, -1, axis=0)  # the last row is never read
    like_input = (batch, *(1,) * (inputs_BxT.ndim - 2))

    def unfinished(carry: tuple[Any, ...]) -> jax.Array:
        t, _, _, ended_B, *_ = carry
        return (t < time) & ~ended_B.all()

    def advance(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        t, cache, input_B, ended_B, outputs_TxB, *known = carry
        logits_BxC, cache = module.step(input_B, t, cache)
        if key is None:
            output_B = jnp.argmax(logits_BxC, axis=-1)
        else:
            output_B = jax.random.categorical(jax.random.fold_in(key, t), logits_BxC)
        output_B = output_B.astype(jnp.int32)
        if end is not None:
            ended_B |= free_TxB[t] & (output_B == end)
        said_B = known[0][output_B, jnp.arange(batch)] if places else output_B
        input_B = jnp.where(free_TxB[t].reshape(like_input), said_B, given_next_TxB[t])
        known = [known[0].at[t + 1].set(input_B, mode="drop")] if places else []
        return t + 1, cache, input_B, ended_B, outputs_TxB.at[t].set(output_B), *known

    free_before_TxB = jnp.roll(free_TxB, 1, axis=0).at[0].set(False).reshape(time, *like_input)
    known = [jnp.where(free_before_TxB, 0, inputs_TxB)] if places else []
    nothing = jnp.zeros(batch, bool), jnp.zeros((time, batch), jnp.int32)
    start = jnp.int32(0), first_cache(module, inputs_BxT), inputs_TxB[0], *nothing, *known
    outputs_TxB = jax.lax.while_loop(unfinished, advance, start)[4]
    return rearrange(outputs_TxB, "t b -> b t")
