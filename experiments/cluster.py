"""Packs of lanes on a Slurm cluster, through submitit: each pack is one Slurm job, which trains it on its device.

What crosses to a node is the overrides of a pack's jobs; what comes back are their records, in the folder that `out`
names, which all nodes must share. A pack that Slurm stops and requeues, or that is submitted again, goes on from there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import config as configs
from experiments import devices
from experiments.errors import ConfigError
from experiments.records import read_end
from experiments.train import missing, packs, plan, train

LOOK_SECONDS = 5.0  # between looks at the queue


class TrainPack:
    """What a Slurm job does. submitit calls `checkpoint` when Slurm stops it, and requeues what that returns."""

    def __call__(self, batch: list[list[str]], lanes_per_device: int) -> None:
        """Do what is missing of the jobs with these overrides."""
        configs.register()
        devices.use_all_cores()
        train(configs.jobs(batch), lanes_per_device=lanes_per_device)

    def checkpoint(self, batch: list[list[str]], lanes_per_device: int) -> Any:
        """The same again: the last checkpoints are on disk already."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, batch, lanes_per_device)


def train_on_slurm(
    jobs: Sequence[configs.Job], *, lanes_per_device: int, max_lanes: int, slurm: Mapping[str, Any]
) -> list[dict[str, Any] | None]:
    """Submit each pack of what is missing, wait, and return how each job ended, in order.

    `slurm` are submitit's parameters (timeout_min, slurm_partition, gpus_per_node ...). Raises ConfigError where
    submitit or Slurm is not there, or does not know a parameter. Interrupted, it leaves the Slurm jobs running.
    """
    todo = missing(jobs)
    if todo:
        try:
            import submitit
        except ImportError:
            raise ConfigError("hydra.launcher.executor: slurm needs submitit: pip install submitit") from None
        logs = Path(jobs[0].config["out"]).absolute() / ".slurm"
        try:
            executor = submitit.SlurmExecutor(folder=logs)
            executor.update_parameters(**submitit.SlurmExecutor._convert_parameters(dict(slurm)))
        except (RuntimeError, ValueError, NameError) as e:
            raise ConfigError(f"hydra.launcher.slurm: {str(e).strip().splitlines()[0]}") from None
        print(plan(todo, max_lanes), file=sys.stderr)
        train_pack = TrainPack()
        running = [
            executor.submit(train_pack, [list(job.overrides) for job in pack], lanes_per_device)
            for pack in packs(todo, max_lanes)
        ]
        print(f"Slurm jobs {' '.join(job.job_id for job in running)}; their output is in {logs}", file=sys.stderr)
        _wait(running)
    return [read_end(job.folder) for job in jobs]


def _wait(running: Sequence[Any]) -> None:
    """Wait for all Slurm jobs, with a line whenever the number that is done changes, and one for each that failed."""
    before = -1
    while before < len(running):
        done = sum(job.done() for job in running)
        if done != before:
            print(f"{done}/{len(running)} packs done", file=sys.stderr)
            before = done
        if done < len(running):
            time.sleep(LOOK_SECONDS)
    for job in running:
        if job.exception() is not None:
            last = str(job.exception()).strip().splitlines()[-1]
            print(f"Slurm job {job.job_id} failed ({job.state}): {last}", file=sys.stderr)
