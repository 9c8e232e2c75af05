"""Examples of tasks for tests: drawn by a program that is compiled fast, as NumPy arrays."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from synthetic import Example, Task

_jit = partial(jax.jit, static_argnums=(1, 3), compiler_options={"xla_backend_optimization_level": 0})


@_jit
def _sample(task, split, seed, count):
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(count))
    return jax.vmap(task.sample, (0, None))(keys, split)


def drawn(task: Task, split: str = "train", count: int = 256, seed: int = 0) -> Example:
    """Examples of a split with a leading axis."""
    return jax.tree.map(np.asarray, _sample(task, split, seed, count))


def each(batch: Example):
    """The examples of a batch, one by one."""
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(len(batch.inputs)))


def texts(task: Task, split: str = "train", count: int = 256):
    """(prompt, answer) of examples as text."""
    return [task.render(example) for example in each(drawn(task, split, count))]


@partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
def _judge(task, batch, decoded):
    return jax.vmap(task.judge)(batch, decoded)


def judged(task: Task, batch: Example, decoded) -> dict[str, np.ndarray]:
    """The scores that the task gives decoded answers to a batch."""
    return jax.tree.map(np.asarray, _judge(task, batch, jnp.asarray(decoded)))
