"""Scores of a model, or of a learner that is not trained, on examples; the same for every task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from experiments.engine.losses import error
from experiments.engine.share import WHOLE, Share, part
from models.decode import decode
from models.taps import capturing
from synthetic.heads import Head, Places
from synthetic.measures import Measured
from synthetic.task import Example, Judged, Task


def score(
    model: Any, task: Task, examples: Example, *, batch_size: int, decoding: str, key: jax.Array, share: Share = WHOLE
) -> dict[str, jax.Array]:
    """Returns mean scores over all shares of examples, at the weighted positions, `batch_size` or fewer at a time.

    exact_match: share of examples whose every position has the target as its likeliest class (teacher-forced; where the
        answer is unique that is exact match under greedy decoding too), or numbers near enough to it. For a curve:
        whose last position has.
    token_accuracy: share of positions. nll: nats a position; numbers have squared_error, a mean over them, instead.
    curve (if asked): token accuracy by position, float32[T], NaN where no example is weighted; numbers have a
        squared_error_curve beside it.
    greedy_match, sampled_match (with that `decoding`): exact match of the answer decoded from the prompt; sampling
        takes its bits from `key` and from the examples that are decoded at once. Beside it what the task's own `judge`
        says of that answer: under its own names, but of sampled answers beside greedy ones (both) under sampled_answer
        and the like.
    measures of the task's own, each of all examples at once.
    """
    curve, head, own = task.curve, task.spec.head, task.measures()

    def sums(some: Example) -> tuple[dict[str, Any], Any]:
        outputs, seen = _outputs(model, some.inputs, own)
        scores: dict[str, Any] = dict(_sums(head, head.says(outputs), some, curve=curve))
        if head.discrete:
            scores["miss"] = (error(head, outputs, some.targets) * some.weights).sum()
        ways = ("greedy", "sampled") if decoding == "both" else (decoding,) * (decoding != "none")
        scores["decoded"] = {}
        for way in ways:
            says = _decoded(model, task, some, decoding=way, key=key)
            beside = "" if way == ways[0] else f"{way}_"
            scores["decoded"] |= {
                name if name == f"{way}_match" else beside + name: sum_ for name, sum_ in says.items()
            }
        return scores, [jax.vmap(one.read)(some, outputs, *map(seen.get, one.captures)) for one in own]

    total, read = _over_slices(sums, examples, batch_size)
    total, count = share.total(total), share.parts * examples.weights.shape[0]
    scores = _means(head, total, count, curve=curve)
    for name, sum_ in total["decoded"].items():
        scores[name] = sum_[0] / jnp.maximum(sum_[1], 1) if isinstance(sum_, tuple) else sum_ / count
    return scores | {one.measure.name: one.of(values) for one, values in zip(own, share.gather(read), strict=True)}


def _outputs(model: Any, inputs: jax.Array, own: Sequence[Measured]) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Returns a model's outputs, and the activations that measures ask for, as far as the model has them."""
    names = sorted({name for one in own for name in one.captures})
    if not names:
        return model(inputs), {}
    with capturing(*names, strict=False) as seen:
        outputs = model(inputs)
    return outputs, seen


def _decoded(model: Any, task: Task, some: Example, *, decoding: str, key: jax.Array) -> dict[str, jax.Array]:
    """Returns sums of scores of decoded answers, which may be longer than the right ones where the task judges them.

    The sum of a judged pair is a pair: over the examples that count, and how many these are.
    """
    judged = jax.eval_shape(task.judge, *jax.tree.map(lambda x: x[0], (some, some.targets)))
    answer = some.weights > 0
    free = jax.lax.cummax(answer.astype(jnp.int32), axis=1) if judged else answer
    # Slices of examples differ in their prompts, and so do their draws.
    unlike = some.inputs.sum()
    unlike = unlike if unlike.dtype == jnp.int32 else jax.lax.bitcast_convert_type(unlike, jnp.int32)
    bits = jax.random.fold_in(key, unlike) if decoding == "sampled" else None
    head, end = task.spec.head, task.end if judged else None
    answers = decode(model, some.inputs, free, end=end, key=bits, places=isinstance(head, Places))
    judgements = {name: _judged_sum(one) for name, one in jax.vmap(task.judge)(some, answers).items()}
    return {f"{decoding}_match": _sums(head, answers, some, curve=False)["exact"], **judgements}


def _judged_sum(judged: Judged) -> Any:
    if not isinstance(judged, tuple):
        return judged.sum()
    number, counts = judged
    return jnp.where(counts, number, 0).sum(), counts.sum()


def score_learner(
    learner: Callable[[Example], jax.Array], task: Task, examples: Example, *, batch_size: int, share: Share = WHOLE
) -> dict[str, jax.Array]:
    """Returns the mean scores of a learner of `Task.baselines`, those of `score` that need no probabilities."""
    head = task.spec.head

    def sums(some: Example) -> tuple[dict[str, jax.Array], None]:
        return _sums(head, jax.vmap(learner)(some), some, curve=task.curve), None

    total = share.total(_over_slices(sums, examples, batch_size)[0])
    return _means(head, total, share.parts * examples.weights.shape[0], curve=task.curve)


def _over_slices(sums: Callable[[Example], tuple[Any, Any]], examples: Example, largest: int) -> tuple[Any, Any]:
    """Returns totals over all examples, in slices of one size, `largest` or smaller; and what was read of each example.

    `sums` returns both of a slice.
    """
    count = examples.weights.shape[0]
    size = part(count, largest)
    slices = jax.tree.map(lambda x: x.reshape(count // size, size, *x.shape[1:]), examples)
    some, read = jax.lax.map(sums, slices)
    return jax.tree.map(lambda x: x.sum(0), some), jax.tree.map(lambda x: x.reshape(count, *x.shape[2:]), read)


def _means(head: Head, total: dict[str, jax.Array], count: int, *, curve: bool) -> dict[str, jax.Array]:
    scores = {
        "exact_match": total["exact"] / count,
        "token_accuracy": total["right"].sum() / total["weights"].sum(),
    }
    by_position = {"curve": "right"} | ({} if head.discrete else {f"{head.error.name}_curve": "miss"})
    scores |= {name: total[key] / total["weights"] for name, key in by_position.items()} if curve else {}
    if "miss" in total:
        miss = total["miss"] if head.discrete else total["miss"].sum()
        scores[head.error.name] = miss / total["weights"].sum()
    return scores


def _sums(head: Head, answers: jax.Array, examples: Example, *, curve: bool) -> dict[str, jax.Array]:
    """Returns the sums behind the scores of these answers; `right`, `weights` and numbers' `miss` by position."""
    answered = examples.weights > 0
    right = head.right(answers, examples.targets)
    counts = answered & (answered[:, ::-1].cumsum(-1)[:, ::-1] == 1) if curve else answered
    sums = {
        "exact": (right | ~counts).all(-1).sum(),
        "right": (right * examples.weights).sum(0),
        "weights": examples.weights.sum(0),
    }
    return (
        sums if head.discrete else sums | {"miss": (error(head, answers, examples.targets) * examples.weights).sum(0)}
    )
