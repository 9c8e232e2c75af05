"""The records that a run leaves on disk, and their readers.

    <out>/<study>/<overrides>-<id>/
        config.yaml         the resolved configuration
        metrics.jsonl       one line per (evaluation step, condition), and at the end per (baseline, condition)
        state.safetensors   the lane's state at the last checkpoint: parameters (params.blocks.0.mlp.inner.kernel ...),
                            optimiser (opt. ...), step
        result.json         written once the run has finished: last scores, cost, versions
        error.json          written instead if it diverged: step and reason

Every write is whole or nothing: a temporary file, flushed to disk, renamed. Nothing is pickled. Only the process that
holds a run's lock writes (see `lock`), and never into a run that has ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
import yaml
from flax import nnx
from safetensors import SafetensorError

from experiments.engine import lock, monitor
from experiments.engine.job import Job, parameter_name, parts_of
from experiments.engine.lock import Lock, path_of
from experiments.engine.provenance import provenance
from experiments.errors import ConfigError
from experiments.files import forget_unfinished, write_whole
from synthetic.measures import declarations
from synthetic.task import Task

_PARAMS = "params."
# The files that end a run, and what must be in them.
_ENDS = {"result.json": ("status", "id", "step", "scores"), "error.json": ("status", "id", "step", "reason")}


def write(path: Path, content: str | bytes) -> None:
    """Replaces `path` by `content`, whole or not at all. Raises ConfigError if it cannot be written."""
    try:
        write_whole(path, content.encode() if isinstance(content, str) else content)
    except OSError as e:
        raise ConfigError(f"out: cannot write {path}: {e.strerror or e}") from None


def last_params(job: Job, template: Any, only: Sequence[str] = ()) -> Any:
    """Returns the last parameters of a finished run, shaped as `template`. Raises ConfigError if there are none.

    only: the parts of the model to read; the others are those of `template`.
    """
    end = read_end(job.folder)
    if end is None or end["status"] != "finished":
        why = end["reason"] if end else "it has not ended"
        raise ConfigError(f"start_from: the run to start from, {job.folder}, did not finish: {why}")
    try:
        return read_params(job.folder, template, only)[0]
    except ConfigError as e:
        raise ConfigError(f"{e}; delete the folder to train it anew") from None


def read_params(folder: Path, template: Any, only: Sequence[str] = ()) -> tuple[Any, int]:
    """Returns the parameters of a run's last state, shaped as `template` (arrays or their shapes), and its step.

    only: the parts of the model to read; the others are those of `template`. Raises ConfigError if there are none, or
    if they do not fit.
    """
    path = folder / "state.safetensors"
    state = _read_state(path)
    arrays = {k.removeprefix(_PARAMS): v for k, v in state.items() if k.startswith(_PARAMS)}
    return _shaped(arrays, template, path, only), int(state["step"])


def read_weights(path: Path, template: Any) -> Any:
    """Returns the parameters of an exported file, shaped as `template`. Raises ConfigError if they do not fit."""
    return _shaped(_read_state(path), template, path)


def _shaped(arrays: dict[str, np.ndarray], template: Any, path: Path, only: Sequence[str] = ()) -> Any:
    """Returns arrays by their plain names in the shape of a template, of which the parts that are not `only` stay."""
    own = {parameter_name(keys): leaf for keys, leaf in jax.tree.leaves_with_path(template)}
    arrays, wanted = parts_of(arrays, only), parts_of(own, only)
    if {k: v.shape for k, v in arrays.items()} != {k: v.shape for k, v in wanted.items()}:
        raise ConfigError(f"{path}: does not fit this version's model")
    read = own | arrays
    return jax.tree.unflatten(jax.tree.structure(template), [read[name] for name in own])


def task_of(job: Job) -> Task:
    """Returns a job's task, materialised, by the model of the run before where it is `from_model`.

    Raises ConfigError if that run has not finished.
    """
    if not job.run.task.from_model or job.start is None:
        return job.run.task.materialise()
    graph, shapes = nnx.split(nnx.eval_shape(lambda run=job.start.run: run.build(jax.random.key(0))))
    params = last_params(job.start, jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes))
    params = jax.tree.map(jnp.asarray, params)
    return job.run.task.materialise(jax.jit(lambda inputs: nnx.merge(graph, params)(inputs)))


class Record:
    """Holds the records of one job, opened for going on from their end."""

    def __init__(self, job: Job, *, writes: bool = True):
        """Opens a record. One with `writes` false only keeps count of what another process writes."""
        self.job, self.folder = job, job.folder
        self.rows: list[dict[str, Any]] = []
        self._saved_step, self._writes = -1, writes
        self._published = -1  # rows that are on disk

    @property
    def ended(self) -> bool:
        """Returns whether there is nothing left to do: the run finished, or diverged."""
        return (self.folder / "result.json").exists() or (self.folder / "error.json").exists()

    def forget_failure(self) -> None:
        """Lets a run that diverged start anew (`retry=true`), unless another process has just done so."""
        own = Lock(path_of(self.job))
        if not (self.folder / "error.json").exists() or not own.acquire():
            return
        try:
            if (self.folder / "error.json").exists():
                (self.folder / "state.safetensors").unlink(missing_ok=True)
                (self.folder / "error.json").unlink()
        except OSError as e:
            raise ConfigError(f"out: cannot write {self.folder}: {e.strerror or e}") from None
        finally:
            own.release()

    def check(self) -> None:
        """Raises ConfigError if a record on disk cannot be read, or if the records disagree with each other."""
        end, path = read_end(self.folder), self.folder / "state.safetensors"
        state = {} if not path.exists() else _read_state(path) if end is None else _read_counters(path)
        if why := _disagreement(self.job, end, read_metrics(self.folder), state):
            raise ConfigError(f"{self.folder}: disagrees with itself: {why}; delete the folder to run it again")

    def _write(self, name: str, content: str | bytes) -> None:
        """Writes one of the run's files. Raises ConfigError if the run has ended, or is no longer this process's."""
        if not self._writes:
            return
        lock.check(self.job)
        if self.ended:
            raise ConfigError(f"out: {self.folder} has ended: nothing more is written there")
        write(self.folder / name, content)

    def open(self, template: Any) -> Any:
        """Returns the state to go on from, shaped as `template` (a pytree of arrays), or None if there is none yet.

        Metrics later than that state are dropped: they will be made again, the same. Raises ConfigError if the state
        does not fit.
        """
        self._write("config.yaml", yaml.safe_dump(self.job.config, sort_keys=False))
        if self._writes:
            forget_unfinished(self.folder)
        path = self.folder / "state.safetensors"
        if not path.exists():
            return None
        state = _load(path, template)
        self._saved_step = int(state.step)
        self.rows = [row for row in read_metrics(self.folder) if row["step"] <= self._saved_step]
        return state

    def publish(self) -> None:
        """Writes the metrics, later than any state as they may be, if there are new ones."""
        if len(self.rows) != self._published:
            self._write("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in self.rows))
            self._published = len(self.rows)

    def save(self, state: Any) -> None:
        """Writes metrics, then the state they belong to; writes nothing if the step is the one already on disk."""
        if int(state.step) == self._saved_step:
            return
        self.publish()
        if self._writes:  # what is a copy of all parameters
            self._write("state.safetensors", safetensors.numpy.save(named(state)))
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
            **self._measures(),
            **cost,
            **provenance(),
        }
        self._write("result.json", json.dumps(result, indent=1) + "\n")
        return result

    def _measures(self) -> dict[str, Any]:
        """Returns the entry `measures` of a run's end, which declares those that are not standard; none if none is."""
        declared = declarations(self.job.run.task)
        declared |= monitor.declarations(self.rows[0] if self.rows and self.job.run.train.monitor else ())
        return {"measures": declared} if declared else {}

    def fail(self, state: Any, reason: str) -> dict[str, Any]:
        """Writes the state before the failure and `error.json`. Returns the error."""
        self.save(state)
        error = {
            "status": "diverged",
            "id": self.job.id,
            "step": int(state.step),
            "reason": reason,
            **self._measures(),
            **provenance(),
        }
        self._write("error.json", json.dumps(error, indent=1) + "\n")
        return error


