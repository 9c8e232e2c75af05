"""Losses: softmax cross-entropy and its relatives, StableMax, squared error and the perceptron's, by position.

Outputs are float32[..., T, W] and losses float32[..., T]. The settings are those of `train`; a setting that is None is
no part of the program.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from synthetic.heads import Head
from synthetic.task import Example, Task

if TYPE_CHECKING:
    from experiments.engine.training import Training

LOSSES = ("softmax", "stablemax", "squared", "perceptron")
SOFTMAX_SETTINGS = ("label_smoothing", "z_loss", "absorb")
_RULED_OUT = -1e8  # a pointer's logit of a place that it cannot choose is this, or lower


def token_losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the negative log-likelihood in nats, float32[B, T], of int32[B, T] under logits float32[B, T, C]."""
    chosen = (logits * jax.nn.one_hot(targets, logits.shape[-1])).sum(-1)
    return jax.nn.logsumexp(logits, -1) - chosen


def losses(head: Head, outputs: jax.Array, targets: jax.Array, train: Training) -> jax.Array:
    """Returns the loss that `train.loss` names, of outputs for these targets; auto is the first of the head's."""
    name = head.losses[0] if train.loss == "auto" else train.loss
    if name == "squared":
        return squared(head, outputs, targets)
    if name == "perceptron":
        return perceptron(outputs, targets)
    logits = outputs if name == "softmax" else stable(outputs)
    return _cross_entropy(logits, targets, train)


