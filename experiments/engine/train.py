"""The main path: jobs to groups that can share a program, groups to packs, packs to the end of every job."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from experiments.engine.job import Job, headline
from experiments.engine.lane import treedef
from experiments.engine.pack import Pack
from experiments.engine.progress import Progress
from experiments.engine.records import Record, provenance, read_end
from experiments.engine.sharing import Locks
from experiments.engine.stop import Stop
from experiments.engine.tracking import COURIER
from experiments.errors import ConfigError
from fields import declared


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


def train(
    jobs: Sequence[Job], *, lanes_per_device: int = 0, max_lanes: int = 0, progress: Progress | None = None
) -> list[dict[str, Any] | None]:
    """Do what is missing of `jobs` and return how each ended, in order: what its result or error file says.

    First the runs that others start from. `max_lanes` splits larger groups (0 is no limit). `progress` is the display
    of a command that trains more than once, by default one of its own. A pack that does not fit in memory is halved;
    one that raises otherwise is reported, leaves its runs without an end (None), and does not keep the others from
    training. What another process trains is waited for, and trained here where that process leaves it undone. Raises
    ConfigError for records that cannot be used or written, Stopped on SIGINT and SIGTERM once every lane is on disk.
    """
    lanes = {"lanes_per_device": lanes_per_device, "max_lanes": max_lanes}
    if progress is None:
        with Progress() as progress:
            return train(jobs, **lanes, progress=progress)
    todo = missing(jobs)
    if starts := [job.start for job in todo if job.start]:
        train(starts, **lanes, progress=progress)
    for job in {job.id: job for job in jobs}.values():
        Record(job).check()
    queue = packs(todo, max_lanes)
    progress.add(todo, done=len(jobs) - len(todo))
    with COURIER, Stop() as stop, Locks(progress) as locks:
        if todo:
            provenance()  # of the code that trains, not of what the tree has become by the end
            progress.say(plan(todo, max_lanes))
        while queue:
            stop.obey()
            locked = pack = locks.take(queue.pop(0))
            try:
                if pack:
                    Pack(pack, lanes_per_device, progress).train(stop)
            except ConfigError:
                raise
            except Exception as e:
                pack = missing(pack)
                half, why = len(pack) // 2, (str(e).splitlines() or [type(e).__name__])[0]
                if "RESOURCE_EXHAUSTED" in str(e) and half:
                    progress.say(f"{len(pack)} lanes do not fit, going on with {len(pack) - half} and {half} ({why})")
                    queue = [pack[:-half], pack[-half:], *queue]
                else:
                    progress.say("".join(traceback.format_exception(e)))
                    progress.say(f"the pack of {', '.join(job.folder.name for job in pack)} failed: {why}")
                    progress.ended(0, 0, failed=len(pack))
            locks.give(locked)
            if not queue:
                queue = packs(locks.wait(stop), max_lanes)
    return [read_end(job.folder) for job in jobs]


def value(job: Job, end: dict[str, Any] | None) -> float:
    """What a job returns to a sweeper: exact match at the end on the task's headline condition; NaN where it failed."""
    return end["scores"][headline(job)]["exact_match"] if end and "scores" in end else float("nan")
