"""Measures the episodes a second that the tasks of `synthetic/episodes` sample, against loops over episodes in NumPy.

    python -m benchmarks.episodes

Ours makes batches inside a compiled program on all cores, one part of the batch on each, as training does. A loop makes
one episode after another, each with whole-array operations and its sets made beforehand. Classes in context have the
first paper's sizes, projections and regression those of the studies at cpu scale. Aim: 20 times.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.boolean import rates
from benchmarks.record import write
from experiments.engine import devices
from experiments.errors import check_no_words
from synthetic.episodes import ClassEpisodes, ProjectionEpisodes, RegressionEpisodes
from synthetic.task import Task

Episode = tuple[np.ndarray, np.ndarray]
N, D, K, L, NOISE = 8, 63, 1024, 32, 0.1
CLASSES, SIZE, POINTS, TASKS = 4, 8, 24, 256
DIMENSIONS, PROMPT, POOL = 2, 7, 6


def main() -> None:
    """Measures all tasks and records them."""
    check_no_words("benchmarks.episodes", __doc__)
    devices.use_all_cores()
    rows = []
    for name, (task, episode) in cases().items():
        ours, theirs = rates(task, episode)
        rows += [
            {"measure": f"{name}: episodes/s", "value": round(ours)},
            {"measure": f"{name}: episodes/s of a NumPy loop", "value": round(theirs)},
            {"measure": f"{name}: ratio", "value": round(ours / theirs, 1)},
        ]
    write(Path(__file__).with_suffix(".csv"), rows)


def cases() -> dict[str, tuple[Task, Callable[[np.random.Generator], Episode]]]:
    """Returns each task with a function that makes one episode of it in NumPy."""
    rng = np.random.default_rng(0)
    centres, labels = rng.normal(size=(K, D)) / D**0.5, rng.normal(size=(L, D)) / D**0.5
    matrices = rng.normal(size=(TASKS, SIZE, SIZE)) / SIZE**0.5
    orders = np.stack([rng.permutation(CLASSES) for _ in range(TASKS)])
    base, pool = rng.normal(size=(CLASSES, SIZE)), rng.normal(size=(POOL, DIMENSIONS))
    return {
        "classes": (
            ClassEpisodes(pairs=N, copies=N // 2, dimensions=D, classes=K, labels=L, noise=NOISE),
            lambda rng: classes(rng, centres, labels),
        ),
        "projections": (
            ProjectionEpisodes(classes=CLASSES, dimensions=SIZE, points=POINTS, tasks=TASKS),
            lambda rng: projections(rng, matrices, orders, base),
        ),
        "regression": (
            RegressionEpisodes(dimensions=DIMENSIONS, points=PROMPT, pool=POOL, noise=0.5),
            lambda rng: regression(rng, pool),
        ),
    }


def classes(rng: np.random.Generator, centres: np.ndarray, labels: np.ndarray) -> Episode:
    """Returns (inputs float32[2N + 1, D], target) of two classes of different labels with N / 2 copies each."""
    ways = 2
    groups = rng.choice(L, ways, replace=False)
    chosen = np.repeat(groups + L * rng.integers(K // L, size=ways), N // ways)
    rng.shuffle(chosen)
    numbers = np.append(chosen, chosen[rng.integers(N)])
    items = (centres[numbers] + NOISE * rng.normal(size=(N + 1, D)) / D**0.5) / (1 + NOISE**2) ** 0.5
    inputs = np.empty((2 * N + 1, D), np.float32)
    inputs[::2], inputs[1::2] = items, labels[chosen % L]
    return inputs, numbers[-1] % L


def projections(rng: np.random.Generator, matrices: np.ndarray, orders: np.ndarray, base: np.ndarray) -> Episode:
    """Returns (inputs float32[P, D + C], targets [P]) of a projection of a pool."""
    task = rng.integers(TASKS)
    drawn = rng.integers(CLASSES, size=POINTS)
    x = (base[drawn] + 0.3 * rng.normal(size=(POINTS, SIZE))) / 1.09**0.5
    answers = orders[task][drawn]
    inputs = np.zeros((POINTS, SIZE + CLASSES), np.float32)
    inputs[:, :SIZE] = x @ matrices[task].T
    inputs[np.arange(1, POINTS), SIZE + answers[:-1]] = 1
    return inputs, answers


def regression(rng: np.random.Generator, pool: np.ndarray) -> Episode:
    """Returns (inputs float32[2P - 1, d], targets [P]) of weights that are of a pool or not."""
    weights = pool[rng.integers(POOL)] if rng.random() < 0.5 else rng.normal(size=DIMENSIONS)
    x = rng.normal(size=(PROMPT, DIMENSIONS))
    y = x @ weights + 0.5 * rng.normal(size=PROMPT)
    inputs = np.zeros((2 * PROMPT - 1, DIMENSIONS), np.float32)
    inputs[::2], inputs[1::2, 0] = x, y[:-1]
    return inputs, y


if __name__ == "__main__":
    sys.exit(main())
