"""Checks of what a task's examples say: their answers, what draws them, and how often."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binom

from fields import declared
from synthetic.contract.sampling import EXAMPLES, condition_batches, each, jit, numeric, require, sample_batch, tracing
from synthetic.task import Example, Task

BATCHES = 8  # of EXAMPLES, from which a rate is judged
ITEMS = 1024  # of a finite training set that are compared with what is drawn, at most
CONFIDENCE = 0.999


def oracle_agrees(task: Task) -> None:
    """Checks that the targets at the weighted positions are the oracle's, on `EXAMPLES` examples of each condition.

    Numbers may differ by rounding.
    """
    head = task.spec.head
    for name, variant, batch in condition_batches(task):
        for example in each(batch):
            targets = example.targets[example.weights > 0]
            right = np.asarray(variant.oracle(example), targets.dtype).reshape(-1, *head.shape)
            near = np.array_equal if head.discrete else partial(np.allclose, rtol=1e-3, atol=1e-4)
            if right.shape != targets.shape or not near(targets, right):
                says = f"oracle says {right.tolist()}, targets are {targets.tolist()}"
                require(task, False, f"{says}, in condition {name}")


def keys_decide(task: Task) -> None:
    """Checks that the same key gives the same example, traced anew or not, and that different keys mostly do not.

    Splits in `few` need only two distinct examples.
    """
    task = task.materialise()
    require(task, {*task.few} <= {*task.splits}, f"few {task.few} is not among splits {task.splits}")
    for split in task.splits:
        batch = sample_batch(task, split)
        # Only one split is traced anew, because compiling takes seconds.
        again = sample_batch(task, split, retrace=split == task.splits[0])
        same = jax.tree.all(jax.tree.map(np.array_equal, batch, again))
        require(task, same, f"the same key gives two examples, in split {split}")
        distinct = len({example.inputs.tobytes() + example.targets.tobytes() for example in each(batch)})
        require(
            task,
            distinct > (1 if split in task.few else EXAMPLES / 2),
            f"{EXAMPLES} keys give {distinct} distinct examples, in split {split}",
        )


def rates_hold(task: Task) -> None:
    """Checks that at 0, 0.3 and 1 a rate knob is the share of its fact, within a binomial 99.9 % interval."""
    for fact, name in task.rates.items():
        require(task, name in declared(type(task)), f"rates name {name}, which is no field of the task")
        knob = declared(type(task))[name]
        for rate in np.clip((0.0, 0.3, 1.0), knob.low, knob.high).tolist():
            varied = task.replace(**{name: rate}).materialise()
            facts = [sample_batch(varied, "train", seed).facts for seed in range(BATCHES)]
            require(task, fact in facts[0], f"rates name {fact}, which is no fact of its examples")
            held = np.concatenate([batch[fact] for batch in facts]).astype(bool)
            low, high = binom.interval(CONFIDENCE, held.size, rate) if 0 < rate < 1 else (rate * held.size,) * 2
            fine = low <= held.sum() <= high
            require(task, fine, f"{name}={rate} gives {fact} in {held.sum()} of {held.size} examples")


def items_are_drawn(task: Task) -> None:
    """Checks that a finite training set's items are those that `sample` draws, on a small set of `tiny`.

    Items that are whole examples, so that a key changes nothing, are compared as such, others by their identities.
    """
    if type(task).item is Task.item:
        return
    small = task.tiny().materialise()
    size = int(small.size)
    if not 0 < size <= ITEMS:
        return

    @jit
    def items(task: Task, split: str, seed: jax.Array) -> Example:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(ITEMS))
        return jax.vmap(task.item, (0, 0, None))(jnp.arange(ITEMS) % task.size, keys, split)

    def contents(batch: Example, count: int) -> set[Hashable]:
        examples = [jax.tree.map(lambda x, i=i: x[i], batch) for i in range(count)]
        if drawn_anew:
            return {frozenset(small.identities(example)) for example in examples}
        return {tuple(x.tobytes() for x in jax.tree.leaves(example)) for example in examples}

    with tracing(task, "item", lambda t: t.item(jnp.int32(0), jax.random.key(0), "train")):
        batch, again = (jax.tree.map(np.asarray, items(numeric(small), "train", seed)) for seed in (0, 1))
    drawn_anew = not jax.tree.all(jax.tree.map(np.array_equal, batch, again))
    known, drawn = contents(batch, size), contents(sample_batch(small, "train"), EXAMPLES)
    require(task, drawn <= known, f"training draws examples that are none of its {size} items")
    require(task, len(known) > 1 or size == 1, f"its {size} items are all the same")
