"""Copies of the records for Weights & Biases and for TensorBoard, never able to stop or delay a training run.

Each is done by a thread of its own (see `courier`), while training goes on.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

import yaml

from experiments.engine.courier import Courier
from experiments.engine.job import NAMED, Job

COURIERS = {service: Courier(service) for service in ("wandb", "tensorboard")}
_SLOW = 20.0  # seconds after which a failure to begin is the network's, which is the same for all runs
_LONGEST_TAG = 64  # of W&B


@contextlib.contextmanager
def couriers() -> Iterator[None]:
    """Enters every courier: at the end of the context all copies are made, or given up."""
    with ExitStack() as stack:
        for courier in COURIERS.values():
            stack.enter_context(courier)
        yield


class Tracker:
    """Copies the metrics of one job to each service that its configuration asks for.

    `rows` are the metrics that the job had when it was resumed.
    """

    def __init__(self, job: Job, rows: Sequence[dict[str, Any]] = ()):
        self._copies: list[_Copy] = [WandB(job)] if job.config["wandb"]["mode"] != "disabled" else []
        if job.config.get("tensorboard"):
            self._copies.append(TensorBoard(job, rows))

    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        """Logs one evaluation: a number per condition and score, at its training step."""
        for copy in self._copies:
            copy.later(copy.log, list(rows))

    def finish(self, end: dict[str, Any]) -> None:
        """Closes the copies with the end of the job."""
        for copy in self._copies:
            copy.later(copy.finish, end)

    def close(self) -> None:
        """Closes the copies of a job that has not ended: they are resumed with the job."""
        for copy in self._copies:
            copy.later(copy.finish, None)


class _Copy:
    """The copy of one job's records in a service. Its courier calls the methods that do the work."""

    service: ClassVar[str]

    def __init__(self, job: Job):
        self.job, self._on, self._opened = job, True, False
        self.later(self._begin)

    def later(self, work: Callable[..., None], *args: Any) -> None:
        """Lets the courier do the work, whose failure turns this copy off with one line, and does nothing else."""
        courier = COURIERS[self.service]

        def harmless() -> None:
            if not self._on:
                return
            since = time.monotonic()
            try:
                work(*args)
            except Exception as e:
                self._on = False
                courier.lose(self.job, (str(e).splitlines() or [type(e).__name__])[0])
                if not self._opened and time.monotonic() - since > _SLOW and not courier.hopeless:
                    courier.hopeless = True
                    print(f"{self.service}: given up for the other runs of this command too", file=sys.stderr)

        if self._on:
            courier.ask(harmless)

    def _begin(self) -> None:
        self.open()
        self._opened = True

    def open(self) -> None:
        raise NotImplementedError

    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        raise NotImplementedError

    def finish(self, end: dict[str, Any] | None) -> None:
        raise NotImplementedError


class WandB(_Copy):
    """The W&B run of one job, with the same id whenever the job is resumed."""

    service = "wandb"
    _run: Any = None

    def open(self) -> None:
        """Begins the run, or goes on with it."""
        import wandb  # an extra: imported only if it is used

        settings = self.job.config["wandb"]
        if settings["mode"] == "online" and not wandb.api.api_key:
            raise RuntimeError("no key: run `wandb login` or set WANDB_API_KEY")  # instead of a prompt that waits
        self._run = wandb.init(
            project=settings["project"],
            entity=settings["entity"],
            group=settings["group"] or str(self.job.folder.parent.relative_to(self.job.config["out"])),
            name=self.job.folder.name,
            id=self.job.id,
            tags=tags_of(self.job),
            config=self.job.config,
            mode=settings["mode"],
            dir=str(self.job.folder),
            resume="allow",
            reinit="create_new",  # several jobs of one process are several runs
            settings=wandb.Settings(silent=True),
        )

    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        """Logs the numbers of one evaluation at its step."""
        self._run.log(_numbers(rows), step=rows[0]["step"])

    def finish(self, end: dict[str, Any] | None) -> None:
        """Closes the run, with a table of its last scores if it finished."""
        import wandb

        if self._run is None:
            return
        if end:
            self._run.summary.update({k: end[k] for k in ("status", "step")})
        if end and "scores" in end:
            numbers = {name: _plain(scores) for name, scores in end["scores"].items()}
            columns = list(dict.fromkeys(column for scores in numbers.values() for column in scores))
            data = [[name, *(scores.get(column) for column in columns)] for name, scores in numbers.items()]
            table = wandb.Table(columns=["condition", *columns], data=data)
            self._run.log({"final_scores": table}, step=end["step"])
        self._run.finish(exit_code=0 if end and end["status"] == "finished" else 1)
        self._run = None
        if self.job.config["wandb"]["mode"] == "offline":
            COURIERS[self.service].keep_offline(self.job)


def tags_of(job: Job) -> list[str]:
    """Returns the tags of a job's W&B run: its study, its task, model and optimiser, and what the study sweeps."""
    named = {section: job.config[section][key] for section, key in NAMED.items()}
    values = [f"{key}={value}" for key, value in (named | job.swept).items()]
    return [tag[:_LONGEST_TAG] for tag in ([job.study] if job.study else []) + values]


class TensorBoard(_Copy):
    """The event file of one job, in the folder `tensorboard` of its records; begun anew when the job is resumed."""

    service = "tensorboard"
    _writer: Any = None

    def __init__(self, job: Job, rows: Sequence[dict[str, Any]] = ()):
        self._before = [row for row in rows if row["learner"] == "model"]
        super().__init__(job)

    def open(self) -> None:
        """Writes the configuration and the metrics that there are already."""
        from tensorboardX import SummaryWriter  # an extra: imported only if it is used

        folder = self.job.folder / "tensorboard"
        shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(str(folder))
        config = "".join(f"    {line}\n" for line in yaml.safe_dump(self.job.config, sort_keys=False).splitlines())
        self._writer.add_text("config", config)  # Markdown, in which four spaces are a block of code
        for step in dict.fromkeys(row["step"] for row in self._before):
            self.log([row for row in self._before if row["step"] == step])

    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        """Writes the numbers of one evaluation at its step."""
        for name, value in _numbers(rows).items():
            self._writer.add_scalar(name, value, rows[0]["step"])
        self._writer.flush()

    def finish(self, end: dict[str, Any] | None) -> None:
        """Closes the file; how the run ended is its last text."""
        if self._writer is None:
            return
        if end:
            self._writer.add_text("status", end.get("reason", end["status"]), end["step"])
        self._writer.close()
        self._writer = None


def _numbers(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Returns the scores of one evaluation by condition and name, and the training loss."""
    numbers = {f"{row['condition']}/{name}": value for row in rows for name, value in _plain(row).items()}
    loss = rows[0]["train_loss"]
    return numbers if loss is None else numbers | {"train_loss": loss}


def _plain(row: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of a row that are single numbers."""
    others = ("step", "learner", "condition", "train_loss")
    return {name: value for name, value in row.items() if name not in others and isinstance(value, int | float)}
