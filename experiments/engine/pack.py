"""A pack: jobs while they train as lanes of one program, through chunks and evaluations to their records."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.engine import devices, memory, processes
from experiments.engine.engine import Engine, layout, wanted
from experiments.engine.job import Job
from experiments.engine.lane import Lane, Run
from experiments.engine.progress import Progress
from experiments.engine.records import Record, last_params, task_of
from experiments.engine.stop import Stop
from experiments.engine.tracking import Tracker

CHUNK_SECONDS = 2.0  # between looks at signals and the progress line
# Between states on disk, at most; a stop by signal writes one at once. Tests ask for one after every chunk.
CHECKPOINT_SECONDS = float(os.environ.get("TERRARIUM_CHECKPOINT_SECONDS", "30"))
FIRST_SECONDS = 1.0  # until the first state, and between metrics
WRITING = 0.05  # share of the time that may be spent on either, unless they are CHECKPOINT_SECONDS apart


class Pack:
    """A group of jobs while they train as lanes: their states on the devices, their records on disk."""

    def __init__(
        self,
        jobs: list[Job],
        progress: Progress,
        *,
        lanes_per_device: int = 0,
        shard_batch: bool | None = None,
        spare: float = 1.0,
        place: str = "",
    ):
        """Compiles, and loads the states that are on disk. Only the part `spare` of the memory there is may be needed.

        Where a lane alone needs more, its steps are cut into passes and its blocks made again for the gradient. Raises
        ConfigError where a state cannot be used, MemoryError where several lanes need more memory than there is.
        `place` says for the display which pack this is, as "1 of 3".
        """
        progress.phase(f"compiling{place and f' {place}'} for {len(jobs)} lane{'s' * (len(jobs) > 1)}")
        share = wanted(shard_batch, jax.devices())
        rows, _ = layout(len(jobs), jax.device_count(), jobs[0].run.train.batch_size, share)
        self.jobs = jobs = dealt(jobs, rows)
        self.progress, self.clock = progress, _Clock()
        available = processes.least(int(devices.memory() * spare))

        def compiled(run: Run) -> Engine:
            runs = [memory.like(job.run, run) for job in jobs]
            return Engine(runs, lanes_per_device=lanes_per_device, shard_batch=shard_batch, tasks=tasks)

        run, tasks = jobs[0].run, [task_of(job) for job in jobs]
        self.engine = compiled(run)
        if len(jobs) == 1:
            for lighter in memory.lighter(run, self.engine.programs.device_bytes, available, self.engine.parts):
                run, self.engine = lighter, compiled(lighter)
                if self.engine.programs.device_bytes <= available:
                    break
        needed = self.engine.programs.device_bytes
        if needed > available and len(jobs) > 1:
            raise MemoryError(
                f"RESOURCE_EXHAUSTED: needs {needed / 1e9:.1f} GB a device, {available / 1e9:.1f} GB are there"
            )
        self.means = {"batch_devices": self.engine.parts, **memory.means(run)}
        by = memory.words(run, self.engine.parts)
        progress.say(f"compiled: {self.engine.lane_bytes / 1e6:.1f} MB a lane, {needed / 1e6:.1f} MB a device{by}")
        self.records = [Record(job, writes=processes.writes()) for job in jobs]
        self.steps = np.array([job.run.train.steps for job in jobs])
        self.settings = jobs[0].run.train
        self.lanes = self.engine.start()
        fresh = [_started(job, lane) for job, lane in zip(jobs, self._on_host(), strict=True)]
        saved = [record.open(lane) for record, lane in zip(self.records, fresh, strict=True)]
        if any(lane is not None for lane in saved) or any(job.start for job in jobs):
            self.lanes = self.engine.load([new if old is None else old for old, new in zip(saved, fresh, strict=True)])
        self.trackers = [Tracker(record.job, record.rows) for record in self.records] if processes.writes() else []
        self.ended = np.zeros(len(jobs), bool)
        self._chunk = 1
        self._look()
        progress.start(jobs, self.done)

    def train(self, stop: Stop) -> None:
        """Trains every lane to its end, in chunks. Obeys a signal soon after it came, all lanes on disk."""
        states, metrics = _Pace(growth=2.0), _Pace(growth=1.0)
        try:
            while not self.ended.all():
                self._evaluate()
                self._end()
                if processes.any_of(bool(stop.asked) or states.due()):
                    with states.done():
                        self._save(~self.ended)
                elif metrics.due():
                    with metrics.done():
                        self._publish()
                if not self.ended.all():
                    stop.obey()
                self._advance()
            processes.wait()
        finally:
            for tracker in self.trackers:
                tracker.close()

    def _advance(self) -> None:
        """Trains a chunk, of a few seconds, towards the nearest evaluation of a lane."""
        waiting = ~self.ended & (self.done < self.steps)
        if not waiting.any():
            return
        coming = np.array([self.settings.next_evaluation(step) for step in self.done.tolist()])
        next_evaluation = np.minimum(self.steps, coming)
        chunk = int(processes.agree(self._chunk))
        until = min(int(next_evaluation[waiting].min()), int(self.done[waiting].min()) + chunk)
        before, since = self.done, time.monotonic()
        self.lanes = self.engine.advance(self.lanes, until)
        self._look()
        seconds, taken = time.monotonic() - since, self.done - before
        self.clock.add(seconds, int(taken.sum()))
        at_this_pace = int(taken.max() * CHUNK_SECONDS / max(seconds, 1e-3))
        self._chunk = max(1, min(at_this_pace, 4 * self._chunk))
        self.progress.loss(self.jobs, self.losses)
        self.progress.update(self.jobs, self.done, self.clock.steps_per_second)

    def _look(self) -> None:
        """Fetches the lanes' steps, which waits for the devices."""
        lanes, number = self.lanes, len(self.jobs)
        step, diverged, *loss = processes.gather((lanes.step, lanes.diverged, lanes.loss_sum, lanes.loss_steps))
        self.done, self.diverged = step[:number], diverged[:number]
        losses = zip(*(part[:number].tolist() for part in loss), strict=True)
        self.losses = [total / steps if steps else None for total, steps in losses]

    def _evaluate(self) -> None:
        """Scores and records the lanes that have just arrived at an evaluation; their mean loss begins anew."""
        due = np.array([self.settings.next_evaluation(step - 1) == step for step in self.done.tolist()])
        due |= self.done >= self.steps
        recorded = np.array([record.rows[-1]["step"] if record.rows else -1 for record in self.records])
        arrived = ~self.ended & ~self.diverged & due & (self.done > recorded)
        if not arrived.any():
            return
        scores = self.engine.evaluate(self.lanes)
        sums, steps = processes.gather((self.lanes.loss_sum, self.lanes.loss_steps))
        loss = sums / np.maximum(steps, 1)
        error = self.jobs[0].run.task.spec.head.error.name  # finite wherever outputs are
        broken = np.array(
            [not all(np.isfinite(values[error][k]) for values in scores.values()) for k in range(len(arrived))]
        )
        self.diverged = self.diverged | (arrived & broken)  # finite steps can still add up to parameters that are not
        arrived &= ~broken
        for k in np.flatnonzero(arrived):
            shared = {
                "examples": self.jobs[k].run.train.eval_examples,
                "train_loss": float(loss[k]) if steps[k] else None,
            }
            rows = _rows(int(k), int(self.done[k]), "model", scores, shared)
            self.records[k].rows += rows
            if self.trackers:
                self.trackers[k].log(rows)
            self.progress.score(self.jobs[k], rows)
        keep = np.pad(~arrived, (0, len(loss) - len(arrived)), constant_values=True)
        self.lanes = self.lanes._replace(
            loss_sum=jnp.where(keep, self.lanes.loss_sum, 0), loss_steps=jnp.where(keep, self.lanes.loss_steps, 0)
        )

    def _end(self) -> None:
        """Writes the last records of the lanes that have finished, and of those that have diverged."""
        finished, lost = ~self.ended & ~self.diverged & (self.done >= self.steps), ~self.ended & self.diverged
        if not (finished | lost).any():
            return
        lanes = self._on_host()
        baselines = self.engine.baselines() if finished.any() else {}
        for k in np.flatnonzero(finished):
            shared, rows = {"examples": self.jobs[k].run.train.eval_examples}, self.records[k].rows
            if all(row["learner"] == "model" for row in rows):  # else they were written before a kill
                for learner, scores in baselines.items():
                    rows += _rows(int(k), int(self.done[k]), learner, scores, shared)
        for k in np.flatnonzero(finished | lost):  # all states before any end, so that a kill between loses no lane
            self.records[k].save(lanes[k])
        for k in np.flatnonzero(finished):
            cost = self.clock.cost(self.jobs[k], int(self.steps[k]), len(self.jobs))
            cost |= {"device_bytes": self.engine.programs.device_bytes, "lane_bytes": self.engine.lane_bytes}
            result = self.records[k].finish(lanes[k], cost | self.means)
            if self.trackers:
                self.trackers[k].finish(result)
        for k in np.flatnonzero(lost):
            reason = f"loss, gradient or score not finite after step {int(self.done[k])}"
            error = self.records[k].fail(lanes[k], reason)
            if self.trackers:
                self.trackers[k].finish(error)
        self.ended = self.ended | finished | lost
        self.progress.ended(int((finished | lost).sum()), int(lost.sum()))

    def _save(self, which: np.ndarray) -> None:
        lanes = self._on_host()
        for k in np.flatnonzero(which):
            self.records[k].save(lanes[k])

    def _publish(self) -> None:
        """Writes the metrics that are not on disk yet, so that they can be read while the runs train."""
        for record, ended in zip(self.records, self.ended, strict=True):
            if not ended:
                record.publish()

    def _on_host(self) -> list[Lane]:
        lanes = self.engine.fetch(self.lanes)
        return [jax.tree.map(lambda x, k=k: x[k], lanes) for k in range(len(self.jobs))]


