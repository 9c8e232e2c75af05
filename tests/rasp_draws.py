"""Examples of tasks of length generalisation as NumPy arrays and as words, for tests."""

from functools import partial

import jax
import numpy as np
from scipy.stats import chisquare

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

EXAMPLES = 512


@partial(jit, static_argnums=1)
def _draw(task, split):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(0), EXAMPLES), split)


def draw(task, split="train"):
    """Examples as NumPy arrays with a leading axis."""
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, split))


def examples(batch):
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(len(batch.weights)))


def shown(task, split="test"):
    """(prompt, answer, facts) of examples, the texts as lists of words."""
    for example in examples(draw(task, split)):
        prompt, answer = task.render(example)
        yield prompt.split(), answer.split(), {name: int(fact) for name, fact in example.facts.items()}


def fair(counts, p=1e-3):
    return chisquare(counts).pvalue > p
