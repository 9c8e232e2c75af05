"""The main path: jobs to groups that can share a program, groups to packs, packs to the end of every job."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from experiments.engine import lock, processes
from experiments.engine.fit import objective
from experiments.engine.job import Job, headline
from experiments.engine.lane import treedef
from experiments.engine.pack import Pack
from experiments.engine.progress import Progress
from experiments.engine.provenance import provenance
from experiments.engine.records import Record, read_end
from experiments.engine.sharing import Locks
from experiments.engine.stop import Stop
from experiments.engine.tracking import couriers
from experiments.errors import ConfigError
from fields import declared

LEAST_SPARE = 0.2  # of a device's memory: below it a lane that still does not fit is given up


def groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """Returns jobs that can be lanes of one program together, in order of first appearance."""
    by_treedef: dict[Any, list[Job]] = {}
    for job in jobs:
        by_treedef.setdefault(treedef(job.run), []).append(job)
    return list(by_treedef.values())


def packs(jobs: Iterable[Job], max_lanes: int) -> list[list[Job]]:
    """Returns groups, split where they are larger than `max_lanes` (0 is no limit)."""
    return [
        group[i : i + (max_lanes or len(group))]
        for group in groups(jobs)
        for i in range(0, len(group), max_lanes or len(group))
    ]


def missing(jobs: Iterable[Job]) -> list[Job]:
    """Returns the jobs that have not ended, each once; equal runs of two studies have records of their own."""
    jobs = list({job.folder: job for job in jobs}.values())
    left = processes.agree(np.array([not Record(job).ended for job in jobs], np.int32))
    return [job for job, is_left in zip(jobs, left, strict=True) if is_left]


def plan(jobs: Sequence[Job], max_lanes: int) -> str:
    """Returns the programs to compile, in words: "2 programs, of 8 and 8 lanes: model.depth differs"."""
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
    """Returns the value of a field that keeps programs apart; None for a knob."""
    part = getattr(job.run, section)
    declaration = declared(type(part)).get(name)
    return job.config[section].get(name) if declaration is None or not declaration.traced else None


def train(
    jobs: Sequence[Job],
    *,
    lanes_per_device: int = 0,
    max_lanes: int = 0,
    shard_batch: bool | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any] | None]:
    """Trains the unfinished jobs. Returns each job's end record, in order, None if it has none.

    It first trains the runs that others start from. `max_lanes` splits larger groups (0 is no limit). `progress` is the
    display of a command that trains more than once, by default one of its own.

    A pack that does not fit in memory is halved, and a single lane trained in passes. A pack that raises otherwise is
    reported and leaves its runs without an end (None); the others train on. Runs that another command trains are waited
    for, and trained here if that command leaves them undone. Raises ConfigError for records that cannot be used or
    written, Stopped on SIGINT and SIGTERM once every lane is on disk.
    """
    how: dict[str, Any] = {"lanes_per_device": lanes_per_device, "shard_batch": shard_batch}
    if progress is None:
        with Progress() as progress:
            return train(jobs, **how, max_lanes=max_lanes, progress=progress)
    todo = missing(jobs)
    if starts := [job.start for job in todo if job.start]:
        train(starts, **how, max_lanes=max_lanes, progress=progress)
    unfinished = {job.id for job in todo}
    for job in {job.id: job for job in jobs}.values():
        Record(job).check()
        if processes.writes() and job.id not in unfinished:
            lock.clear(job)
    queue = [(pack, 1.0) for pack in packs(todo, max_lanes)]
    progress.add(todo, done=len({job.folder for job in jobs}) - len(todo))
    with couriers(), Stop() as stop, Locks(progress) as locks:
        if todo:
            provenance()  # of the code that trains, not of what the tree has become by the end
            progress.say(plan(todo, max_lanes))
        begun = 0
        while queue:
            stop.obey()
            pack, spare = queue.pop(0)
            begun += 1
            place = f"{begun} of {begun + len(queue)}" if begun + len(queue) > 1 else ""
            locked = pack = locks.take(pack)
            try:
                if pack:
                    Pack(pack, progress, **how, spare=spare, place=place).train(stop)
            except ConfigError:
                raise
            except Exception as e:
                pack = missing(pack)
                half, why = len(pack) // 2, (str(e).splitlines() or [type(e).__name__])[0]
                if "RESOURCE_EXHAUSTED" in str(e) and half:
                    progress.say(f"{len(pack)} lanes do not fit, going on with {len(pack) - half} and {half} ({why})")
                    queue = [(pack[:-half], spare), (pack[-half:], spare), *queue]
                elif "RESOURCE_EXHAUSTED" in str(e) and spare > LEAST_SPARE:
                    # The compiler's count was too low, as where other programs hold some of the memory.
                    progress.say(f"the lane does not fit, trying it with less memory ({why})")
                    queue = [(pack, spare * 0.7), *queue]
                else:
                    progress.say("".join(traceback.format_exception(e)))
                    progress.say(f"the pack of {', '.join(job.folder.name for job in pack)} failed: {why}")
                    progress.ended(0, 0, failed=len(pack))
            locks.give(locked)
            if not queue:
                queue = [(pack, 1.0) for pack in packs(locks.wait(stop), max_lanes)]
    return [read_end(job.folder) for job in jobs]


def value(job: Job, end: dict[str, Any] | None) -> float:
    """Returns a job's value for a sweeper: the last `train.objective` on the task's headline condition.

    A run that diverged has what its measure says of lost runs; NaN if it says nothing, and for a run that failed.
    """
    lost = objective(job.run).lost if end else None
    score = end["scores"][headline(job)].get(job.run.train.objective) if end and "scores" in end else lost
    return float("nan") if score is None else score
