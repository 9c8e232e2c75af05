"""Where the drill works: a copy of the tree in a temporary folder, and whole commands that are run there."""

from __future__ import annotations

import compileall
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import commands

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "runs", "build", "*.egg-info")
LONGEST = 300.0  # seconds that any command may take

# A run small enough to train in a second or two once its program is in the cache; with and without its length.
SHORT = commands.TINY
TINY = [word for word in SHORT if not word.startswith(("train.steps=", "train.eval_every="))]


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


@dataclass
class Place:
    """A copy of the tree, a home and a cache of programs, in the folder `root`."""

    root: Path
    chance: random.Random
    failures: list[str] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        """The copy of the tree."""
        return self.root / "tree"

    def make(self) -> None:
        """Copy and compile the tree, and make the home."""
        shutil.copytree(ROOT, self.tree, ignore=_LEFT_OUT)
        compileall.compile_dir(self.tree, quiet=2)  # a full disk would leave half of what Python compiles
        (self.root / "home").mkdir()

    def folder(self, name: str) -> Path:
        """A new, empty folder."""
        path = self.root / f"{name}-{self.chance.getrandbits(40):010x}"
        path.mkdir()
        return path

    def env(self, **more: str | None) -> dict[str, str]:
        """A plain environment with `more` variables; those that are None are taken away."""
        plain = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
            "JAX_COMPILATION_CACHE_DIR": str(self.root / "programs"),
            "TERRARIUM_CHECKPOINT_SECONDS": "0",
        }
        return {name: value for name, value in (plain | more).items() if value is not None}

    def start(self, words: Sequence[str], *, cwd: Path, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command, such as experiments.run with its words, as the head of a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=cwd,
            env=env or self.env(),
            text=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, words: Sequence[str], *, cwd: Path, env: dict[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        since = time.monotonic()
        process = self.start(words, cwd=cwd, env=env)
        try:
            out, err = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            kill(process)
            out, err = process.communicate()
            err = f"{err or ''}\nthe drill ended it after {LONGEST:.0f} s"
        return Ended(process.returncode, out or "", err or "", time.monotonic() - since)

    def fail(self, case: str, why: str, ended: Ended | None = None) -> None:
        """Note that a case failed, and show it."""
        said = "" if ended is None else f"\n    exit code {ended.code}; {ended.err[-1500:].strip() or 'no word'}"
        self.failures.append(f"{case}: {why}")
        print(f"FAILED {case}: {why}{said}", flush=True)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command with all that it started, at once."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def content(folder: Path) -> dict[str, bytes]:
    """What must be equal to the bit in the run folders below `folder`, by run and file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        run = path.parent.name.rpartition("-")[2]
        if path.name in ("state.safetensors", "metrics.jsonl"):
            found[f"{run}/{path.name}"] = path.read_bytes()
        if path.name == "result.json":
            end = json.loads(path.read_text())
            found[f"{run}/{path.name}"] = json.dumps([end[k] for k in ("status", "id", "step", "scores")]).encode()
    return found


def left_over(folder: Path) -> list[str]:
    """Locks, and files that were being written, below a folder in which nothing runs any more."""
    return [str(path) for path in folder.rglob(".*") if path.name.startswith(".unfinished-") or ".lock" in path.name]


def files(folder: Path) -> dict[str, int]:
    """All files below a folder with the times of their last changes, without caches of Python's."""
    return {
        str(path): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and not path.is_dir()
    }
