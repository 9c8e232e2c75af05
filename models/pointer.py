"""A read-out that points at positions of the inputs."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
from flax import nnx

from models.layers import Dense
from models.registry import Shapes

UNSEEN = -1e9  # the logit of a position that may not be pointed at; finite, so that no loss makes NaN of it


def pointer_misfits(read_out: str, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """Yields why a model cannot have this read-out for these shapes, as (key, one line)."""
    if read_out == "pointer" and not shapes.places:
        yield "read_out", "a pointer needs a task whose answers are positions of its inputs, the task's are not"


class Pointer(nnx.Module):
    """Gives a logit to each of the first `places` positions, by additive attention.

    Vinyals et al. 2015, "Pointer networks", section 2.3: position i points at position j with the logit
    v . tanh(W1 e_j + W2 d_i). The query W2 d_i has a bias, which neither paper nor authors speak of.

    source: how many first positions are only read. All answers point there, and at those positions outputs are 0. None:
    a position points at any up to its own, itself included.
    """

    def __init__(self, width: int, places: int, *, source: int | None, precision: str, rngs: nnx.Rngs):
        self.places, self.source = places, source
        self.key = Dense(width, width, bias=False, precision=precision, rngs=rngs)
        self.query = Dense(width, width, precision=precision, rngs=rngs)
        self.score = nnx.Param(width**-0.5 * jax.random.normal(rngs.params(), (width,)))

    def __call__(self, h_BxTxD: jax.Array) -> jax.Array:
        """Returns the logits of all positions, float32[B, T, places], from the last layer's outputs."""
        batch, time, width = h_BxTxD.shape
        first = self.source or 0
        if time <= first:
            return jnp.zeros((batch, time, self.places))
        keys_BxSxD = self.key(h_BxTxD[:, : self.places].reshape(-1, width)).reshape(batch, -1, width)
        logits = self.point(h_BxTxD[:, first:], keys_BxSxD)
        if self.source is None:
            logits = jnp.where(jnp.arange(time)[:, None] >= jnp.arange(time), logits, UNSEEN)
            return jnp.pad(logits, ((0, 0), (0, 0), (0, self.places - time)), constant_values=UNSEEN)
        return jnp.pad(logits, ((0, 0), (first, 0), (0, 0)))

    def point(self, h_BxTxD: jax.Array, keys_BxSxD: jax.Array) -> jax.Array:
        """Returns the logit of each key at each position, float32[B, T, S]."""
        query_BxTxD = self.query(h_BxTxD.reshape(-1, h_BxTxD.shape[-1])).reshape(h_BxTxD.shape)
        return _additive(query_BxTxD, keys_BxSxD, self.score[...])

    def init_cache(self, batch: int) -> jax.Array:
        """Returns the keys before the first position, all zero: float32[batch, places, D]."""
        return jnp.zeros((batch, self.places, self.key.kernel.shape[1]))

    def step(self, h_BxD: jax.Array, t: jax.Array, keys_BxSxD: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the logits at position `t` (traced int32), float32[B, places], and the keys with that of `t`."""
        keys_BxSxD = keys_BxSxD.at[:, t].set(self.key(h_BxD), mode="drop")  # later positions than `places` have none
        logits_BxS = self.point(h_BxD[:, None], keys_BxSxD)[:, 0]
        if self.source is None:
            return jnp.where(jnp.arange(self.places) <= t, logits_BxS, UNSEEN), keys_BxSxD
        return jnp.where(t >= self.source, logits_BxS, 0.0), keys_BxSxD


@jax.checkpoint  # it keeps only its inputs for the gradient: the sums over D are never held for all pairs
def _additive(query_BxTxD: jax.Array, keys_BxSxD: jax.Array, score_D: jax.Array) -> jax.Array:
    return (jnp.tanh(query_BxTxD[:, :, None] + keys_BxSxD[:, None]) * score_D).sum(-1)
