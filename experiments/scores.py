"""Scores of a model on examples, the same for every task."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from models.decode import greedy as decode
from synthetic.task import Example


def token_losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Negative log-likelihood in nats, float32[B, T], of targets int32[B, T] under logits float32[B, T, C]."""
    chosen = (logits * jax.nn.one_hot(targets, logits.shape[-1])).sum(-1)
    return jax.nn.logsumexp(logits, -1) - chosen


def score(model: Any, examples: Example, *, batch_size: int, curve: bool, greedy: bool) -> dict[str, jax.Array]:
    """Mean scores of examples, all read at the weighted positions, `batch_size` or fewer at a time.

    exact_match: share of examples whose every position has the target as its likeliest class (teacher-forced; where the
        answer is unique that is exact match under greedy decoding too).
    token_accuracy: share of positions. nll: nats a position.
    curve (if asked): token accuracy by position, float32[T], NaN where no example is weighted.
    greedy_match (if asked): exact match of the answer decoded greedily from the prompt.
    """
    count = examples.weights.shape[0]
    size = next(size for size in range(min(batch_size, count), 0, -1) if count % size == 0)
    slices = jax.tree.map(lambda x: x.reshape(count // size, size, *x.shape[1:]), examples)
    sums = jax.lax.map(lambda some: _sums(model, some, greedy=greedy), slices)
    total = {name: found.sum(0) for name, found in sums.items()}
    weight = total["weights"].sum()
    found = {
        "exact_match": total["exact"] / count,
        "token_accuracy": total["right"].sum() / weight,
        "nll": total["nll"] / weight,
    }
    if curve:
        found["curve"] = total["right"] / total["weights"]
    if greedy:
        found["greedy_match"] = total["greedy"] / count
    return found


def _sums(model: Any, examples: Example, *, greedy: bool) -> dict[str, jax.Array]:
    """What the scores of one batch are means of; `right` and `weights` by position."""
    answered = examples.weights > 0
    logits = model(examples.inputs)
    right = jnp.argmax(logits, -1) == examples.targets
    found = {
        "exact": (right | ~answered).all(-1).sum(),
        "right": (right * examples.weights).sum(0),
        "weights": examples.weights.sum(0),
        "nll": (token_losses(logits, examples.targets) * examples.weights).sum(),
    }
    if greedy:
        said = decode(model, examples.inputs, answered)
        found["greedy"] = ((said == examples.targets) | ~answered).all(-1).sum()
    return found
