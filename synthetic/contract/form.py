"""Checks of the form of a task's examples: shapes, conditions, text, and what scores them."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.contract.sampling import EXAMPLES, condition_batches, each, numeric, require, sample, tracing
from synthetic.measures import measures_of
from synthetic.task import Task

RENDERED = 4  # examples of each condition that are changed at every position


def shapes_match_spec(task: Task) -> None:
    """Checks shapes and dtypes against `spec` under `jit` and `vmap`, the range of values, and that facts are scalars.

    Facts have the same names and dtypes in every condition, so that the engine can stack them.
    """
    spec, facts = task.spec, {}
    one_kind = (spec.vocabulary is None) != (spec.width_in is None)
    require(task, one_kind, "spec gives both or neither of vocabulary and width_in")
    inputs = ((spec.length,), jnp.int32) if spec.vocabulary else ((spec.length, spec.width_in), jnp.float32)
    expected = {
        "inputs": inputs,
        "targets": ((spec.length, *spec.head.shape), spec.head.dtype),
        "weights": ((spec.length,), jnp.float32),
    }
    for name, variant, batch in condition_batches(task):
        single = jax.eval_shape(
            partial(type(task).sample, split=task.conditions()[name][1]), variant, jax.random.key(0)
        )
        for field, (shape, dtype) in expected.items():
            for leading, array in (((), getattr(single, field)), ((EXAMPLES,), getattr(batch, field))):
                fine = array.shape == leading + shape and array.dtype == dtype
                want, got = f"{dtype.__name__}{list(leading + shape)}", f"{array.dtype}{list(array.shape)}"
                require(task, fine, f"{field} should be {want} by spec and are {got}, in condition {name}")
        for field, size in (("inputs", spec.vocabulary), ("targets", spec.head.discrete and spec.outputs)):
            values = getattr(batch, field)
            fine = ((values >= 0) & (values < size)).all() if size else np.isfinite(values).all()
            allowed = f"0 to {size - 1}" if size else "finite"
            require(
                task,
                fine,
                f"{field} run from {values.min()} to {values.max()}, allowed: {allowed}, in {name}",
            )
        require(task, np.isin(batch.weights, (0, 1)).all(), f"weights other than 0 and 1, in condition {name}")
        require(
            task,
            all(f.ndim == 1 for f in batch.facts.values()),
            f"facts that are no scalars, in condition {name}",
        )
        facts[name] = {key: str(fact.dtype) for key, fact in batch.facts.items()}
    require(task, len({str(f) for f in facts.values()}) == 1, f"facts differ between conditions: {facts}")


def conditions_are_scored(task: Task) -> None:
    """Checks that conditions have a known split and the task's treedef, traced too.

    Each of their examples must have a weighted target.
    """
    task = task.materialise()
    conditions = task.conditions()
    require(task, bool(conditions), "no conditions")
    traced: dict[str, Any] = {}
    with tracing(task, "conditions", lambda t: traced.update(t.conditions())):
        jax.eval_shape(lambda t: traced.update(t.conditions()), numeric(task))
    require(task, list(traced) == list(conditions), "conditions depend on the values of knobs")
    known = ", ".join(conditions)
    require(task, task.headline in ("", *conditions), f"headline {task.headline} is not among the conditions {known}")
    for name, (variant, split) in conditions.items():
        require(
            task,
            split in task.splits,
            f"condition {name} is of split {split}, which is not among {task.splits}",
        )
        for form in (variant, traced[name][0]):
            same = jax.tree.structure(form) == jax.tree.structure(task)
            require(task, same, f"condition {name} has another treedef than the task: it changes a static field")
    for name, _, batch in condition_batches(task):
        empty = int((batch.weights.max(-1) == 0).sum())
        require(task, empty == 0, f"{empty} of {EXAMPLES} examples have no weighted target, in condition {name}")


def render_is_whole(task: Task) -> None:
    """Checks that changing any weighted target, or any input before the last of them, changes the text.

    A position is changed to the value that another example has there. So the text need not show a separator that is
    always the same, nor an input that only repeats the weighted target before it.
    """
    for name, variant, batch in condition_batches(task):
        examples = list(each(batch))[: RENDERED + 1]
        for example, other in pairwise(examples):
            text = variant.render(example)
            pair = isinstance(text, tuple) and len(text) == 2 and all(isinstance(part, str) for part in text)
            require(task, pair, f"render gives {text!r}, not (prompt, answer)")
            weighted = example.weights > 0
            for t in range(np.flatnonzero(weighted)[-1] + 1):
                told = {"targets": weighted[t], "inputs": t == 0 or not weighted[t - 1]}
                for field in (f for f, matters in told.items() if matters):
                    values, new = getattr(example, field).copy(), getattr(other, field)[t]
                    if (values[t] == new).all():
                        continue
                    values[t] = new
                    seen = variant.render(example._replace(**{field: values})) != text
                    require(task, seen, f"render does not show {field} at position {t}, in condition {name}")


def scores_fit(task: Task) -> None:
    """Checks the shapes of baselines' answers, of what measures say, and of an objective of the task's own.

    Measures have names of their own.
    """
    try:
        measures_of(task)
    except ValueError as e:
        raise AssertionError(str(e)) from None
    own = type(task).objective is not Task.objective
    if not (own or task.measures() or task.baselines()):
        return
    spec = task.spec
    batch = jax.eval_shape(lambda t: sample(t, task.splits[0], jnp.int32(0)), numeric(task.materialise()))
    example = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batch)
    answers = jax.ShapeDtypeStruct((spec.length, *spec.head.shape), spec.head.dtype)
    for name, learner in task.baselines().items():
        got = jax.eval_shape(learner, example)
        fine = (got.shape, got.dtype) == (answers.shape, answers.dtype)
        want, what = (f"{x.dtype}{list(x.shape)}" for x in (answers, got))
        require(task, fine, f"baseline {name} should return {want} and returns {what}")
    outputs = jax.ShapeDtypeStruct((EXAMPLES, spec.length, spec.outputs), jnp.float32)
    for one in task.measures():
        score = jax.eval_shape(lambda *args, one=one: one.of(jax.vmap(one.read)(*args)), batch, outputs)
        fine = getattr(score, "shape", None) == ()
        require(task, fine, f"measure {one.measure.name} should be a scalar and is {score}")
    if own:
        keys = jax.eval_shape(partial(jax.random.split, num=EXAMPLES), jax.random.key(0))
        loss = jax.eval_shape(lambda *args: task.objective(lambda _: args[0], *args[1:]), outputs, batch, keys)
        fine = loss.shape == (EXAMPLES,)
        require(task, fine, f"objective should give a number an example and gives {list(loss.shape)}")