def error(head: Head, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the head's own error by position (`Head.error`), whatever loss is trained."""
    return token_losses(outputs, targets) if head.discrete else squared(head, outputs, targets)


def squared(head: Head, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the mean square of outputs less targets; for classes and places less the target's one-hot row."""
    if not head.discrete:
        return jnp.square(outputs - targets).mean(-1)
    allowed = outputs > _RULED_OUT
    errors = jnp.where(allowed, outputs - jax.nn.one_hot(targets, outputs.shape[-1]), 0.0)
    return jnp.square(errors).sum(-1) / allowed.sum(-1)


def perceptron(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the top logit less the target's, 0 where the answer is right: its gradient is the perceptron's step.

    It is the limit of the softmax cross-entropy of ever larger logits, over their size. Equal top logits share the
    gradient, as in softmax: at weights of zero, half a step for two classes. Rosenblatt 1958; Tyurin 2024, "From
    logistic regression to the perceptron algorithm", theorem 3.2.
    """
    return logits.max(-1) - _at(logits, targets)


def mistakes(head: Head, outputs: jax.Array, targets: jax.Array, train: Training) -> jax.Array:
    """Returns how far each answer is wrong, from 0 to 1: the sum of the loss's slopes by the other classes' logits.

    Under softmax it is the probability of a wrong answer; for the perceptron it is 1 at a mistake, and 0 elsewhere.
    """
    slopes = jax.grad(lambda outputs: losses(head, outputs, targets, train).sum())(outputs)
    return jnp.where(jax.nn.one_hot(targets, outputs.shape[-1], dtype=bool), 0.0, slopes).sum(-1)


def stable(logits: jax.Array) -> jax.Array:
    """Returns logits whose softmax is StableMax: x becomes sign(x) log(1 + |x|).

    So a logit counts x + 1 from 0 on and 1 / (1 - x) below, where softmax has its exponential. Prieto et al. 2025,
    "Grokking at the edge of numerical stability", definition 4. The slope at 0 is 1.
    """
    above = logits >= 0
    return jnp.where(above, jnp.log1p(jnp.where(above, logits, 0.0)), -jnp.log1p(-jnp.where(above, 0.0, logits)))


def _cross_entropy(logits: jax.Array, targets: jax.Array, train: Training) -> jax.Array:
    """Returns the softmax cross-entropy with the settings that are not None."""
    absorb, smoothing, z_loss = train.absorb, train.label_smoothing, train.z_loss
    loss = token_losses(logits, targets) if absorb is None else absorbing(logits, targets, absorb)
    if smoothing is not None:
        allowed = logits > _RULED_OUT
        mean = jnp.where(allowed, logits, 0.0).sum(-1) / allowed.sum(-1)
        loss += smoothing * (_at(logits, targets) - mean)
    return loss if z_loss is None else loss + z_loss * jax.nn.logsumexp(logits, -1) ** 2


def absorbing(logits: jax.Array, targets: jax.Array, absorb: jax.Array | float) -> jax.Array:
    """Returns the cross-entropy in a precision in which 1 + x is 1 for x up to `absorb`: 2^-24 is float32's.

    x is the sum of the other classes' exponentials over the top one's. Where it is lost, so is the top class's gradient
    by it, and the others keep theirs, as in a log-softmax of that precision. With 0 nothing is lost: the target's
    gradient is then minus the sum of the other classes' probabilities, however small. Prieto et al. 2025, section 3.1.
    """
    top = jnp.argmax(logits, -1)
    of_top, of_target = _at(logits, top), _at(logits, targets)
    lost = absorbed(jax.lax.stop_gradient(logits), absorb)
    log_sum = jnp.log1p(_others(logits, top, jnp.where(lost, jax.lax.stop_gradient(of_top), of_top)))
    log_sum -= jnp.where(lost, jax.lax.stop_gradient(log_sum), 0.0)
    # Never 1 - 1 in a gradient: where the target is the top class the two are left out together.
    return log_sum + jnp.where(targets == top, 0.0, of_top - of_target)


def absorbed(logits: jax.Array, absorb: jax.Array | float) -> jax.Array:
    """Returns whether `absorbing` loses the sum of the other classes, bool[..., T]."""
    top = jnp.argmax(logits, -1)
    return _others(logits, top, _at(logits, top)) <= absorb


def _others(logits: jax.Array, top: jax.Array, highest: jax.Array) -> jax.Array:
    """Returns the sum of exponentials of all logits but the `top` one, each less `highest`."""
    is_top = jax.nn.one_hot(top, logits.shape[-1], dtype=bool)
    return jnp.where(is_top, 0.0, jnp.exp(logits - highest[..., None])).sum(-1)


def _at(logits: jax.Array, index: jax.Array) -> jax.Array:
    """Returns the logit of a class at each position; by a product, as the gradient of a gather is a scatter."""
    return (logits * jax.nn.one_hot(index, logits.shape[-1])).sum(-1)


def has_objective(task: Task) -> bool:
    """Returns whether a task states an objective of its own."""
    return type(task).objective is not Task.objective


def objective(task: Task, model: Any, batch: Example, key: jax.Array, first: jax.Array | int) -> jax.Array:
    """Returns the task's own objective, float32[B]. An example's key is that of its place, `first` and following."""
    places = first + jnp.arange(batch.weights.shape[0])
    return task.objective(model, batch, jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, 1), places))


def problems(train: Training, task: Task) -> Iterator[tuple[str, str]]:
    """Yields what cannot be a loss of this task, as (key of `train`, one line)."""
    head, own = task.spec.head, has_objective(task)
    kind = type(head).__name__.lower()
    if train.loss not in ("auto", *head.losses):
        needs = "classes or places" if train.loss != "squared" else "a head that allows it"
        yield (
            "loss",
            f"{train.loss} needs {needs}, the targets are {kind}; allowed: {', '.join(('auto', *head.losses))}",
        )
        return
    name = head.losses[0] if train.loss == "auto" else train.loss
    for setting in SOFTMAX_SETTINGS:
        if getattr(train, setting) is None:
            continue
        if train.loss == "auto" and own:
            yield setting, "the task has an objective of its own, which this is no part of; allowed: null"
        elif name in ("squared", "perceptron"):
            what = "squared error" if name == "squared" else "the perceptron's loss"
            yield setting, f"{what} has no softmax that this could change; allowed: null"
    if train.mean_over == "mistakes":
        changed = [setting for setting in ("label_smoothing", "z_loss") if getattr(train, setting) is not None]
        if (train.loss == "auto" and own) or name not in ("softmax", "perceptron") or changed:
            yield "mean_over", "mistakes needs the loss softmax, unchanged, or perceptron; allowed: positions"
