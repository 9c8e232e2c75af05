"""The main path: jobs to groups, a group to lanes, lanes through chunks and evaluations to records."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from experiments.config import Job
from experiments.engine import Engine, Lane, treedef
from experiments.progress import Progress
from experiments.records import Record, read_end
from experiments.tracking import Tracker

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


def train(jobs: Sequence[Job], *, lanes_per_device: int = 0, max_lanes: int = 0) -> list[dict[str, Any]]:
    """Do what is missing of `jobs` and return the end of each, in order: the content of its result or error file.

    `max_lanes` splits larger groups (0 is no limit). Raises ConfigError for records that cannot be used or written,
    Stopped on SIGINT and SIGTERM once every lane is on disk.
    """
    missing = list({job.id: job for job in jobs if not Record(job).ended}.values())
    packs = [pack for group in groups(missing) for pack in _split(group, max_lanes)]
    with Progress(packs, done=len(jobs) - len(missing)) as progress, _stop_requested() as stop:
        for pack in packs:
            _train_pack(pack, lanes_per_device, progress, stop)
    ends = [read_end(job.folder) for job in jobs]
    return [end for end in ends if end is not None]


def value(end: dict[str, Any]) -> float:
    """What a job returns to a sweeper: the mean over conditions of exact match at the end; NaN where it diverged."""
    scores = [score["exact_match"] for score in end.get("scores", {}).values()]
    return sum(scores) / len(scores) if scores else float("nan")


def _split(group: list[Job], size: int) -> list[list[Job]]:
    return [group[i : i + size] for i in range(0, len(group), size)] if size else [group]


def _train_pack(jobs: list[Job], lanes_per_device: int, progress: Progress, stop: list[int]) -> None:
    """Train one pack of lanes to the end of each."""
    progress.phase(f"compiling for {len(jobs)} lane{'s' * (len(jobs) > 1)}")
    engine = Engine([job.run for job in jobs], lanes_per_device=lanes_per_device)
    records = [Record(job) for job in jobs]
    lanes = engine.start()
    started = engine.fetch(lanes)
    states = [_lane(started, k) for k in range(len(jobs))]
    resumed = [record.open(state) for record, state in zip(records, states, strict=True)]
    if any(state is not None for state in resumed):
        lanes = engine.load([r if r is not None else s for r, s in zip(resumed, states, strict=True)])
    trackers = [Tracker(job) for job in jobs]
    steps = np.array([job.run.train.steps for job in jobs])
    every = jobs[0].run.train.eval_every
    clock = _Clock()
    done = np.asarray(engine.fetch(lanes).step)
    progress.start(jobs, done)
    ended = np.zeros(len(jobs), bool)

    def save(which: np.ndarray) -> Lane:
        host = engine.fetch(lanes)
        for k in np.flatnonzero(which):
            records[k].save(_lane(host, int(k)))
        return host

    chunk = 1
    while not ended.all():
        # Each lane's next evaluation; the group goes to the nearest, in chunks of a few seconds.
        next_evaluation = np.minimum(steps, (done // every + 1) * every)
        waiting = ~ended & (done < steps)
        if waiting.any():
            target = int(next_evaluation[waiting].min())
            until = min(target, int(done[waiting].min()) + chunk)
            before, since = done, time.monotonic()
            lanes = engine.advance(lanes, until)
            done, diverged = np.asarray(lanes.step)[: len(jobs)], np.asarray(lanes.diverged)[: len(jobs)]
            seconds = time.monotonic() - since
            if chunk > 1 or until > 1:  # the first call compiles; it says nothing of the pace
                clock.add(seconds, int((done - before).sum()))
            taken = max(int((done - before).max()), 1)
            chunk = max(1, min(int(taken * CHUNK_SECONDS / max(seconds, 1e-3)), 4 * chunk + 8))
        else:
            diverged = np.asarray(lanes.diverged)[: len(jobs)]
        arrived = ~ended & ~diverged & ((done % every == 0) | (done >= steps)) & (done > 0)
        arrived &= np.array([not r.rows or r.rows[-1]["step"] < d for r, d in zip(records, done, strict=True)])
        if arrived.any():
            lanes = _evaluate(engine, lanes, arrived, records, trackers, progress)
        finished = ~ended & ~diverged & (done >= steps)
        lost = ~ended & diverged
        if finished.any() or lost.any():
            host = save(finished | lost)
            for k in np.flatnonzero(finished):
                cost = clock.cost(jobs[k], int(steps[k]), len(jobs))
                trackers[k].finish(records[k].finish(_lane(host, int(k)), cost))
            for k in np.flatnonzero(lost):
                reason = f"loss or gradient not finite in step {int(done[k]) + 1}"
                trackers[k].finish(records[k].fail(_lane(host, int(k)), reason))
            ended |= finished | lost
        progress.update(jobs, done, int((finished | lost).sum()), int(lost.sum()), clock.steps_per_second)
        if stop or clock.checkpoint_due():
            save(~ended)
        if stop and not ended.all():
            raise Stopped(signal.Signals(stop[0]).name)


def _evaluate(engine: Engine, lanes: Lane, arrived: np.ndarray, records: list[Record], trackers, progress) -> Lane:
    """Score all lanes, record those that arrived at an evaluation, and begin their mean training loss anew."""
    scores = engine.evaluate(lanes)
    host = engine.fetch(lanes)
    for k in np.flatnonzero(arrived):
        step, loss = int(host.step[k]), float(host.loss_sum[k]) / max(int(host.loss_steps[k]), 1)
        examples = records[k].job.run.train.eval_examples
        rows = [
            {"step": step, "condition": name, **{m: v[k].tolist() for m, v in found.items()}}
            | {"examples": examples, "train_loss": loss}
            for name, found in scores.items()
        ]
        records[k].rows += rows
        trackers[k].log(rows)
        progress.score(records[k].job, rows)
    keep = np.pad(~arrived, (0, lanes.step.shape[0] - len(arrived)), constant_values=True)
    return lanes._replace(
        loss_sum=jax.numpy.where(keep, lanes.loss_sum, 0),
        loss_steps=jax.numpy.where(keep, lanes.loss_steps, 0),
    )


def _lane(lanes: Lane, k: int) -> Lane:
    return jax.tree.map(lambda x: x[k], lanes)


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


@contextmanager
def _stop_requested() -> Iterator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes; a second signal takes its usual course."""
    came: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, frame: Any) -> None:
        came.append(number)
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
