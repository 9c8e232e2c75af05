"""One run as pure functions: its first state, its steps, its scores. The engine makes lanes of them.

A run is a pytree: task and optimiser with their knobs as leaves, and in its treedef everything that fixes shapes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.engine.losses import has_objective, losses, mistakes, objective
from experiments.engine.monitor import monitor
from experiments.engine.optim import Optimizer
from experiments.engine.scores import score, score_learner
from experiments.engine.share import WHOLE, Share, part
from experiments.engine.training import Training
from fields import pytree
from models import Architecture, Shapes
from synthetic.heads import Places
from synthetic.permutation import shuffled
from synthetic.task import Example, Spec, Task

# Streams of a run's seed, apart from those of a task's data seed, which may be the same number.
_RUN = 0x52554E
_INIT, _BATCH, _EVALUATE, _DECODE, _ORDER, _MONITOR = 0, 1, 2, 4, 5, 6  # 3 is that of `experiments.examples`


@pytree
class Run:
    """One run as the engine sees it. Equal treedefs share a program; the leaves are what may differ between lanes."""

    task: Task
    model: Architecture
    optim: Optimizer
    train: Training
    seed: int

    def key(self, stream: int) -> jax.Array:
        """Returns the key of one stream of the run's seed."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), _RUN), stream)

    def build(self, key: jax.Array) -> nnx.Module:
        """Returns the model for this task's shapes, with initial parameters from `key`."""
        return self.model.build(shapes_of(self.task.spec), rngs=nnx.Rngs(params=key))


def shapes_of(spec: Spec) -> Shapes:
    """Returns the shapes for which a model of examples of these shapes is built."""
    return Shapes(spec.length, spec.outputs, spec.vocabulary, spec.width_in, isinstance(spec.head, Places), spec.source)


class Lane(NamedTuple):
    """The state of one run between steps: all that is needed to go on exactly as if never stopped."""

    params: Any
    opt: Any
    step: jax.Array  # int32, steps done
    diverged: jax.Array  # bool, the step after `step` gave a loss or gradient that is not finite
    loss_sum: jax.Array  # float32, training loss summed since the last evaluation
    loss_steps: jax.Array  # int32, over this many steps


def treedef(run: Run) -> Any:
    """Returns the part of a run that lanes of one program have in common."""
    return jax.tree.structure(run)


def start(run: Run) -> Lane:
    """Returns the lane before its first step."""
    params = nnx.split(run.build(run.key(_INIT)))[1]
    zero = jnp.int32(0)
    return Lane(params, run.optim.init(params), zero, jnp.bool(False), jnp.float32(0), zero)


def _graph(run: Run) -> Any:
    """Returns the model without its parameters; abstract, so it costs nothing."""
    return nnx.split(nnx.eval_shape(lambda: run.build(jax.random.key(0))))[0]


def draw(task: Task, split: str, key: jax.Array, count: int, share: Share = WHOLE, *, items: bool = False) -> Example:
    """Returns this device's share of `count` examples, each from the key of its own index.

    items: take the items of the training set one after another, again from the first where they end.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, share.indices(count))
    if items:
        return jax.vmap(task.item, (0, 0, None))(share.indices(count) % task.size, keys, split)
    return jax.vmap(task.sample, (0, None))(keys, split)


def steps_a_pass(task: Task, batch_size: int) -> jax.Array | int:
    """Returns the number of steps in which `train.order=epochs` goes through the task's training set once."""
    return -(-task.size // batch_size)


def draw_batch(run: Run, step: jax.Array, key: jax.Array, share: Share) -> Example:
    """Returns this device's share of the batch of a step: drawn, or the next part of a pass in an order of its own.

    Where a pass ends within a batch, the rest of that has no weight. A whole set is in order in each batch.
    """
    count = run.train.batch_size
    if run.train.order == "drawn":
        return draw(run.task, "train", key, count, share)
    size, every = jnp.int32(run.task.size), steps_a_pass(run.task, count)
    if run.train.order == "whole":
        place = share.indices(count)
        index = jnp.minimum(place, size - 1)
    else:
        place = step % every * count + share.indices(count)
        order = jax.random.fold_in(run.key(_ORDER), step // every)
        index = jax.vmap(shuffled, (None, 0, None))(order, jnp.minimum(place, size - 1), size)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, share.indices(count))
    batch = jax.vmap(run.task.item, (0, 0, None))(index, keys, "train")
    return batch._replace(weights=jnp.where(place[:, None] < size, batch.weights, 0.0))


def advance(lane: Lane, run: Run, until: jax.Array, share: Share = WHOLE) -> Lane:
    """Returns the lane at step `until` (int32) or at its own end, whichever is first; before it where it diverged."""
    end = jnp.minimum(until, run.train.steps)

    def step(lane: Lane) -> Lane:
        example_key, model_key = jax.random.split(jax.random.fold_in(run.key(_BATCH), lane.step))
        batch = draw_batch(run, lane.step, example_key, share)
        value, grads = _gradient(run, lane.params, batch, model_key, share)
        params, opt, norm = run.optim.update(grads, lane.opt, lane.params, lane.step, run.train.steps)
        fine = jnp.isfinite(value) & jnp.isfinite(norm)
        new = Lane(params, opt, lane.step + 1, lane.diverged, lane.loss_sum + value, lane.loss_steps + 1)
        stay = lane._replace(diverged=jnp.bool(True))
        return jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, stay)

    return jax.lax.while_loop(lambda lane: (lane.step < end) & ~lane.diverged, step, lane)


