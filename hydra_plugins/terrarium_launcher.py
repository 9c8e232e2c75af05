"""`hydra/launcher=vmap`: the jobs of a multirun as lanes of as few compiled programs as their shapes allow.

Hydra finds plugins by this folder's name, which is why the launcher is not in `experiments`, where its work is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from experiments.engine import config as configs
from experiments.engine.job import Job
from experiments.engine.launch import Settings, launch
from experiments.engine.overrides import search_path
from experiments.engine.train import value


class VmapLauncher(Launcher):
    """Groups jobs of equal treedef and trains each group in one program."""

    def __init__(
        self, lanes_per_device: int, max_lanes: int, shard_batch: bool | None, executor: str, slurm: dict[str, Any]
    ):
        self.settings = Settings(lanes_per_device, max_lanes, shard_batch, executor, slurm)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keeps the search path of the command, which alone is not among the overrides of its jobs."""
        self.search_path = search_path(config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Trains all jobs; each returns its own value to the sweeper."""
        setup_globals()
        jobs = configs.jobs([[*overrides, *self.search_path] for overrides in job_overrides])
        ends = launch(jobs, self.settings)
        return [_returned(job, end) for job, end in zip(jobs, ends, strict=True)]


def _returned(job: Job, end: dict[str, Any] | None) -> JobReturn:
    done = JobReturn(overrides=job.overrides, status=JobStatus.COMPLETED)
    done.return_value = value(job, end)
    return done


# A plain dictionary: Hydra runs this file without listing it as a module, which a dataclass would need.
ConfigStore.instance().store(
    group="hydra/launcher",
    name="vmap",
    node={
        "_target_": "hydra_plugins.terrarium_launcher.VmapLauncher",
        "lanes_per_device": 0,  # lanes vectorised at a time on each device, the rest in turn; 0 chooses by device
        "max_lanes": 0,  # largest number of lanes of one program; 0: as many as fit in memory
        "shard_batch": None,  # devices that would have no lane share others' batches; null: on accelerators alone
        "executor": "process",  # process: here, one pack after another; slurm: each pack a Slurm job
        "slurm": {},  # submitit's parameters for Slurm
    },
)
