"""Where a sweep's packs of lanes are trained: in this process, or as jobs of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

from experiments.engine import cluster
from experiments.engine.job import Job, check_output
from experiments.engine.progress import Progress
from experiments.engine.records import Record
from experiments.engine.train import train
from experiments.errors import ConfigError
from models import implementations

EXECUTORS = ("process", "slurm")


@dataclass(frozen=True)
class Settings:
    """The fields of `hydra.launcher` under `hydra/launcher=vmap`; ConfigError for a bad one."""

    lanes_per_device: int = 0
    max_lanes: int = 0
    shard_batch: bool | None = None
    executor: str = "process"
    slurm: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("lanes_per_device", "max_lanes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ConfigError(f"hydra.launcher.{name}: expected an integer, at least 0, got {value!r}")
        if not isinstance(self.shard_batch, bool | None):
            raise ConfigError(f"hydra.launcher.shard_batch: expected true, false or null, got {self.shard_batch!r}")
        if self.executor not in EXECUTORS:
            allowed = ", ".join(EXECUTORS)
            raise ConfigError(f"hydra.launcher.executor: expected one of {allowed}, got {self.executor!r}")


# All jobs that this process was asked for, for the report at a command's end: other sweepers choose theirs as they go.
LAUNCHED: list[Job] = []


def settings_of(hydra: DictConfig) -> Settings:
    """Returns the settings in a configuration's `hydra` node; the defaults for another launcher than `vmap`."""
    chosen: Any = OmegaConf.to_container(hydra.launcher, resolve=True)
    return Settings(**{key: value for key, value in chosen.items() if key in Settings.__dataclass_fields__})


def launch(jobs: Sequence[Job], settings: Settings, progress: Progress | None = None) -> list[dict[str, Any] | None]:
    """Runs the unfinished jobs with the executor in `settings`. Returns each job's end record, None if it has none.

    `progress` is the display of what this process trains, as in `train`.
    """
    check_output(jobs)
    LAUNCHED.extend(jobs)
    for job in jobs:
        if job.config["retry"]:
            Record(job).forget_failure()
    try:
        implementations.wanted()
    except ValueError as e:
        raise ConfigError(str(e)) from None
    how: dict[str, Any] = {
        "lanes_per_device": settings.lanes_per_device,
        "max_lanes": settings.max_lanes,
        "shard_batch": settings.shard_batch,
    }
    if settings.executor == "slurm":
        return cluster.train_on_slurm(jobs, **how, slurm=settings.slurm)
    return train(jobs, **how, progress=progress)
