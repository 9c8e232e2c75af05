"""Part `checks`: on this device, a study runs whole, a lane beside others is the run alone, and a stop costs nothing.

Vectorised lanes may be computed by other kernels than a single run, whose sums are rounded in another order, so a lane
is held to the run alone within TOLERANCE of its loss. A run that was stopped and went on is held to equality.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy

from benchmarks.gpu.part import Part, begin, toy
from benchmarks.gpu.sizes import OPTIMIZER, SMALL
from experiments.engine import config
from experiments.engine.engine import Engine
from experiments.engine.job import Job
from experiments.engine.lane import Run
from experiments.engine.progress import Progress
from experiments.engine.stop import Stopped
from experiments.engine.train import train
from experiments.engine.training import Training

STUDY = "markov/threshold/smoke"
TOY_JOBS = ("task.num_rules=30", "seed=0")
LANES, STEPS = 4, 50
TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2}  # of the mean training loss over STEPS, relative


class Stopping(Progress):
    """A display that asks its own process to stop after some chunks of steps."""

    def __init__(self, chunks: int):
        super().__init__()
        self.left = chunks

    def update(self, jobs: Sequence[Job], steps: np.ndarray, rate: float) -> None:
        """Counts a chunk."""
        super().update(jobs, steps, rate)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Runs the missing checks; the smoke run is a command of its own, beside the others.

    The toy size has only the check of a run's resumption, for every other program compiles for longer than all else
    takes.
    """
    part = begin()
    smoke = None if "smoke run" in part.done or toy() else _start_smoke(part.folder)
    since = time.perf_counter()
    for precision in [] if toy() else TOLERANCE:
        if f"a lane is the run alone, {precision}" not in part.done:
            _check_lane(part, precision)
    if "resume" not in part.done:
        _check_resume(part)
    if smoke:
        output, _ = smoke.communicate()
        last = ([line for line in output.splitlines() if line.strip()] or [""])[-1]
        part.add("smoke run", passed=smoke.returncode == 0, study=STUDY, said=last.replace(str(part.folder), "")[:150])
    print(f"checks took {time.perf_counter() - since:.0f} s", flush=True)


def _start_smoke(folder: Path) -> subprocess.Popen[str]:
    words = ["-m", f"study={STUDY}", "hydra/launcher=vmap", f"out={folder}/checks/smoke"]
    command = [sys.executable, "-m", "experiments.run", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _check_lane(part: Part, precision: str) -> None:
    """Compares the first of some lanes with the same run in an engine of its own."""
    size = SMALL
    training = Training(steps=STEPS, batch_size=size.batch, eval_examples=size.batch)
    optimizers = [dataclasses.replace(OPTIMIZER, lr=OPTIMIZER.lr * (1 + k)) for k in range(LANES)]
    runs = [Run(size.task, size.model(precision), o, training, seed) for seed, o in enumerate(optimizers)]
    with ThreadPoolExecutor(2) as pool:
        engines = list(pool.map(lambda some: Engine(some, lanes_per_device=len(some)), [runs, runs[:1]]))
    beside, alone = (engine.fetch(engine.advance(engine.start(), STEPS)) for engine in engines)
    losses = [float(lane.loss_sum[0] / lane.loss_steps[0]) for lane in (beside, alone)]
    apart = abs(losses[0] - losses[1]) / losses[1]
    part.add(
        f"a lane is the run alone, {precision}",
        passed=bool(apart <= TOLERANCE[precision]),
        **{
            "loss of the lane": losses[0],
            "loss of the run alone": losses[1],
            "apart, relative": apart,
            "tolerance": TOLERANCE[precision],
            "parameters apart at most": _apart(_leaves(beside.params), _leaves(alone.params)),
        },
    )


def _check_resume(part: Part) -> None:
    """Compares the states of the study trained whole, twice, with those of a training that was stopped."""
    only = TOY_JOBS if toy() else ()
    jobs = {
        name: config.jobs(config.sweep([f"study={STUDY}", *only, f"out={part.folder}/checks/{name}"]))
        for name in ("whole", "again", "stopped")
    }
    stopped = False
    train(jobs["whole"])
    train(jobs["again"])
    try:
        with Stopping(3) as progress:
            train(jobs["stopped"], progress=progress)
    except Stopped:
        stopped = True
    train(jobs["stopped"])
    states = {name: [_state(job) for job in some] for name, some in jobs.items()}
    apart = {
        name: max(_apart(a, b) for a, b in zip(states["whole"], states[name], strict=True))
        for name in ("again", "stopped")
    }
    part.add(
        "resume",
        passed=stopped and apart["stopped"] <= max(apart["again"], 1e-6),
        **{
            "parameters and optimiser apart at most": apart["stopped"],
            "two trainings without a stop apart at most": apart["again"],
        },
    )


def _state(job: Job) -> list[np.ndarray]:
    return list(safetensors.numpy.load_file(job.folder / "state.safetensors").values())


def _leaves(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf[0]) for leaf in jax.tree.leaves(tree)]


def _apart(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Returns the largest difference of two numbers at the same place."""
    return max(float(np.abs(np.subtract(a, b, dtype=np.float64)).max()) for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    sys.exit(main())
