"""The records that a run leaves on disk, and their readers.

    <out>/<study>/<overrides>-<id>/
        config.yaml         the resolved configuration
        metrics.jsonl       one line per (evaluation step, condition), and at the end per (baseline, condition)
        state.safetensors   the lane's state at the last checkpoint: parameters, optimiser, step
        result.json         written once the run has finished: last scores, cost, versions
        error.json          written instead if it diverged: step and reason

Every write is whole or nothing: a temporary file, flushed to disk, renamed. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy
import yaml
from safetensors import SafetensorError

from experiments.engine.job import Job
from experiments.errors import ConfigError
from experiments.files import write_whole

_PACKAGES = ("jax", "flax", "optax", "numpy")


def write(path: Path, content: str | bytes) -> None:
    """Replaces `path` by `content`, whole or not at all. Raises ConfigError if it cannot be written."""
    try:
        write_whole(path, content.encode() if isinstance(content, str) else content)
    except OSError as e:
        raise ConfigError(f"out: cannot write {path}: {e.strerror or e}") from None


def last_params(job: Job, template: Any) -> Any:
    """Returns the last parameters of a finished run, shaped as `template`. Raises ConfigError if there are none."""
    end = read_end(job.folder)
    if end is None or end["status"] != "finished":
        why = end["reason"] if end else "it has not ended"
        raise ConfigError(f"start_from: the run to start from, {job.folder}, did not finish: {why}")
    path = job.folder / "state.safetensors"
    wanted = _named(template)
    arrays = {k.removeprefix(".params"): v for k, v in _read_state(path).items() if k.startswith(".params")}
    if {k: v.shape for k, v in arrays.items()} != {k: v.shape for k, v in wanted.items()}:
        raise ConfigError(f"{path}: does not fit this version's model; delete the folder to train it anew")
    return jax.tree.unflatten(jax.tree.structure(template), [arrays[name] for name in wanted])


class Record:
    """Holds the records of one job, opened for going on from their end."""

    def __init__(self, job: Job, *, writes: bool = True):
        """Opens a record. One with `writes` false only keeps count of what another process writes."""
        self.job, self.folder = job, job.folder
        self.rows: list[dict[str, Any]] = []
        self._saved_step, self._writes = -1, writes

    @property
    def ended(self) -> bool:
        """Returns whether there is nothing left to do: the run finished, or diverged."""
        return (self.folder / "result.json").exists() or (self.folder / "error.json").exists()

    def forget_failure(self) -> None:
        """Lets a run that diverged start anew (`retry=true`)."""
        if (self.folder / "error.json").exists():
            (self.folder / "state.safetensors").unlink(missing_ok=True)
            (self.folder / "error.json").unlink()

    def check(self) -> None:
        """Raises ConfigError if the state or the metrics on disk cannot be read."""
        read_metrics(self.folder)
        path = self.folder / "state.safetensors"
        if path.exists():
            _read_state(path)

    def open(self, template: Any) -> Any:
        """Returns the state to go on from, shaped as `template` (a pytree of arrays), or None if there is none yet.

        Metrics later than that state are dropped: they will be made again, the same. Raises ConfigError if the state
        does not fit.
        """
        self._write("config.yaml", yaml.safe_dump(self.job.config, sort_keys=False))
        path = self.folder / "state.safetensors"
        if not path.exists():
            return None
        state = _load(path, template)
        self._saved_step = int(state.step)
        self.rows = [row for row in read_metrics(self.folder) if row["step"] <= self._saved_step]
        return state

    def save(self, state: Any) -> None:
        """Writes metrics, then the state they belong to; writes nothing if the step is the one already on disk."""
        if int(state.step) == self._saved_step:
            return
        self._write("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in self.rows))
        if self._writes:
            write(self.folder / "state.safetensors", safetensors.numpy.save(_named(state)))
        self._saved_step = int(state.step)

    def finish(self, state: Any, cost: dict[str, Any]) -> dict[str, Any]:
        """Writes the last state and `result.json`. Returns the result."""
        self.save(state)
        last = max((row["step"] for row in self.rows), default=0)
        scores = {
            row["condition"]: _scores(row) for row in self.rows if row["step"] == last and row["learner"] == "model"
        }
        result = {
            "status": "finished",
            "id": self.job.id,
            "step": last,
            "scores": scores,
            **cost,
            **provenance(),
        }
        self._write("result.json", json.dumps(result, indent=1) + "\n")
        return result

    def fail(self, state: Any, reason: str) -> dict[str, Any]:
        """Writes the state before the failure and `error.json`. Returns the error."""
        self.save(state)
        error = {
            "status": "diverged",
            "id": self.job.id,
            "step": int(state.step),
            "reason": reason,
            **provenance(),
        }
        self._write("error.json", json.dumps(error, indent=1) + "\n")
        return error

    def _write(self, name: str, content: str) -> None:
        if self._writes:
            write(self.folder / name, content)


def _scores(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in ("step", "learner", "condition")}


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Reads the rows of a run's metrics, in order; none if it has none yet. Raises ConfigError if a line is damaged."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except ValueError as e:
        raise ConfigError(f"{path}: damaged ({e}); delete the run's folder to run it again") from None


def read_end(folder: Path) -> dict[str, Any] | None:
    """Reads the end of a run, `result.json` or `error.json`, or returns None if it has not ended."""
    for name in ("result.json", "error.json"):
        if (folder / name).exists():
            try:
                return json.loads((folder / name).read_text())
            except ValueError as e:
                raise ConfigError(f"{folder / name}: damaged ({e}); delete the run's folder to run it again") from None
    return None


def _named(tree: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path): np.array(leaf, order="C") for path, leaf in leaves}


def _read_state(path: Path) -> dict[str, np.ndarray]:
    try:
        return safetensors.numpy.load(path.read_bytes())
    except SafetensorError as e:
        raise ConfigError(f"{path}: damaged ({e}); delete it to train this run from its start") from None


def _load(path: Path, template: Any) -> Any:
    arrays = _read_state(path)
    wanted = _named(jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template))
    if {k: (v.shape, v.dtype) for k, v in arrays.items()} != {k: (v.shape, v.dtype) for k, v in wanted.items()}:
        raise ConfigError(f"{path}: does not fit this version's model; delete it to train this run from its start")
    return jax.tree.unflatten(jax.tree.structure(template), [arrays[name] for name in wanted])


@functools.cache
def provenance() -> dict[str, str]:
    """Returns the source of a result: device, versions, commit (with `+` if the tree was changed) and date (UTC)."""
    return {
        "device": _device(),
        "versions": "; ".join([f"python {platform.python_version()}", *(f"{p} {version(p)}" for p in _PACKAGES)]),
        "commit": _commit(),
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


def _commit() -> str:
    """Returns the commit of this code: $TERRARIUM_COMMIT if that is set, for a tree without history, else git's."""
    if given := os.environ.get("TERRARIUM_COMMIT"):
        return given

    def git(*words: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # Records of results are committed too; they alone do not make a tree changed.
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/paper/results")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
