"""Examples of episodes in context as NumPy arrays, and the answers of baselines on them, for tests."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
from scipy import special

EPISODES = 1000
# A program that runs once: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def logsumexp(x, axis=None, *, keepdims=False) -> np.ndarray:
    return np.asarray(special.logsumexp(x, axis, keepdims=keepdims))


def draw(task, split="train", count=256, seed=0):
    """Returns examples of a split as NumPy arrays with a leading axis."""
    assert list(task.problems()) == []
    keys = jax.random.split(jax.random.key(seed), count)
    return jax.tree.map(np.asarray, jit(jax.vmap(lambda key: task.sample(key, split)))(keys))


def answers(task, batch):
    """Returns the answers of all baselines on examples, by name."""
    learners = task.baselines()
    return jax.tree.map(
        np.asarray, jit(lambda batch: {name: jax.vmap(f)(batch) for name, f in learners.items()})(batch)
    )


def numbered(batch, name):
    """Returns the facts `name`_0 and so on, side by side."""
    return np.stack(
        [batch.facts[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in batch.facts))], 1
    )
