"""Adds two sweepers. The one of `hydra/sweeper=basic` launches every job of a grid, in place of Hydra's own.

`hydra/sweeper=bisect` launches the jobs of a grid near the place where their score crosses a target:

    hydra:
      sweeper:
        axis: task.num_rules
        params:                        # the whole grid, as for the basic sweeper
          task.num_rules: 25,50,100,200,400,800,1600
          seed: 1,2,3

Hydra finds plugins by this folder's name. So the sweeper is here, and `experiments` does its work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from experiments.cells import kept
from experiments.engine import config as configs
from experiments.engine.bisection import Bisection, Overrides
from experiments.engine.fit import objective
from experiments.engine.overrides import search_path


class GridSweeper(BasicSweeper):
    """Launches every job of a grid, without the cells that a study leaves out.

    The basic sweeper composes each job beforehand, for a tenth of a second a job.
    """

    def __init__(self, max_batch_size: int | None, params: Mapping[str, str] | None, without: Sequence[Any]):
        super().__init__(max_batch_size, dict(params or {}))
        self._without: Any = OmegaConf.to_container(without) if OmegaConf.is_config(without) else without

    def split_arguments(self, overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Returns the batches of jobs, each as its overrides."""
        (jobs,) = BasicSweeper.split_arguments(overrides, None)
        jobs = [list(job) for job in kept(jobs, self._without)]
        return [list(batch) for batch in self.split_overrides_to_chunks(jobs, max_batch_size)]

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Does nothing, as the command has checked every job before Hydra starts."""


class BisectSweeper(Sweeper):
    """Launches one point of every column of the grid at a time; the scores so far choose the point."""

    def __init__(self, axis: str, target: float, params: Mapping[str, str]):
        self.bisection, self.params = Bisection(axis, target), params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Makes the launcher that the configuration names, and keeps the command's search path."""
        self.search_path = search_path(config)
        plugins = Plugins.instance()
        self.launcher = plugins.instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        """Runs the jobs that the bisection chooses; returns all of them, in order."""
        done: list[JobReturn] = []

        def scores(jobs: list[Overrides]) -> Sequence[float]:
            assert self.launcher is not None
            ends = self.launcher.launch(jobs, initial_job_idx=len(done))
            done.extend(ends)
            return [end.return_value for end in ends]

        grid = configs.grid(self.params, arguments)
        first = configs.jobs([[*grid[0], *self.search_path]])[0]
        self.bisection.search(grid, scores, better=objective(first.run).better)
        return done


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="bisect",
    node={
        "_target_": "hydra_plugins.terrarium_sweeper.BisectSweeper",
        "axis": "",  # the swept key along which the score crosses the target
        "target": 0.5,  # of the score that a job returns: `train.objective` on its task's headline condition
        "params": {},  # key to its values, with commas between: the grid
    },
)
