"""Measures a step on a whole training set: milliseconds of wall time and of CPU time.

    python -m benchmarks.full_batch

The runs are those of the studies of grokking: addition modulo 47, an MLP of width 128, a share of the 2,209 pairs in
each step. Aim: 3 ms a step of a run or less on 2 cores. CPU time is summed over cores, so that a busy machine does not
change it; half of it is the wall time of each of two lanes side by side where the machine is idle.
"""

from __future__ import annotations

import time
from pathlib import Path

import jax

from benchmarks.record import write
from experiments.engine import config
from experiments.engine.engine import Engine

STEPS = 300
WORDS = [
    *("task=modular", "task.p=47", "model=mlp", "model.width=128", "model.bias=false", "model.init=uniform"),
    *("optim=adamw", "optim.schedule=constant", "optim.clip=0", "optim.weight_decay=0", "optim.eps=1e-25"),
    *("optim.scale=1e10", "train.order=epochs", "train.absorb=0.0", f"train.steps={10 * STEPS}"),
]


def main() -> None:
    """Measures one run alone and two as lanes, for two shares of the pairs, and records them."""
    rows = []
    for share, pairs in ((0.5, 1105), (0.8, 1767)):
        for lanes in (1, 2):
            words = [*WORDS, f"task.fraction={share}", f"train.batch_size={pairs}"]
            runs = [job.run for job in config.jobs([[*words, f"seed={seed}"] for seed in range(lanes)])]
            row = {"pairs a step": pairs, "lanes": lanes, "devices": jax.device_count()}
            rows.append(row | _measure(Engine(runs)))
            print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _measure(engine: Engine) -> dict[str, float]:
    """Returns milliseconds a step and lane, the least of three measurements, after a first one that is left out."""
    lanes = engine.advance(engine.start(), STEPS)
    walls, cpus = [], []
    for turn in range(2, 5):
        jax.block_until_ready(lanes)
        wall, cpu = time.perf_counter(), time.process_time()
        lanes = jax.block_until_ready(engine.advance(lanes, turn * STEPS))
        per_step = 1000 / STEPS / engine.size
        walls.append((time.perf_counter() - wall) * per_step)
        cpus.append((time.process_time() - cpu) * per_step)
    return {"wall ms a step and lane": round(min(walls), 2), "CPU ms a step and lane": round(min(cpus), 2)}


if __name__ == "__main__":
    main()