def _words(scores: dict[str, Any]) -> str:
    return json.dumps(scores, sort_keys=True)  # in which NaN equals NaN


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
    for name, needed in _ENDS.items():
        if (folder / name).exists():
            try:
                end = json.loads((folder / name).read_text())
                if missing := [key for key in needed if not isinstance(end, dict) or key not in end]:
                    raise ValueError(f"it lacks {', '.join(missing)}")
                return end
            except ValueError as e:
                raise ConfigError(f"{folder / name}: damaged ({e}); delete the run's folder to run it again") from None
    return None


def _disagreement(
    job: Job, end: dict[str, Any] | None, rows: list[dict[str, Any]], state: dict[str, np.ndarray]
) -> str | None:
    """Returns, in words, where a run's end, metrics and state do not belong together; None if they do.

    A state may be missing where a run has ended. Metrics may be later than a state, never earlier.
    """
    step = int(state["step"]) if "step" in state else None
    model = [row for row in rows if row["learner"] == "model"]
    scored: dict[int, set[str]] = {}
    for row in model:
        scored.setdefault(row["step"], set()).add(row["condition"])
    train, steps = job.run.train, job.run.train.steps
    if end is None:
        if step is None:
            return None
        # The evaluation at the state's own step is in the metrics once the mean loss has begun anew.
        until = step - (bool(state["diverged"]) or int(state["loss_steps"]) > 0)
    else:
        if (job.folder / "result.json").exists() and (job.folder / "error.json").exists():
            return "it has both result.json and error.json"
        name = "result.json" if end["status"] == "finished" else "error.json"
        if end["id"] != job.id:
            return f"{name} is of the run {end['id']}"
        if step not in (None, end["step"]):
            return f"{name} is of step {end['step']}, state.safetensors of step {step}"
        if end["status"] == "finished":
            last = {row["condition"]: _scores(row) for row in model if row["step"] == end["step"]}
            if end["step"] != steps or _words(end["scores"]) != _words(last):
                at = max(scored, default=0)
                return f"result.json is of step {end['step']} of {steps}, metrics.jsonl of step {at} or of other scores"
        until = end["step"] - (end["status"] == "diverged")
    due = [s for s in (*train.evaluations(until), steps) if s <= until]
    if lacking := [s for s in due if s not in scored or scored[s] != scored[max(scored)]]:
        return f"metrics.jsonl lacks scores of step {lacking[0]}"
    return None


