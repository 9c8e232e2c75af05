"""Measures the prompts a second that the Boolean task samples, against a loop over prompts in NumPy with the same laws.

    python -m benchmarks.boolean

It samples conjunctions and DNFs at n = 28 and m = 70. Ours makes batches inside a compiled program on all cores, one
part of the batch on each, as training does. The loop makes one prompt after another, each with whole-array operations.
Aim: 20 times.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from benchmarks.record import write
from experiments.engine import devices
from experiments.errors import check_no_words
from synthetic.boolean import Boolean
from synthetic.task import Task

N, M = 28, 70
BATCH, BATCHES, LOOPED, REPEATS = 64, 100, 2000, 7


def main() -> None:
    """Measures both families and records them."""
    devices.use_all_cores()
    rows = []
    for family, prompt in (("conjunction", conjunction), ("dnf", dnf)):
        ours, theirs = rates(Boolean(family=family, dimensions=N, points=M), prompt)
        rows += [
            {"measure": f"{family}: prompts/s", "value": round(ours)},
            {"measure": f"{family}: prompts/s of a NumPy loop", "value": round(theirs)},
            {"measure": f"{family}: ratio", "value": round(ours / theirs, 1)},
        ]
    write(Path(__file__).with_suffix(".csv"), rows)


def rates(task: Task, prompt: Callable[[np.random.Generator], tuple]) -> tuple[float, float]:
    """Returns prompts a second of both, medians of interleaved repeats."""
    mesh = Mesh(np.array(jax.devices()), ("cores",))

    def batches(key: jax.Array) -> jax.Array:
        """Reduces `BATCHES` batches to a number that depends on all that a model reads, so all of it is made."""
        key = jax.random.fold_in(key, jax.lax.axis_index("cores"))

        def batch(i: jax.Array, total: jax.Array) -> jax.Array:
            keys = jax.random.split(jax.random.fold_in(key, i), BATCH)
            examples = jax.lax.optimization_barrier(jax.vmap(task.sample, (0, None))(keys, "train"))
            return total + sum(leaf[0].sum() for leaf in jax.tree.leaves(examples))

        return jax.lax.fori_loop(0, BATCHES, batch, jnp.float32(0))[None]

    cores = PartitionSpec("cores")
    generate = jax.jit(jax.shard_map(batches, mesh=mesh, in_specs=PartitionSpec(), out_specs=cores, check_vma=False))
    generate(jax.random.key(0)).block_until_ready()
    ours, theirs = [], []
    for repeat in range(REPEATS):
        since = time.perf_counter()
        generate(jax.random.key(repeat)).block_until_ready()
        ours.append(mesh.size * BATCH * BATCHES / (time.perf_counter() - since))
        rng = np.random.default_rng(repeat)
        since = time.perf_counter()
        for _ in range(LOOPED):
            prompt(rng)
        theirs.append(LOOPED / (time.perf_counter() - since))
    return statistics.median(ours), statistics.median(theirs)


def conjunction(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns (inputs float32[2m, n], targets [m]) of a conjunction, in NumPy."""
    literals = rng.choice([0, 1, -1], N, p=[0.7, 0.15, 0.15])
    x = rng.choice([-1.0, 1.0], (M, N))
    planted = rng.random(M) < 0.3
    x = np.where(planted[:, None] & (literals != 0), literals, x)
    return _interleaved(x, np.all(x * literals >= 0, 1))


def dnf(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns (inputs float32[2m, n], targets [m]) of a DNF of three terms, in NumPy."""
    terms = rng.choice([0, 1, -1], (3, N), p=[0.8, 0.1, 0.1])
    x = rng.choice([-1.0, 1.0], (M, N))
    term, planted = terms[rng.integers(3)], rng.random(M) < 0.35
    x = np.where(planted[:, None] & (term != 0), term, x)
    return _interleaved(x, np.any(x @ terms.T == abs(terms).sum(1), 1))


def _interleaved(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.zeros((2 * M, N), np.float32)
    inputs[::2], inputs[1::2, 0] = x, np.where(y, 1, -1)
    return inputs, y


if __name__ == "__main__":
    check_no_words("benchmarks.boolean", __doc__)
    sys.exit(main())