def dealt(jobs: list[Job], devices: int) -> list[Job]:
    """Returns the jobs in an order in which equal parts of it, one a device, have about as many steps to do."""
    longest_first = sorted(jobs, key=lambda job: -job.run.train.steps)
    return [job for device in range(devices) for job in longest_first[device::devices]]


def _started(job: Job, lane: Lane) -> Lane:
    """Returns a lane before its first step, with the parameters of the run that it starts from, if it does."""
    if job.start is None or job.fresh:
        return lane
    return lane._replace(params=last_params(job.start, lane.params, job.only))


def _rows(lane: int, step: int, learner: str, scores: dict[str, dict[str, np.ndarray]], shared: dict[str, Any]) -> list:
    """Returns metrics of one lane, a row for each condition: the scores of the model, or of a baseline."""
    return [
        {
            "step": step,
            "learner": learner,
            "condition": name,
            **{m: _plain(v[lane]) for m, v in values.items()},
            **shared,
        }
        for name, values in scores.items()
    ]


def _plain(score: np.ndarray) -> Any:
    """Returns a number, or a list of numbers; None for a position that has no score, and for a measure without one."""
    number = lambda x: None if np.isnan(x) else x  # noqa: E731
    return number(score.item()) if score.ndim == 0 else list(map(number, score.tolist()))


