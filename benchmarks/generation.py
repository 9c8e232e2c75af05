"""Measures the share of a training step spent on making its examples, and the host's share of a run between chunks.

    python -m benchmarks.generation

It runs at cpu scale, with the study markov/threshold/cpu. Aims: generation 5 % of a step or less, the host 2 % or less.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.record import write
from experiments.engine import compose, config, devices, train
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, draw
from experiments.errors import check_no_words

STEPS, REPEATS = 200, 5


def main() -> None:
    """Measures both and records them."""
    devices.use_all_cores()
    compose.register()
    jobs = config.jobs(
        [[*overrides, "train.steps=400"] for overrides in config.sweep(["study=markov/threshold/cpu"])[:4]]
    )
    generation, step = _generation(jobs[0].run)
    host = _host_share()
    write(
        Path(__file__).with_suffix(".csv"),
        [
            {"measure": "generating a batch, ms", "value": round(generation * 1e3, 3)},
            {"measure": "training step, ms", "value": round(step * 1e3, 3)},
            {"measure": "generation, share of a step", "value": round(generation / step, 4)},
            {"measure": "host between chunks, share of training", "value": round(host, 4)},
        ],
    )


def _generation(run: Run) -> tuple[float, float]:
    """Returns the seconds to make a batch, and to do a training step with one, medians of interleaved repeats."""

    @jax.jit
    def generate(run: Run) -> jax.Array:
        def batch(i: jax.Array, total: jax.Array) -> jax.Array:
            examples = draw(run.task, "train", jax.random.fold_in(run.key(1), i), run.train.batch_size)
            return total + sum(leaf.sum() for leaf in jax.tree.leaves(examples))

        return jax.lax.fori_loop(0, STEPS, batch, jnp.float32(0))

    engine = Engine([run])
    lanes = engine.advance(engine.start(), 1)
    generate(run).block_until_ready()
    made, trained = [], []
    for repeat in range(REPEATS):
        since = time.perf_counter()
        generate(run).block_until_ready()
        made.append((time.perf_counter() - since) / STEPS)
        since = time.perf_counter()
        lanes = engine.advance(lanes, 1 + (repeat + 1) * STEPS // REPEATS)
        jax.block_until_ready(lanes.step)
        trained.append((time.perf_counter() - since) / (STEPS // REPEATS))
    return statistics.median(made), statistics.median(trained)


def _host_share() -> float:
    """Returns the share of a study's training loop outside the compiled programs: records, checkpoints, progress."""
    spent = {"devices": 0.0, "loop": 0.0}

    def timed(what: str, method: Any) -> Any:
        def call(*args: Any) -> Any:
            since = time.perf_counter()
            done = jax.block_until_ready(method(*args))
            spent[what] += time.perf_counter() - since
            return done

        return call

    with tempfile.TemporaryDirectory() as out:
        jobs = config.jobs(config.sweep(["study=markov/threshold/cpu", "seed=0", "train.steps=800", f"out={out}"]))
        Engine.advance, Engine.evaluate = timed("devices", Engine.advance), timed("devices", Engine.evaluate)
        train.Pack.train = timed("loop", train.Pack.train)
        train.train(jobs)
    return 1 - spent["devices"] / spent["loop"]


if __name__ == "__main__":
    check_no_words("benchmarks.generation", __doc__)
    sys.exit(main())