def _gradient(run: Run, params: Any, batch: Example, key: jax.Array, share: Share) -> tuple[jax.Array, Any]:
    """Returns the mean loss over the weighted positions of the whole batch, and its gradient.

    `batch` is this device's share. It is worked through in passes of `train.microbatch` examples, whose gradients are
    added up.
    """
    graph, size, weight = _graph(run), batch.weights.shape[0], share.total(batch.weights.sum())

    def loss(params: Any, some: Example, first: jax.Array | int) -> jax.Array:
        model = functools.partial(nnx.merge(graph, params), key=key, rows=(first, run.train.batch_size))
        if getattr(run.model, "anywhere", False):  # only such a model reads how far each sequence goes
            model = functools.partial(model, extent=_extent(some.weights))
        if run.train.loss == "auto" and has_objective(run.task):
            return objective(run.task, model, some, key, first).sum() / weight
        each = losses(run.task.spec.head, model(some.inputs), some.targets, run.train)
        return (each * some.weights).sum() / weight

    first, at_once = share.first(run.train.batch_size), part(size, run.train.microbatch)

    def in_passes(tree: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(size // at_once, at_once, *x.shape[1:]), tree)

    if run.train.mean_over == "mistakes":

        def wrong(one: tuple[Example, jax.Array]) -> jax.Array:
            some, first = one
            outputs = nnx.merge(graph, params)(some.inputs, key=key, rows=(first, run.train.batch_size))
            return (mistakes(run.task.spec.head, outputs, some.targets, run.train) * some.weights).sum()

        of_passes = jax.lax.map(wrong, (in_passes(batch), first + jnp.arange(0, size, at_once)))
        weight = jnp.maximum(share.total(of_passes.sum()), 1e-30)  # without a mistake the gradient is zero
    if at_once == size:
        return share.total(jax.value_and_grad(loss)(params, batch, first))

    def add(sums: Any, one: tuple[Example, jax.Array]) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, sums, jax.value_and_grad(loss)(params, *one)), None

    nothing = jax.tree.map(jnp.zeros_like, (jnp.float32(0), params))
    sums, _ = jax.lax.scan(add, nothing, (in_passes(batch), first + jnp.arange(0, size, at_once)))
    return share.total(sums)


def _extent(weights: jax.Array) -> jax.Array:
    """Returns the number of positions of each sequence up to its last weighted one, int32[B]."""
    return (jnp.arange(1, weights.shape[1] + 1) * (weights > 0)).max(1).astype(jnp.int32)


def _evaluation(run: Run, share: Share) -> tuple[Mapping[str, tuple[Task, str]], Example]:
    """Returns the conditions, and this device's share of their examples, with a leading axis of conditions."""
    conditions = run.task.conditions()
    drawn: dict[str, Example] = {}
    # A split's sampler is compiled once, for all conditions that use it.
    for split in dict.fromkeys(split for _, split in conditions.values()):
        names = [name for name, (_, which) in conditions.items() if which == split]
        keys = jnp.stack([jax.random.fold_in(run.key(_EVALUATE), list(conditions).index(name)) for name in names])
        tasks = jax.tree.map(lambda *x: jnp.stack(x), *[conditions[name][0] for name in names])
        items = run.train.eval_items and split == "train"
        some = functools.partial(draw, split=split, count=run.train.eval_examples, share=share, items=items)
        examples = jax.vmap(lambda task, key, some=some: some(task, key=key))(tasks, keys)
        drawn |= {name: jax.tree.map(lambda x, i=i: x[i], examples) for i, name in enumerate(names)}
    return conditions, jax.tree.map(lambda *x: jnp.stack(x), *[drawn[name] for name in conditions])


def evaluate(params: Any, run: Run, share: Share = WHOLE) -> dict[str, dict[str, jax.Array]]:
    """Returns scores by condition and name."""
    share = share.of(run.train.eval_examples)
    conditions, examples = _evaluation(run, share)
    model = nnx.merge(_graph(run), params)
    at_once = run.train.microbatch or run.train.batch_size // share.parts
    how = {"batch_size": at_once, "decoding": run.train.decoding, "key": run.key(_DECODE), "share": share}
    scores = jax.lax.map(functools.partial(score, model, run.task, **how), examples)
    more = _monitored(run, model, params, share) if run.train.monitor else {}
    return {name: jax.tree.map(lambda x, i=i: x[i], scores) | more for i, name in enumerate(conditions)}


def _monitored(run: Run, model: Any, params: Any, share: Share) -> dict[str, jax.Array]:
    """Returns the numbers of `train.monitor`, of a training batch of its own, or of the first of a pass."""
    example_key, model_key = jax.random.split(run.key(_MONITOR))
    batch = draw_batch(run, jnp.int32(0), example_key, share)
    grads = _gradient(run, params, batch, model_key, share)[1]
    return monitor(model, params, grads, batch, run.task.spec.head, run.train, share)


def baselines(run: Run, share: Share = WHOLE) -> dict[str, dict[str, dict[str, jax.Array]]]:
    """Returns scores of the task's baselines, by baseline and condition, on the examples for the model."""
    share = share.of(run.train.eval_examples)
    conditions, examples = _evaluation(run, share)
    tasks = jax.tree.map(lambda *x: jnp.stack(x), *[task for task, _ in conditions.values()])

    def score_all(condition: tuple[Task, Example]) -> dict[str, dict[str, jax.Array]]:
        task, some = condition
        return {
            name: score_learner(learner, run.task, some, batch_size=run.train.batch_size, share=share)
            for name, learner in task.baselines().items()
        }

    by_learner = jax.lax.map(score_all, (tasks, examples))
    return {
        learner: {name: jax.tree.map(lambda x, i=i: x[i], scores) for i, name in enumerate(conditions)}
        for learner, scores in by_learner.items()
    }
