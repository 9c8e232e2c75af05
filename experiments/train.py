"""The main path: jobs to groups, a group to lanes, lanes through chunks and evaluations to records."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import devices
from experiments.config import Job
from experiments.engine import Engine, Lane, treedef
from experiments.errors import ConfigError
from experiments.progress import Progress
from experiments.records import Record, read_end
from experiments.tracking import Tracker
from fields import declared

CHUNK_SECONDS = 2.0  # between looks at signals and the progress line
# Between states on disk; a stop by signal writes one at once. Tests ask for one after every chunk.
CHECKPOINT_SECONDS = float(os.environ.get("TERRARIUM_CHECKPOINT_SECONDS", "30"))


class Stopped(Exception):
    """A signal asked for a stop; all lanes are on disk, and the same command goes on from there."""


def groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs that can be lanes of one program, together, in order of first appearance."""
    found: dict[Any, list[Job]] = {}
    for job in jobs:
        found.setdefault(treedef(job.run), []).append(job)
    return list(found.values())


def packs(jobs: Iterable[Job], max_lanes: int) -> list[list[Job]]:
    """Groups, split where they are larger than `max_lanes` (0 is no limit)."""
    return [
        group[i : i + (max_lanes or len(group))]
        for group in groups(jobs)
        for i in range(0, len(group), max_lanes or len(group))
    ]


def missing(jobs: Iterable[Job]) -> list[Job]:
    """The jobs that have not ended, each once."""
    return list({job.id: job for job in jobs if not Record(job).ended}.values())


def plan(jobs: Sequence[Job], max_lanes: int) -> str:
    """What is about to be compiled, in words: "2 programs, of 8 and 8 lanes: model.depth differs"."""
    parts, sizes = groups(jobs), [len(pack) for pack in packs(jobs, max_lanes)]
    apart = [
        f"{section}.{name}"
        for section in ("task", "model", "optim", "train")
        for name in dict.fromkeys(name for group in parts for name in group[0].config[section])
        if len({_static(group[0], section, name) for group in parts}) > 1
    ]
    lanes = " and ".join(
        f"{size} x {sizes.count(size)}" if sizes.count(size) > 1 else f"{size}" for size in dict.fromkeys(sizes)
    )
    why = f": {', '.join(apart)} differ{'s' * (len(apart) == 1)}" if apart else ""
    number = f"{len(parts)} program{'s' * (len(parts) > 1)}"
    return f"{number} to compile, for packs of {lanes} lane{'s' * (sizes != [1])}{why}"


def _static(job: Job, section: str, name: str) -> Any:
    """The value of a field that keeps programs apart; None for a knob."""
    part = getattr(job.run, section)
    declaration = declared(type(part)).get(name)
    return job.config[section].get(name) if declaration is None or not declaration.traced else None


def train(jobs: Sequence[Job], *, lanes_per_device: int = 0, max_lanes: int = 0) -> list[dict[str, Any] | None]:
    """Do what is missing of `jobs` and return how each ended, in order: what its result or error file says.

    `max_lanes` splits larger groups (0 is no limit). A pack that does not fit in memory is halved; one that raises
    otherwise is reported, leaves its runs without an end (None), and does not keep the others from training. Raises
    ConfigError for records that cannot be used or written, Stopped on SIGINT and SIGTERM once every lane is on disk.
    """
    todo = missing(jobs)
    queue = packs(todo, max_lanes)
    with Progress(todo, done=len(jobs) - len(todo)) as progress, _Stop() as stop:
        if todo:
            progress.say(plan(todo, max_lanes))
        while queue:
            pack = queue.pop(0)
            try:
                Pack(pack, lanes_per_device, progress).train(stop)
            except (ConfigError, Stopped):
                raise
            except Exception as e:
                half = len(pack) // 2
                if "RESOURCE_EXHAUSTED" in str(e) and half:
                    why = str(e).splitlines()[0]
                    progress.say(f"{len(pack)} lanes do not fit, going on with {len(pack) - half} and {half} ({why})")
                    queue = [pack[:-half], pack[-half:], *queue]
                else:
                    progress.say("".join(traceback.format_exception(e)))
                    progress.say(f"the pack of {', '.join(job.folder.name for job in pack)} failed: see above")
    return [read_end(job.folder) for job in jobs]


