"""One run that shares its batches between two devices, against the same run on one.

    python -m benchmarks.devices

Tokens a second of a run of 6 layers of width 256, in three processes that take turns: one virtual device on one core,
one on two cores (XLA's threads use both for large operations), and two virtual devices, a core each, that share every
batch. Ratios are medians over the turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax

from benchmarks.record import write
from experiments.engine import compose, config, devices
from experiments.engine.engine import Engine
from experiments.errors import check_no_words

RUN = ["study=markov/threshold/cpu", "task.num_rules=1000", "model.width=256", "model.depth=6", "model.heads=4"]
TURNS, SECONDS = 7, 4.0
PLACES = {"1 device, 1 core": (1, 1), "1 device, 2 cores": (1, 2), "2 devices, 2 cores": (2, 2)}


def main() -> None:
    """Measures every place in turn and records it; with two numbers, is the process of one place."""
    if len(sys.argv) == 3:
        return _work(int(sys.argv[1]), int(sys.argv[2]))
    check_no_words("benchmarks.devices", __doc__)
    workers = {name: _Worker(*place) for name, place in PLACES.items()}
    for worker in workers.values():
        worker.turn()  # the first compiles
    speeds = {name: [] for name in workers}
    for _ in range(TURNS):
        for name, worker in workers.items():
            speeds[name].append(worker.turn())
    for worker in workers.values():
        worker.end()
    one_core = speeds[next(iter(PLACES))]
    rows = [
        {
            "place": name,
            "tokens/s": round(statistics.median(turns)),
            "times 1 device, 1 core": round(statistics.median(a / b for a, b in zip(turns, one_core, strict=True)), 2),
        }
        for name, turns in speeds.items()
    ]
    write(Path(__file__).with_suffix(".csv"), rows)


class _Worker:
    """A process with its own devices and cores, which trains for a while when it is told to."""

    def __init__(self, devices: int, cores: int):
        command = [sys.executable, "-m", "benchmarks.devices", str(devices), str(cores)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self) -> float:
        """Returns the tokens a second of one turn."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def end(self) -> None:
        """Lets the process end."""
        self.process.communicate()


def _work(count: int, cores: int) -> None:
    """Trains for a turn whenever a line comes, and answers with tokens a second."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    devices.use_all_cores()
    jax.config.update("jax_num_cpu_devices", count)
    compose.register()
    run = config.jobs([RUN])[0].run
    engine = Engine([run], shard_batch=True, devices=jax.devices()[:count])
    lanes = jax.block_until_ready(engine.advance(engine.start(), 1))
    done, seconds = 1, 1.0
    for _ in sys.stdin:
        steps = max(1, round(SECONDS / seconds))
        since = time.perf_counter()
        lanes = jax.block_until_ready(engine.advance(lanes, done + steps))
        done, seconds = done + steps, (time.perf_counter() - since) / steps
        print(run.train.batch_size * run.task.spec.length / seconds, flush=True)


if __name__ == "__main__":
    main()
