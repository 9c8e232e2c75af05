"""Weights & Biases: a copy of the records, one W&B run per job, never able to stop a training run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from experiments.engine.job import Job


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """Wraps a method so that its failure turns tracking off with one line on stderr, and does nothing else."""

    @functools.wraps(method)
    def call(self: Tracker, *args: Any) -> None:
        if self.mode == "disabled":
            return
        try:
            method(self, *args)
        except Exception as e:
            self.mode = "disabled"
            why = (str(e).splitlines() or [type(e).__name__])[0]
            print(
                f"wandb: {self.job.id} is no longer tracked ({why}); its records are in {self.job.folder}",
                file=sys.stderr,
            )

    return call


class Tracker:
    """Keeps the W&B run of one job, with the same id whenever the job is resumed.

    It is `disabled` unless `wandb.mode` asks for more.
    """

    def __init__(self, job: Job):
        self.job, self.mode = job, job.config["wandb"]["mode"]
        self._run: Any = None
        self._open()

    @_harmless
    def _open(self) -> None:
        import wandb  # an extra: imported only if it is used

        settings = self.job.config["wandb"]
        if self.mode == "online" and not wandb.api.api_key:
            raise RuntimeError("no key: run `wandb login` or set WANDB_API_KEY")  # instead of a prompt that waits
        self._run = wandb.init(
            project=settings["project"],
            entity=settings["entity"],
            group=settings["group"] or self.job.study,
            name=self.job.folder.name,
            id=self.job.id,
            config=self.job.config,
            mode=settings["mode"],
            dir=str(self.job.folder),
            resume="allow",
            reinit="create_new",  # several jobs of one process are several runs
            settings=wandb.Settings(silent=True),
        )

    @_harmless
    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        """Logs one evaluation: a number per condition and score, at its training step."""
        numbers = {
            f"{row['condition']}/{name}": value
            for row in rows
            for name, value in row.items()
            if name not in ("step", "learner", "condition", "train_loss") and isinstance(value, int | float)
        }
        self._run.log({**numbers, "train_loss": rows[0]["train_loss"]}, step=rows[0]["step"])

    @_harmless
    def finish(self, end: dict[str, Any]) -> None:
        """Closes the W&B run with the end of the job."""
        self._run.summary.update({k: end[k] for k in ("status", "step")})
        self._run.finish(exit_code=0 if end["status"] == "finished" else 1)
        self._run = None

    @_harmless
    def close(self) -> None:
        """Closes the W&B run of a job that has not ended: it is resumed with the job."""
        if self._run is not None:
            self._run.finish(exit_code=1)
            self._run = None