def value(end: dict[str, Any] | None) -> float:
    """What a job returns to a sweeper: the mean over conditions of exact match at the end; NaN where it failed."""
    scores = [score["exact_match"] for score in end["scores"].values()] if end and "scores" in end else []
    return sum(scores) / len(scores) if scores else float("nan")


class Pack:
    """A group of jobs while they train as lanes: their states on the devices, their records on disk."""

    def __init__(self, jobs: list[Job], lanes_per_device: int, progress: Progress):
        """Compile, and load the states that are on disk.

        Raises ConfigError where one cannot be used, MemoryError where the compiled program needs more than there is.
        """
        progress.phase(f"compiling for {len(jobs)} lane{'s' * (len(jobs) > 1)}")
        self.jobs, self.progress, self.clock = jobs, progress, _Clock()
        self.engine = Engine([job.run for job in jobs], lanes_per_device=lanes_per_device)
        needed, there = self.engine.programs.device_bytes, devices.memory()
        if needed > there and len(jobs) > 1:
            raise MemoryError(
                f"RESOURCE_EXHAUSTED: needs {needed / 1e9:.1f} GB a device, {there / 1e9:.1f} GB are there"
            )
        self.records = [Record(job) for job in jobs]
        self.steps = np.array([job.run.train.steps for job in jobs])
        self.every = jobs[0].run.train.eval_every
        self.lanes = self.engine.start()
        fresh = self._on_host()
        found = [record.open(lane) for record, lane in zip(self.records, fresh, strict=True)]
        if any(lane is not None for lane in found):
            self.lanes = self.engine.load([new if old is None else old for old, new in zip(found, fresh, strict=True)])
        self.trackers = [Tracker(job) for job in jobs]
        self.ended = np.zeros(len(jobs), bool)
        self._chunk = 1
        self._look()
        progress.start(jobs, self.done)

    def train(self, stop: _Stop) -> None:
        """Train every lane to its end, in chunks. Obeys a signal soon after it came, all lanes on disk."""
        while not self.ended.all():
            self._advance()
            self._evaluate()
            finished, lost = ~self.ended & ~self.diverged & (self.done >= self.steps), ~self.ended & self.diverged
            self._end(finished, lost)
            rate = self.clock.steps_per_second
            self.progress.update(self.jobs, self.done, int((finished | lost).sum()), int(lost.sum()), rate)
            if stop.asked or self.clock.checkpoint_due():
                self._save(~self.ended)
            if not self.ended.all():
                stop.obey()

    def _advance(self) -> None:
        """One chunk, of a few seconds, towards the nearest evaluation of a lane."""
        waiting = ~self.ended & (self.done < self.steps)
        if not waiting.any():
            return
        next_evaluation = np.minimum(self.steps, (self.done // self.every + 1) * self.every)
        until = min(int(next_evaluation[waiting].min()), int(self.done[waiting].min()) + self._chunk)
        before, since = self.done, time.monotonic()
        self.lanes = self.engine.advance(self.lanes, until)
        self._look()
        seconds, taken = time.monotonic() - since, self.done - before
        if self._chunk > 1:  # the first chunk compiles, and says nothing of the pace
            self.clock.add(seconds, int(taken.sum()))
        at_this_pace = int(max(taken.max(), 1) * CHUNK_SECONDS / max(seconds, 1e-3))
        self._chunk = max(2, min(at_this_pace, 4 * self._chunk + 8))

    def _look(self) -> None:
        """Fetch the lanes' steps, which waits for the devices."""
        self.done = np.asarray(self.lanes.step)[: len(self.jobs)]
        self.diverged = np.asarray(self.lanes.diverged)[: len(self.jobs)]

    def _evaluate(self) -> None:
        """Score and record the lanes that have just arrived at an evaluation; their mean loss begins anew."""
        due = (self.done % self.every == 0) | (self.done >= self.steps)
        recorded = np.array([record.rows[-1]["step"] if record.rows else 0 for record in self.records])
        arrived = ~self.ended & ~self.diverged & due & (self.done > recorded)
        if not arrived.any():
            return
        scores = self.engine.evaluate(self.lanes)
        loss = np.asarray(self.lanes.loss_sum) / np.maximum(np.asarray(self.lanes.loss_steps), 1)
        for k in np.flatnonzero(arrived):
            both = {"examples": self.jobs[k].run.train.eval_examples, "train_loss": float(loss[k])}
            rows = [
                {"step": int(self.done[k]), "condition": name, **{m: _plain(v[k]) for m, v in found.items()}, **both}
                for name, found in scores.items()
            ]
            self.records[k].rows += rows
            self.trackers[k].log(rows)
            self.progress.score(self.jobs[k], rows)
        keep = np.pad(~arrived, (0, len(loss) - len(arrived)), constant_values=True)
        self.lanes = self.lanes._replace(
            loss_sum=jnp.where(keep, self.lanes.loss_sum, 0), loss_steps=jnp.where(keep, self.lanes.loss_steps, 0)
        )

    def _end(self, finished: np.ndarray, lost: np.ndarray) -> None:
        """Write the last records of the lanes that finished, and of those that diverged."""
        if not (finished | lost).any():
            return
        lanes = self._on_host()
        for k in np.flatnonzero(finished):
            cost = self.clock.cost(self.jobs[k], int(self.steps[k]), len(self.jobs))
            cost["device_bytes"] = self.engine.programs.device_bytes
            self.trackers[k].finish(self.records[k].finish(lanes[k], cost))
        for k in np.flatnonzero(lost):
            reason = f"loss or gradient not finite in step {int(self.done[k]) + 1}"
            self.trackers[k].finish(self.records[k].fail(lanes[k], reason))
        self.ended = self.ended | finished | lost

    def _save(self, which: np.ndarray) -> None:
        lanes = self._on_host()
        for k in np.flatnonzero(which):
            self.records[k].save(lanes[k])

    def _on_host(self) -> list[Lane]:
        lanes = self.engine.fetch(self.lanes)
        return [jax.tree.map(lambda x, k=k: x[k], lanes) for k in range(len(self.jobs))]


def _plain(score: np.ndarray) -> Any:
    """A number, or a list of numbers with None for the positions that have no score."""
    return score.item() if score.ndim == 0 else [None if np.isnan(x) else x for x in score.tolist()]


class _Clock:
    """Training time, without compilation and evaluation, and when a checkpoint is due."""

    def __init__(self) -> None:
        self.seconds, self.steps, self._saved = 0.0, 0, time.monotonic()

    def add(self, seconds: float, steps: int) -> None:
        self.seconds, self.steps = self.seconds + seconds, self.steps + steps

    @property
    def steps_per_second(self) -> float:
        """Steps of all lanes together, per second."""
        return self.steps / self.seconds if self.seconds else 0.0

    def cost(self, job: Job, steps: int, lanes: int) -> dict[str, Any]:
        """What a run took: its share of the group's training seconds, and the group's tokens per second."""
        tokens = job.run.train.batch_size * job.run.task.spec.length
        rate = self.steps_per_second
        return {
            "train_seconds": round(steps / rate, 2) if rate else None,
            "tokens_per_second": round(rate * tokens),
            "lanes": lanes,
        }

    def checkpoint_due(self) -> bool:
        """True every CHECKPOINT_SECONDS."""
        due = time.monotonic() - self._saved > CHECKPOINT_SECONDS
        if due:
            self._saved = time.monotonic()
        return due


class _Stop:
    """Signals that ask for a stop, noted when they come and obeyed when every lane is on disk.

    Within the context SIGINT and SIGTERM are noted, and SIGUSR2 where somebody handles it (submitit does: it is how
    Slurm announces the end of a job's time). A second signal of a kind takes its usual course at once.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
            before = signal.getsignal(number)
            if number != signal.SIGUSR2 or callable(before):
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        self.asked.append(number)
        signal.signal(number, self._before[number])

    def obey(self) -> None:
        """Let those who handled the signals before have them, and go on if they do; raise Stopped where nobody did."""
        while self.asked:
            number = self.asked.pop(0)
            name, handler = signal.Signals(number).name, self._before[number]
            if not callable(handler) or handler is signal.default_int_handler:
                raise Stopped(name)
            try:
                handler(number, None)
            except Exception as e:
                raise Stopped(f"{name}: {e}") from e