class _Clock:
    """Training time, without compilation and evaluation."""

    def __init__(self) -> None:
        self.seconds, self.steps = 0.0, 0

    def add(self, seconds: float, steps: int) -> None:
        self.seconds, self.steps = self.seconds + seconds, self.steps + steps

    @property
    def steps_per_second(self) -> float:
        """Returns the steps of all lanes together, per second."""
        return self.steps / self.seconds if self.seconds else 0.0

    def cost(self, job: Job, steps: int, lanes: int) -> dict[str, Any]:
        """Returns a run's share of the group's training seconds, and the group's tokens per second."""
        tokens = job.run.train.batch_size * job.run.task.spec.length
        rate = self.steps_per_second
        return {
            "train_seconds": round(steps / rate, 2) if rate else None,
            "tokens_per_second": round(rate * tokens),
            "lanes": lanes,
        }


class _Pace:
    """Says when to write again: soon at first, then ever later by `growth`, up to CHECKPOINT_SECONDS.

    Files that take long to write are written more seldom from the start.
    """

    def __init__(self, *, growth: float) -> None:
        self._growth, self._last, self._wait = growth, time.monotonic(), FIRST_SECONDS

    def due(self) -> bool:
        return time.monotonic() - self._last > min(self._wait, CHECKPOINT_SECONDS)

    @contextmanager
    def done(self) -> Iterator[None]:
        """Times what is written inside."""
        since = time.monotonic()
        yield
        self._last = time.monotonic()
        self._wait = max(self._growth * self._wait, (self._last - since) / WRITING)
