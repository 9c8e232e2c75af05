"""Runs that several processes want: a command locks its own, and waits for those that others train."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np

from experiments.engine import processes
from experiments.engine.job import Job
from experiments.engine.lock import Lock, holder, path_of
from experiments.engine.progress import Progress
from experiments.engine.records import read_end
from experiments.engine.stop import Stop

WAIT_SECONDS = 1.0  # between looks at the runs of others, on average
_OURS, _OTHERS, _ENDED = range(3)


class Locks:
    """Holds the locks of the runs that a command trains. A context manager: at its end all are given back."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._mine: dict[str, Lock] = {}
        self._others: dict[str, Job] = {}

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._mine.values():
            lock.release()

    def take(self, jobs: Sequence[Job], *, again: bool = False) -> list[Job]:
        """Locks these runs. Returns those that are ours to train; others have ended, or another process trains them.

        Two commands that start together lock in the same order, and one that finds the first run taken leaves the
        others alone at first: else each would get some lanes of a pack. `again` is the second time.
        """
        states = {job.id: _OTHERS for job in jobs}
        for job in sorted(jobs, key=lambda job: job.id) if processes.writes() else ():
            states[job.id] = self._take_one(job)
            if states[job.id] == _OTHERS and _OURS not in states.values() and not again:
                break
        # Where several processes train a pack together, one of them holds its locks.
        agreed = dict(zip(states, processes.agree(np.array([*states.values()], np.int32)).tolist(), strict=True))
        for job in jobs:
            job.__dict__.pop("folder", None)  # somebody may have made it since, under another name
            if agreed[job.id] == _OTHERS:
                self._others[job.id] = job
            elif (end := read_end(job.folder)) and agreed[job.id] == _ENDED:
                self._progress.elsewhere(job, diverged=end["status"] == "diverged")
        return [job for job in jobs if agreed[job.id] == _OURS]

    def _take_one(self, job: Job) -> int:
        """Locks one run. Returns whether it is ours, another's, or has ended."""
        lock = self._mine.get(job.id) or Lock(path_of(job))
        if job.id not in self._mine and not lock.acquire():
            return _OTHERS
        self._mine[job.id] = lock
        job.__dict__.pop("folder", None)
        if read_end(job.folder) is None:
            return _OURS
        self.give([job])
        return _ENDED

    def give(self, jobs: Sequence[Job]) -> None:
        """Gives the locks of these runs back."""
        for job in jobs:
            if lock := self._mine.pop(job.id, None):
                lock.release()

    def wait(self, stop: Stop) -> list[Job]:
        """Waits for the runs that others train. Returns some that were left undone, locked; none once all have ended.

        This command holds no lock while it waits, so that two commands never wait for each other.
        """
        if self._others:
            holders = [holder(path_of(job)) or {} for job in self._others.values()]
            names = dict.fromkeys(f"process {h['pid']} on {h['host']}" for h in holders if "pid" in h)
            self._progress.say(f"waiting for {_count(len(self._others))} that {' and '.join(names) or 'others'} train")
        while self._others:
            stop.obey()
            time.sleep(random.uniform(0.5, 1.5) * WAIT_SECONDS)
            waiting, self._others = list(self._others.values()), {}
            if ours := self.take(waiting, again=True):
                return ours
        return []


def _count(runs: int) -> str:
    return f"{runs} run{'s' * (runs > 1)}"
