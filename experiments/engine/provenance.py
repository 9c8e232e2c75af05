"""Names the source of a result: device, versions, commit and date."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import jax

from experiments.engine import devices

_PACKAGES = ("jax", "flax", "optax", "numpy")
ROOT = Path(__file__).resolve().parents[2]
# Where a new file that git does not know may change results.
_CODE = ("fields.py", "synthetic", "models", "experiments", "hydra_plugins", "conf")


@functools.cache
def provenance() -> dict[str, str]:
    """Returns the source of a result: device, versions with options of XLA, commit (`+` if changed), date (UTC)."""
    flags = [f"XLA_FLAGS {set_flags}"] if (set_flags := devices.flags()) else []
    versions = [f"python {platform.python_version()}", *(f"{p} {version(p)}" for p in _PACKAGES), *flags]
    return {
        "device": _device(),
        "versions": "; ".join(versions),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _device() -> str:
    device = jax.devices()[0]
    if device.platform != "cpu":
        return f"{jax.device_count()} x {device.device_kind}"
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}"


def _lines(path: str) -> Iterator[str]:
    with contextlib.suppress(OSError), open(path) as file:
        yield from file


def commit(root: Path = ROOT) -> str:
    """Returns the commit of the tree in `root`, with `+` if its code was changed, or "unknown" without a repository.

    A repository further up belongs to somebody else, and so does one that git's environment variables name. A tree that
    came without its history has its commit in TERRARIUM_COMMIT.
    """
    if given := os.environ.get("TERRARIUM_COMMIT"):
        return given
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", *words]
        return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != root.resolve():
            return "unknown"
        # Records of results are themselves committed: that alone does not make a tree changed.
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/paper/results")
        fresh = git("ls-files", "--others", "--exclude-standard", "--", *_CODE)
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed or fresh else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
