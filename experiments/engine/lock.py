"""Locks on runs: a run is trained by one process at a time, whichever command, machine or node wants it.

A lock is a file beside the run's folder that only one process can create (O_EXCL, which is atomic on local disks and on
NFS since version 3; `flock` is not used, for many shared file systems keep it within one node). It says who holds it.
A thread renews the time of the file while its process lives.

A lock outlives the crash of its holder only until somebody wants the run. It is stale
- on the holder's own machine: as soon as no process has its number and start time;
- elsewhere: when its file was not renewed for STALE_SECONDS, by the watch of the process that waits for it, so that
  clocks need not agree.
A stale lock is taken over under a lock of its own, so that only one of those who wait gets it. A holder that was
suspended for so long that its lock was taken finds that out before it writes anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from experiments.engine.job import Job
from experiments.errors import ConfigError

BEAT_SECONDS = 15.0
STALE_SECONDS = 120.0

# Locks of other machines: the holder and file time that were last seen, and since when by our own watch.
_SEEN: dict[Path, tuple[Any, float]] = {}
_HELD: dict[Path, Lock] = {}


class Lock:
    """Is the lock in the file `path`."""

    def __init__(self, path: Path):
        self.path = path
        self._me = {**_process(), "token": uuid.uuid4().hex}

    def acquire(self) -> bool:
        """Takes the lock and returns True, or False if a living process holds it. Raises ConfigError for a bad disk."""
        try:
            if not self._create() and not self._take_over():
                return False
        except OSError as e:
            raise ConfigError(f"out: cannot write {self.path}: {e.strerror or e}") from None
        _HELD[self.path] = self
        _beat()
        return True

    def held(self) -> bool:
        """Returns whether the lock is still this one's: nobody took it for stale."""
        return holder(self.path) == self._me

    def release(self) -> None:
        """Gives the lock back."""
        _HELD.pop(self.path, None)
        with contextlib.suppress(OSError):
            if self.held():
                self.path.unlink()

    def _create(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(self._me, file)
        except OSError:  # a full disk: an empty lock would be in everybody's way
            self.path.unlink(missing_ok=True)
            raise
        return True

    def _take_over(self) -> bool:
        """Replaces a stale lock by this one; returns False if it is not stale, or if somebody else is about to."""
        stale = holder(self.path)
        if stale is None:
            return self._create()
        if _alive(self.path, stale):
            return False
        of_stale = hashlib.sha256(json.dumps(stale, sort_keys=True).encode()).hexdigest()[:10]
        right = Lock(self.path.with_name(f"{self.path.name}-{of_stale}"))
        if not right.acquire():
            return False
        try:
            if holder(self.path) != stale:  # taken over and perhaps given back since
                return False
            self.path.unlink()
            return self._create()
        finally:
            right.release()


def clear(job: Job) -> None:
    """Removes the lock that a killed process left on a run which has ended, if the disk can be written."""
    path = path_of(job)
    with contextlib.suppress(ConfigError):
        if path.exists() and (lock := Lock(path)).acquire():
            lock.release()


def _process() -> dict[str, Any]:
    """Returns what identifies this process, and its machine: name, boot and process namespace."""
    boot, space = "", ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
    return {"host": platform.node(), "machine": f"{boot} {space}", "pid": os.getpid(), "started": _started(os.getpid())}


def _started(pid: int) -> str:
    """Returns when a process started, in the kernel's ticks; empty if there is none, or if it has ended."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return ""


def holder(path: Path) -> dict[str, Any] | None:
    """Reads who holds a lock: nothing if its file is just being written, None if there is no file."""
    try:
        whose = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return whose if isinstance(whose, dict) else {}


def _alive(path: Path, whose: dict[str, Any]) -> bool:
    """Returns whether the holder of a lock lives, as far as can be told from here."""
    own = _process()
    if whose and all(whose.get(name) == own[name] for name in ("host", "machine")):
        return bool(whose.get("started")) and _started(int(whose.get("pid", 0))) == whose["started"]
    try:
        state = (whose, path.stat().st_mtime_ns)
    except OSError:
        return True  # it has just gone: the next try gets it
    if path not in _SEEN or _SEEN[path][0] != state:
        _SEEN[path] = (state, time.monotonic())
    return time.monotonic() - _SEEN[path][1] < STALE_SECONDS


def _beat() -> None:
    """Starts the thread that renews the locks of this process, unless it runs already."""
    if any(thread.name == _renew.__name__ for thread in threading.enumerate()):
        return
    threading.Thread(target=_renew, name=_renew.__name__, daemon=True).start()


def _renew() -> None:
    while True:
        time.sleep(BEAT_SECONDS)
        for path in list(_HELD):
            with contextlib.suppress(OSError):
                os.utime(path)


def path_of(job: Job) -> Path:
    """Returns the file of a run's lock. It has the run's id: another command may name the run's folder otherwise."""
    return job.folder.parent / f".{job.id}.lock"


def check(job: Job) -> None:
    """Raises ConfigError if this process held the lock of `job` and has lost it."""
    lock = _HELD.get(path_of(job))
    if lock and not lock.held():
        raise ConfigError(
            f"out: {job.folder} is trained by another process, which took this one for dead; run this again to wait"
        )
