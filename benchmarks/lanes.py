"""Measures how many lanes to vectorise at a time on a device, and the memory that each lane takes.

    python -m benchmarks.lanes

It times a lane's training step in milliseconds with 1, 2, 4 and 8 of 8 lanes a device at a time, interleaved in one
run, at the studies' size. `lanes_per_device` is by default 1 on a CPU because of this record, and all of them on an
accelerator because of `gpu.json`.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import jax

from benchmarks.record import write
from experiments.engine import compose, config, devices
from experiments.engine.engine import Engine
from experiments.errors import check_no_words

AT_A_TIME = (1, 2, 4, 8)
REPEATS, SECONDS = 5, 2.0
SIZES = {"cpu": ["study=markov/threshold/cpu", "task.num_rules=1000"]}


def main() -> None:
    """Measures every size and records it."""
    devices.use_all_cores()
    compose.register()
    rows = []
    for size, overrides in SIZES.items():
        lanes = AT_A_TIME[-1] * jax.device_count()
        runs = [job.run for job in config.jobs([[*overrides, f"seed={seed}"] for seed in range(lanes)])]
        engines = {n: Engine(runs, lanes_per_device=n) for n in AT_A_TIME}
        for n, milliseconds in _step_times(engines, lanes).items():
            megabytes = engines[n].programs.device_bytes * jax.device_count() / lanes / 1e6
            row = {"size": size, "lanes": lanes, "at a time on a device": n, "ms a lane-step": round(milliseconds, 3)}
            rows.append(row | {"MB a lane": round(megabytes, 1)})
            print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _step_times(engines: dict[int, Engine], lanes: int) -> dict[int, float]:
    """Returns the milliseconds of one lane's step by number of lanes at a time, medians of interleaved repeats."""
    states = {n: engine.advance(engine.start(), 1) for n, engine in engines.items()}
    done, steps, spent = 1, 1, 0.0
    times_of: dict[int, list[float]] = {n: [] for n in engines}
    for repeat in range(REPEATS + 1):
        for n, engine in engines.items():
            since = time.perf_counter()
            states[n] = jax.block_until_ready(engine.advance(states[n], done + steps))
            spent = time.perf_counter() - since
            if repeat:  # the first repeat only measures how many steps fill the time
                times_of[n].append(1e3 * spent / steps / lanes)
        done += steps
        if not repeat:
            steps = max(1, round(SECONDS / spent))
    return {n: statistics.median(times) for n, times in times_of.items()}


if __name__ == "__main__":
    check_no_words("benchmarks.lanes", __doc__)
    main()
