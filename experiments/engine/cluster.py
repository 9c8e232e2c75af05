"""Packs of lanes on a Slurm cluster, through submitit: each pack is one Slurm job, which trains it on its devices.

A job of several tasks (`nodes`, `tasks_per_node`) trains its pack in all of them together, on the devices of all.

The overrides of a pack's jobs cross to a node, and their records come back, in the folder that `out` names, which all
nodes must share. A pack that Slurm stops and requeues goes on from there. So does the same command
again: it waits for the packs that are still in the queue, and submits what else is missing.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.engine import compose, devices, processes
from experiments.engine import config as configs
from experiments.engine.job import Job
from experiments.engine.records import read_end, write
from experiments.engine.stop import Stopped
from experiments.engine.train import missing, packs, plan, train
from experiments.errors import ConfigError

LONGEST_WAIT = 10.0  # seconds between looks at the queue; the first are closer together


class TrainPack:
    """The work of a Slurm job. When its time is nearly over submitit calls `checkpoint` and requeues what that returns.

    submitit does so in a handler of the signal that Slurm sends before the end; `train` has put every lane on disk by
    then. At SIGTERM (pre-emption, scancel) it does that too and trains on until Slurm ends the job, which knows best
    whether it is to be requeued.
    """

    def __call__(self, batch: list[list[str]], lanes_per_device: int, shard_batch: bool | None) -> None:
        """Trains those of the jobs with these overrides that have not ended."""
        compose.register()
        devices.use_all_cores()
        processes.connect()
        train(configs.jobs(batch), lanes_per_device=lanes_per_device, shard_batch=shard_batch)

    def checkpoint(self, batch: list[list[str]], lanes_per_device: int, shard_batch: bool | None) -> Any:
        """Returns the same call, for the requeued job: the states are on disk."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, batch, lanes_per_device, shard_batch)


def train_on_slurm(
    jobs: Sequence[Job],
    *,
    lanes_per_device: int,
    max_lanes: int,
    shard_batch: bool | None,
    slurm: Mapping[str, Any],
) -> list[dict[str, Any] | None]:
    """Submits the unfinished jobs, a Slurm job for each pack, waits, and returns each job's end record, in order.

    `slurm` are submitit's parameters for Slurm (partition, time, gpus_per_node ...) and `max_num_timeout`. Raises
    ConfigError where submitit or Slurm is not there or refuses a parameter, Stopped on SIGINT, which leaves the Slurm
    jobs running.
    """
    logs = Path(jobs[0].config["out"]).absolute() / ".slurm"
    todo = missing(jobs)
    if todo:
        waiting = _submitted(logs)
        taken = {run for runs in waiting.values() for run in runs}
        fresh = [job for job in todo if str(job.folder) not in taken]
        wanted = {str(job.folder) for job in todo}
        waiting = {number: runs for number, runs in waiting.items() if wanted & set(runs)}
        if waiting:
            print(f"in the queue already: Slurm jobs {' '.join(waiting)}", file=sys.stderr)
        if fresh:
            waiting |= _submit(packs(fresh, max_lanes), (lanes_per_device, shard_batch), slurm, logs)
            print(f"{plan(fresh, max_lanes)}; Slurm jobs {' '.join(waiting)}, output in {logs}", file=sys.stderr)
        _wait(list(waiting))
        lost = {str(job.folder) for job in missing(jobs)}
        for number, runs in waiting.items():
            if without := lost & set(runs):
                print(
                    f"Slurm job {number} left {len(without)} runs undone: {_last_words(logs, number)}", file=sys.stderr
                )
    return [read_end(job.folder) for job in jobs]


def _submit(
    batches: Sequence[Sequence[Job]], how: tuple[Any, ...], slurm: Mapping[str, Any], logs: Path
) -> dict[str, list[str]]:
    """Submits packs as one array of Slurm jobs. Returns the folders of the runs of each, by Slurm's job number.

    `how` is what `TrainPack` is called with beside a pack's overrides.
    """
    try:
        import submitit
        from submitit.core.utils import FailedJobError
    except ImportError:
        raise ConfigError("hydra.launcher.executor: slurm needs submitit: pip install submitit") from None
    parameters = dict(slurm or {})
    if parameters.get("cpus_per_task"):  # since Slurm 22.05 srun does not take it over from the job
        parameters["srun_args"] = [f"--cpus-per-task={parameters['cpus_per_task']}", *parameters.get("srun_args", [])]
    try:
        executor = submitit.SlurmExecutor(folder=logs, max_num_timeout=parameters.pop("max_num_timeout", 3))
        executor.update_parameters(**parameters)
        # `retry` was obeyed here, once: a pack that is requeued must not start its diverged runs again.
        overrides = [[[o for o in job.overrides if not o.startswith("retry=")] for job in pack] for pack in batches]
        with contextlib.redirect_stderr(io.StringIO()):  # what sbatch says is in the exception too
            submitted = executor.map_array(TrainPack(), overrides, *([value] * len(batches) for value in how))
    except FailedJobError as e:
        raise ConfigError(f"hydra.launcher.slurm: {'; '.join(str(e).strip().splitlines())}") from None
    except (RuntimeError, ValueError, TypeError) as e:
        raise ConfigError(f"hydra.launcher.slurm: {str(e).strip().splitlines()[0]}") from None
    runs = {job.job_id: [str(run.folder) for run in pack] for job, pack in zip(submitted, batches, strict=True)}
    for number, folders in runs.items():
        write(logs / f"{number}.json", json.dumps(folders))
    return runs


def _submitted(logs: Path) -> dict[str, list[str]]:
    """Returns the packs of earlier commands that are still in the queue: folders of runs by Slurm's job number."""
    submitted = {path.stem: json.loads(path.read_text()) for path in sorted(logs.glob("*.json"))}
    alive = _queue() if submitted else set()
    return {number: runs for number, runs in submitted.items() if alive is None or number in alive}


def _queue() -> set[str] | None:
    """Returns the numbers of this user's Slurm jobs that wait or run; None where Slurm does not answer.

    Asked of squeue, not sacct as submitit does: not every cluster has accounting.
    """
    if not shutil.which("squeue"):
        return set()
    answer = subprocess.run(
        ["squeue", "--me", "--array", "--noheader", "--format=%i"], capture_output=True, text=True, check=False
    )
    return set(answer.stdout.split()) if answer.returncode == 0 else None


def _wait(numbers: Sequence[str]) -> None:
    """Waits until none of these Slurm jobs is in the queue, with a line whenever some have left it."""
    left, since = len(numbers) + 1, time.monotonic()
    try:
        while left:
            alive = _queue()
            now = left if alive is None else len(alive & set(numbers))
            if now < left:
                print(f"{len(numbers) - now}/{len(numbers)} packs done", file=sys.stderr)
                left = now
            if left:
                time.sleep(min(LONGEST_WAIT, 1 + (time.monotonic() - since) / 20))
    except KeyboardInterrupt:
        arrays = " ".join(dict.fromkeys(number.split("_")[0] for number in numbers))
        raise Stopped(f"SIGINT, while the Slurm jobs go on (`scancel {arrays}` ends them)") from None


def _last_words(logs: Path, number: str) -> str:
    """Returns the last line that a Slurm job left on its standard error."""
    path = logs / f"{number}_0_log.err"
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    words = [line.strip() for line in lines if line.strip() and not line.startswith(("srun: ", "submitit "))]
    return f"{words[-1]} ({path})" if words else "it left no output; was it cancelled before it started?"
