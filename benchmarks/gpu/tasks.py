"""Part `tasks`: examples a second that generators make on this device, and cached greedy decoding."""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.decoding import ROWS, SETTING, _seconds, _trained
from benchmarks.gpu.part import Part, begin, toy
from experiments.engine import config
from experiments.engine.lane import Run, draw
from fields import replace
from models.decode import decode

# Each as a study draws it, at gpu scale.
TASKS = {
    "markov": ["study=markov/threshold/gpu", "task.num_rules=1000"],
    "rasp_count": ["study=rasp/table/gpu", "task=rasp_count", "task.train_length=40"],
    "rasp_addition_hints": ["study=rasp/table/gpu", "task=rasp_addition_hints", "task.train_length=40"],
    "tint, read from a finite set": ["study=tint/static_vs_dynamic/gpu"],
    "boolean, conjunction": ["study=boolean/table/gpu", "task.family=conjunction"],
    "boolean, dnf": ["study=boolean/table/gpu", "task.family=dnf"],
}
BATCH, BATCHES, TURNS = 4096, 10, 3
TOY_TASKS, TOY_BATCH = ("markov", "rasp_count"), 64


def main() -> None:
    """Measures the missing tasks."""
    part = begin()
    names = [name for name in (TOY_TASKS if toy() else TASKS) if name not in part.done]
    batch = TOY_BATCH if toy() else BATCH
    runs = [config.jobs([TASKS[name]])[0].run for name in names]  # Hydra composes one at a time: not in the threads
    with ThreadPoolExecutor(4) as pool:
        building = [pool.submit(_generator, run, batch) for run in runs]
    for name, built in zip(names, building, strict=True):
        try:
            _generate(part, name, batch, *built.result())
        except Exception as e:
            part.add(name, failed=(str(e).splitlines() or [type(e).__name__])[0][:200])
    if "decoding" not in part.done and not toy():
        _decode(part)


def _generator(run: Run, batch: int) -> tuple[Any, Run]:
    """Returns the compiled program that draws BATCHES batches, and the run that it draws for, as arrays."""
    run = jax.tree.map(jnp.asarray, replace(run, task=run.task.materialise()))

    def generate(run: Run, key: jax.Array) -> jax.Array:
        def one(i: jax.Array, total: jax.Array) -> jax.Array:
            examples = jax.lax.optimization_barrier(draw(run.task, "train", jax.random.fold_in(key, i), batch))
            return total + sum(leaf.sum() for leaf in jax.tree.leaves(examples))

        return jax.lax.fori_loop(0, BATCHES, one, jnp.float32(0))

    return jax.jit(generate).lower(run, jax.random.key(0)).compile(), run


def _generate(part: Part, name: str, batch: int, program: Any, run: Run) -> None:
    seconds = []
    for turn in range(TURNS + 1):
        since = time.perf_counter()
        program(run, jax.random.key(turn)).block_until_ready()
        seconds.append(time.perf_counter() - since)
    spent = statistics.median(seconds[1:])
    length = run.task.spec.length
    rate = BATCHES * batch / spent
    part.add(name, **{"batch": batch, "tokens an example": length, "examples/s": round(rate)})


def _decode(part: Part) -> None:
    """Times greedy decoding of additions by a model that has learned them."""
    run = config.jobs([SETTING])[0].run
    model, examples = _trained(run)
    free = jax.lax.cummax((examples.weights > 0).astype(jnp.int32), axis=1)
    way = jax.jit(lambda x, free: decode(model, x, free, end=run.task.end))
    answers = way(examples.inputs, free)
    right = float((answers == examples.targets).all(1, where=examples.weights > 0).mean())
    seconds = _seconds(way, examples, free)
    part.add("decoding", **{"additions": ROWS, "seconds, with the cache": round(seconds, 4), "right": round(right, 3)})


if __name__ == "__main__":
    sys.exit(main())
