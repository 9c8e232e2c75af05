"""Scores of a model, or of a learner that is not trained, on examples; the same for every task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from experiments.engine.share import WHOLE, Share, part
from models.decode import decode
from synthetic.task import Example, Task


def token_losses(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Returns the negative log-likelihood in nats, float32[B, T], of int32[B, T] under logits float32[B, T, C]."""
    chosen = (logits * jax.nn.one_hot(targets, logits.shape[-1])).sum(-1)
    return jax.nn.logsumexp(logits, -1) - chosen


def score(
    model: Any, task: Task, examples: Example, *, batch_size: int, decoding: str, key: jax.Array, share: Share = WHOLE
) -> dict[str, jax.Array]:
    """Returns mean scores over all shares of examples, at the weighted positions, `batch_size` or fewer at a time.

    exact_match: share of examples whose every position has the target as its likeliest class (teacher-forced; where the
        answer is unique that is exact match under greedy decoding too). For a curve: whose last position has.
    token_accuracy: share of positions. nll: nats a position.
    curve (if asked): token accuracy by position, float32[T], NaN where no example is weighted.
    greedy_match, sampled_match (with that `decoding`): exact match of the answer decoded from the prompt; sampling
        takes its bits from `key` and from the examples that are decoded at once. Beside it what the task's own `judge`
        says of that answer: under its own names, but of sampled answers beside greedy ones (both) under sampled_answer
        and the like.
    """
    curve = task.curve

    def sums(some: Example) -> dict[str, Any]:
        logits = model(some.inputs)
        scores: dict[str, Any] = dict(_sums(jnp.argmax(logits, -1), some, curve=curve))
        scores["nll"] = (token_losses(logits, some.targets) * some.weights).sum()
        ways = ("greedy", "sampled") if decoding == "both" else (decoding,) * (decoding != "none")
        scores["decoded"] = {}
        for way in ways:
            says = _decoded(model, task, some, decoding=way, key=key)
            beside = "" if way == ways[0] else f"{way}_"
            scores["decoded"] |= {
                name if name == f"{way}_match" else beside + name: sum_ for name, sum_ in says.items()
            }
        return scores

    total, count = share.total(_over_slices(sums, examples, batch_size)), share.parts * examples.weights.shape[0]
    scores = _means(total, count, curve=curve) | {"nll": total["nll"] / total["weights"].sum()}
    return scores | {name: sum_ / count for name, sum_ in total["decoded"].items()}


def _decoded(model: Any, task: Task, some: Example, *, decoding: str, key: jax.Array) -> dict[str, jax.Array]:
    """Returns sums of scores of decoded answers, which may be longer than the right ones where the task judges them."""
    judged = jax.eval_shape(task.judge, *jax.tree.map(lambda x: x[0], (some, some.targets)))
    answer = some.weights > 0
    free = jax.lax.cummax(answer.astype(jnp.int32), axis=1) if judged else answer
    # Slices of examples differ in their prompts, and so do their draws.
    bits = jax.random.fold_in(key, some.inputs.sum()) if decoding == "sampled" else None
    classes = decode(model, some.inputs, free, end=task.end if judged else None, key=bits)
    judgements = jax.tree.map(lambda x: x.sum(), dict(jax.vmap(task.judge)(some, classes)))
    return {f"{decoding}_match": _sums(classes, some, curve=False)["exact"], **judgements}


def score_learner(
    learner: Callable[[Example], jax.Array], examples: Example, *, batch_size: int, curve: bool, share: Share = WHOLE
) -> dict[str, jax.Array]:
    """Returns the mean scores of a learner of `Task.baselines`, those of `score` that need no probabilities."""

    def sums(some: Example) -> dict[str, jax.Array]:
        return _sums(jax.vmap(learner)(some), some, curve=curve)

    total = share.total(_over_slices(sums, examples, batch_size))
    return _means(total, share.parts * examples.weights.shape[0], curve=curve)


def _over_slices(sums: Callable[[Example], dict[str, Any]], examples: Example, largest: int) -> dict[str, Any]:
    """Returns the totals of `sums` over all examples, in slices of one size, `largest` or smaller."""
    count = examples.weights.shape[0]
    size = part(count, largest)
    slices = jax.tree.map(lambda x: x.reshape(count // size, size, *x.shape[1:]), examples)
    return jax.tree.map(lambda x: x.sum(0), jax.lax.map(sums, slices))


def _means(total: dict[str, jax.Array], count: int, *, curve: bool) -> dict[str, jax.Array]:
    scores = {
        "exact_match": total["exact"] / count,
        "token_accuracy": total["right"].sum() / total["weights"].sum(),
    }
    return scores | ({"curve": total["right"] / total["weights"]} if curve else {})


def _sums(classes: jax.Array, examples: Example, *, curve: bool) -> dict[str, jax.Array]:
    """Returns the sums behind the scores of these classes, int32[B, T]; `right` and `weights` by position."""
    answered = examples.weights > 0
    right = classes == examples.targets
    counts = answered & (answered[:, ::-1].cumsum(-1)[:, ::-1] == 1) if curve else answered
    return {
        "exact": (right | ~counts).all(-1).sum(),
        "right": (right * examples.weights).sum(0),
        "weights": examples.weights.sum(0),
    }
