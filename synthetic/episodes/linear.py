"""Learners of linear regression in context: ridge, the finite pool, and the posterior of their mixture.

Each answers every point of a prompt from the examples before it. x float32[P, D], y float32[P] (label i belongs to
point i; the last is not read); labels are <w, x> plus normal noise of standard deviation `noise`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve

from synthetic.episodes.vectors import before


class Answers(NamedTuple):
    """Answers at every point, float32[P], and the log-likelihood of the labels before it, float32[P]."""

    answer: jax.Array
    evidence: jax.Array


def ridge(x: jax.Array, y: jax.Array, noise: jax.Array | float, spread: jax.Array | float) -> Answers:
    """Returns the posterior mean where weights are normal with standard deviation `spread`."""
    penalty = (noise / spread) ** 2 * jnp.eye(x.shape[1])
    gram = before(x[:, :, None] * x[:, None]) + penalty

    def at(gram_DxD: jax.Array, sides_Dx2: jax.Array) -> jax.Array:
        return cho_solve(cho_factor(gram_DxD), sides_Dx2)

    solved = jax.vmap(at)(gram, jnp.stack([before(y[:, None] * x), x], -1))
    answer = (x * solved[..., 0]).sum(-1)
    variance = noise**2 * (1 + (x * solved[..., 1]).sum(-1))
    return Answers(answer, before(_log_normal(y - answer, variance)))


def discrete(x: jax.Array, y: jax.Array, noise: jax.Array | float, pool: jax.Array) -> Answers:
    """Returns the posterior mean where weights are one of `pool` float32[N, D], each as likely."""
    says = x @ pool.T
    evidence = before(_log_normal(y[:, None] - says, noise**2))
    answer = (jax.nn.softmax(evidence, -1) * says).sum(-1)
    return Answers(answer, jax.nn.logsumexp(evidence, -1) - jnp.log(pool.shape[0]))


def mixture(one: Answers, other: Answers, share: jax.Array | float) -> jax.Array:
    """Returns the posterior mean where the law is `one` with probability `share`, else `other`."""
    odds = jnp.log(share) + one.evidence - jnp.log1p(-jnp.asarray(share)) - other.evidence
    weight = jax.nn.sigmoid(odds)
    return weight * one.answer + (1 - weight) * other.answer


def _log_normal(error: jax.Array, variance: jax.Array | float) -> jax.Array:
    return -0.5 * (error**2 / variance + jnp.log(2 * jnp.pi * jnp.asarray(variance)))
