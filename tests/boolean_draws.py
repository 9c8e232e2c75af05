"""Examples of the Boolean tasks as NumPy arrays, and their functions in plain Python, for tests."""

import itertools
from functools import partial

import jax
import numpy as np

from synthetic.boolean import FAMILIES, Boolean
from synthetic.boolean.family import Counted

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

TAUGHT = [name for name, family in FAMILIES.items() if family.taught]
DRAWN = [name for name, family in FAMILIES.items() if not issubclass(family, Counted)]
KINDS = [(name, teaching) for name in FAMILIES for teaching in ([False, True] if name in TAUGHT else [False])]


def boolean(family, n, m=8, **fields):
    return Boolean(family=family, dimensions=n, points=m, **fields)


@partial(jit, static_argnums=(1, 2))
def _draw(task, splits, count, seed):
    keys = jax.random.split(jax.random.key(seed), count)
    return [jax.vmap(task.sample, (0, None))(keys, split) for split in splits]


def draws(task, *splits, count=64, seed=0):
    """Examples of each split as NumPy arrays with a leading axis; the splits share a program."""
    assert list(task.problems()) == []
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, splits, count, seed))


def draw(task, split="train", count=64, seed=0):
    return draws(task, split, count=count, seed=seed)[0]


def each(batch):
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(len(batch.inputs)))


def functions(task, batch):
    """The digits of each example's function."""
    return np.array([task._digits(example) for example in each(batch)])


def says(task, function):
    """All that a function says, in plain Python: a tuple over the 2^n points, -1 before 1 in each variable."""
    every = itertools.product((-1, 1), repeat=task.dimensions)
    return tuple(task._functions.says(list(map(int, function)), list(x)) for x in every)
