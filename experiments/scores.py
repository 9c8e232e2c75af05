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


def score(model: Any, examples: Example, *, curve: bool, greedy: bool) -> dict[str, jax.Array]:
    """Mean scores of a batch of examples, all read at the weighted positions.

    exact_match: share of examples whose every position has the target as its likeliest class (teacher-forced; where the
        answer is unique that is exact match under greedy decoding too).
    token_accuracy: share of positions. nll: nats a position.
    curve (if asked): token accuracy by position, float32[T], NaN where no example is weighted.
    greedy_match (if asked): exact match of the answer decoded greedily from the prompt.
    """
    answered = examples.weights > 0
    logits = model(examples.inputs)
    right = jnp.argmax(logits, -1) == examples.targets
    losses = token_losses(logits, examples.targets)
    found = {
        "exact_match": (right | ~answered).all(-1).mean(),
        "token_accuracy": (right * examples.weights).sum() / examples.weights.sum(),
        "nll": (losses * examples.weights).sum() / examples.weights.sum(),
    }
    if curve:
        found["curve"] = (right * examples.weights).sum(0) / examples.weights.sum(0)
    if greedy:
        said = decode(model, examples.inputs, answered)
        found["greedy_match"] = ((said == examples.targets) | ~answered).all(-1).mean()
    return found