def named(tree: Any) -> dict[str, np.ndarray]:
    """Returns the arrays of a tree by their plain names."""
    return {parameter_name(path): np.array(leaf, order="C") for path, leaf in jax.tree.leaves_with_path(tree)}


def _plain(name: str) -> str:
    """Returns the plain name of an array. States of before had .params['blocks'][0]['mlp']['inner']['kernel'].value."""
    return re.sub(r"\['?(\w+)'?\]", r".\1", name).removeprefix(".").removesuffix(".value")


def _read_state(path: Path) -> dict[str, np.ndarray]:
    try:
        return {_plain(name): array for name, array in safetensors.numpy.load(path.read_bytes()).items()}
    except OSError as e:
        raise ConfigError(f"{path}: cannot be read: {e.strerror or e}") from None
    except SafetensorError as e:
        raise ConfigError(f"{path}: damaged ({e}); delete it to train this run from its start") from None


def _read_counters(path: Path) -> dict[str, np.ndarray]:
    """Reads the steps that a state has done, without its parameters."""
    try:
        with safetensors.safe_open(path, "numpy") as state:
            return {_plain(name): state.get_tensor(name) for name in state.keys() if _plain(name) == "step"}  # noqa: SIM118
    except (SafetensorError, OSError) as e:
        raise ConfigError(f"{path}: damaged ({e}); delete it, or the run's folder to run it again") from None


def _load(path: Path, template: Any) -> Any:
    arrays = _read_state(path)
    wanted = named(jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template))
    if {k: (v.shape, v.dtype) for k, v in arrays.items()} != {k: (v.shape, v.dtype) for k, v in wanted.items()}:
        raise ConfigError(f"{path}: does not fit this version's model; delete it to train this run from its start")
    return jax.tree.unflatten(jax.tree.structure(template), [arrays[name] for name in wanted])
