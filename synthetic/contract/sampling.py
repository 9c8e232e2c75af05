"""Samples of a task for its checks: batches of each condition, compiled once, and faults in one line."""

from __future__ import annotations

import inspect
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fields import declared
from synthetic.task import Example, Task

EXAMPLES = 256  # sampled from each condition

traces: Counter[str] = Counter()
_LOOKS_AT_A_VALUE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def sample(task: Task, split: str, seed: jax.Array) -> Example:
    """Samples `EXAMPLES` examples, and counts how often it is traced."""
    traces[split] += 1
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(EXAMPLES))
    return jax.vmap(task.sample, (0, None))(keys, split)


# This program runs a few times, so optimising it takes longer than it saves.
jit = partial(jax.jit, static_argnums=1, compiler_options={"xla_backend_optimization_level": 0})
_batch = jit(sample)


def sample_batch(task: Task, split: str, seed: int = 0, *, retrace: bool = False, explain: bool = False) -> Example:
    """Returns `EXAMPLES` examples as NumPy arrays with a leading axis; compiled once for each treedef and split.

    explain: whether a fault of tracing names the knob.
    """
    program = jit(lambda *args: sample(*args)) if retrace else _batch  # jit knows a function it has traced
    with tracing(task, f"split {split}", (lambda t: sample(t, split, jnp.int32(seed))) if explain else None):
        examples = program(numeric(task), split, seed)
    return jax.tree.map(np.asarray, examples)


@contextmanager
def tracing(task: Task, traced: str, function: Callable[[Task], Any] | None = None) -> Iterator[None]:
    """Raises AssertionError where something of the task looks at the value of a knob while it is traced.

    function: what is traced, of the task, by which the knob is found; without it the line refers to the check of knobs.
    """
    try:
        yield
    except _LOOKS_AT_A_VALUE as e:
        why = _explain(task, function, e) if function else "see the check knobs_are_traced"
        raise AssertionError(f"{type(task).__name__}: {traced} cannot be traced: {why}") from e


def _explain(task: Task, function: Callable[[Task], Any], error: Exception) -> str:
    """Says which knobs are used as Python values, where, and what to do instead."""
    concrete, guilty = numeric(task), []
    for name, d in declared(type(task)).items():
        value = getattr(concrete, name)
        if not d.traced or value is None or d.type is dict:
            continue
        try:
            jax.eval_shape(lambda v, name=name: function(concrete.replace(**{name: v})), value)
        except _LOOKS_AT_A_VALUE as own:
            guilty.append(name)
            error = own
    knobs = f"the knob{'s' * (len(guilty) > 1)} {', '.join(guilty)}" if guilty else "a knob"
    files = {inspect.getsourcefile(cls) for cls in type(task).__mro__ if cls.__module__ != "builtins"}
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    where = f" in {Path(lines[-1].filename).name}:{lines[-1].lineno}" if lines else ""
    are = "are used as Python values" if len(guilty) > 1 else "is used as a Python value"
    return f"{knobs} {are}{where}; compute with it by jnp.where and the like, or declare it static"


def numeric(task: Task) -> Task:
    """Returns the task with NumPy scalars for knobs, as the engine stacks them."""
    kinds = {float: np.float32, int: np.int32, bool: np.int32}
    return jax.tree.map(lambda x: kinds.get(type(x), np.asarray)(x), task)


def condition_batches(task: Task) -> Iterator[tuple[str, Task, Example]]:
    """Yields each condition's name, its task and a batch of its examples."""
    for name, (variant, split) in task.materialise().conditions().items():
        yield name, variant, sample_batch(variant, split)


def each(batch: Example) -> Iterator[Example]:
    """Yields the single examples of a batch."""
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(EXAMPLES))


def require(task: Task, fine: bool | np.bool_, broken: str) -> None:
    """Raises AssertionError, one line that names the task, unless it is fine."""
    if not fine:
        raise AssertionError(f"{type(task).__name__}: {broken}")
