"""Loads a trained run from its folder: its task, its configuration and a plain function from inputs to outputs.

    from experiments import load

    model = load.run("runs/single/rasp_copy-0f3a...")
    batch = model.examples(8)
    logits = model(batch.inputs)
    logits, seen = model.run(batch.inputs, capture="blocks.*.mixer.weights", replace={"blocks.0.mlp.output": 0.0})

The folder is all that is needed, wherever it was copied to: config.yaml and state.safetensors; or the one file that
`python -m experiments.export model=FOLDER` makes of it. A run of before some field was declared has that field's
default. See docs/using_a_model.md; `models.taps` lists the activations by name.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import yaml
from flax import nnx
from jax.core import Tracer
from safetensors import SafetensorError

from experiments.engine import fit, job, lane, records
from experiments.engine.lane import Run
from experiments.errors import ConfigError
from fields import replace as replaced
from models.decode import decode
from models.taps import Patch, capturing, names_of, patching
from synthetic.heads import Places
from synthetic.task import Example, Task

# The keys of a configuration that say where a run is kept, and not what it is.
_ELSEWHERE = {"out": "runs", "retry": False, "wandb": {"mode": "disabled"}, "tensorboard": False, "start_from": None}
_FEW = 2  # sequences with which a model is traced for the names of its activations

Replacement = Patch | jax.Array | np.ndarray | float | int


def run(folder: str | Path, *, before: Trained | None = None) -> Trained:
    """Returns the trained model of a run's folder, or of an exported file. Raises ConfigError, one line, if it cannot.

    before: the model of the run that this one starts from, which a task needs whose sets are made by that model.
    """
    folder = Path(folder)
    if folder.is_file():
        return _exported(folder, before)
    path = folder / "config.yaml"
    config = _read_config(path)
    built, graph, shapes = _built(config, path)
    params, step = records.read_params(folder, shapes)
    end = records.read_end(folder)
    status = end["status"] if end else "unfinished"
    return Trained(folder, config, step, status, jax.device_put(params), graph, built, before)


def _exported(path: Path, before: Trained | None) -> Trained:
    """Returns the model of a file of `python -m experiments.export model=FOLDER`."""
    try:
        with safetensors.safe_open(path, "numpy") as file:
            about = file.metadata() or {}
        config, step, status = json.loads(about["config"]), int(about["step"]), about["status"]
    except (OSError, SafetensorError, KeyError, ValueError):
        raise ConfigError(
            f"{path}: no exported model, which `python -m experiments.export model=FOLDER` makes"
        ) from None
    built, graph, shapes = _built(config, path)
    params = jax.device_put(records.read_weights(path, shapes))
    return Trained(path, config, step, status, params, graph, built, before)


def _read_config(path: Path) -> dict[str, Any]:
    """Reads the configuration of a run's folder."""
    try:
        config: Any = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path.parent}: no folder of a run, which has a config.yaml") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise ConfigError(f"{path}: cannot be read: {' '.join(str(e).split())}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: damaged: no configuration of a run")
    return config


def _built(config: dict[str, Any], path: Path) -> tuple[Run, Any, Any]:
    """Returns the run of a configuration that `path` has, its model without parameters, and their shapes."""
    try:
        built = job.build({**config, **_ELSEWHERE})
    except ConfigError as e:
        raise ConfigError(*(f"{path}: {line}" for line in e.lines)) from None
    graph, shapes = nnx.split(nnx.eval_shape(lambda: built.build(jax.random.key(0))))
    return built, graph, shapes


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model, which is called as a function: inputs, a batch, to float32[B, T, outputs].

    Inputs are int32[B, T] tokens or float32[B, T, width_in] vectors, as `task.spec` says, of any T up to its length.

    folder: the folder or the file that it was loaded from. config: its whole configuration. step: the step after which
    these parameters were. status: finished, unfinished, or diverged (the parameters are then those before the fault).
    params: a pytree of arrays. graph: the model without them, as `flax.nnx.merge(graph, params)` takes it.
    """

    folder: Path
    config: dict[str, Any]
    step: int
    status: str
    params: Any
    graph: Any
    settings: Run
    before: Trained | None = None

    @functools.cached_property
    def task(self) -> Task:
        """Returns the task, with the finite sets that its examples are of, if it has such.

        Raises ValueError if these are made by the model of the run before, and that was not given to `load.run`.
        """
        task: Any = self.settings.task
        if not getattr(task, "from_model", False):
            return task.materialise()
        if self.before is None:
            raise ValueError("task: its sets are made by the run before: load.run(folder, before=load.run(...))")
        return task.materialise(self.before)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Returns the parameters by their plain names, as in state.safetensors, such as blocks.0.mlp.inner.kernel."""
        return records.named(self.params)

    def function(self, params: Any, inputs: jax.Array) -> jax.Array:
        """Returns the outputs of a model with these parameters; a pure function, to differentiate or to `vmap`."""
        return nnx.merge(self.graph, params)(inputs)

    def __call__(self, inputs: Any) -> jax.Array:
        """Returns the outputs at every position. Raises ValueError for inputs that are not those of the task."""
        return self.run(inputs)[0]

    def run(
        self,
        inputs: Any,
        *,
        capture: str | Sequence[str] = (),
        replace: Mapping[str, Replacement] | None = None,
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Returns the outputs, and the activations to `capture` by name; a `*` in a name stands for any letters.

        replace: name to what is put in the activation's place, a function of it, or a number or an array that
        broadcasts to it. Raises ValueError for inputs that are not those of the task, for a name that the model lacks
        (it names those there are), and for a shape that does not fit.
        """
        names = (capture,) if isinstance(capture, str) else tuple(capture)
        functions = {name: new for name, new in (replace or {}).items() if callable(new)}
        arrays = {name: jnp.asarray(new) for name, new in (replace or {}).items() if not callable(new)}
        return self._compiled(self.params, self._checked(inputs), arrays, names, tuple(functions.items()))

    @functools.cached_property
    def _compiled(self) -> Callable[..., tuple[jax.Array, dict[str, jax.Array]]]:
        def outputs_and_seen(
            params: Any, inputs: jax.Array, arrays: dict[str, jax.Array], names: Any, functions: Any
        ) -> tuple[jax.Array, dict[str, jax.Array]]:
            with patching(_patches({**arrays, **dict(functions)})), capturing(*names) as seen:
                outputs = self.function(params, inputs)
            return outputs, dict(seen)

        return jax.jit(outputs_and_seen, static_argnums=(3, 4))

    @property
    def activations(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Returns the name, shape and dtype of each activation of a batch of two, in the model's order."""
        spec = self.settings.task.spec
        shape, kind = (_FEW, spec.length), jnp.int32
        if spec.width_in is not None:
            shape, kind = (*shape, spec.width_in), jnp.float32
        return names_of(self.function, self.params, jax.ShapeDtypeStruct(shape, kind))

    def decode(self, inputs: Any, answer: Any, *, key: jax.Array | None = None) -> jax.Array:
        """Returns the tokens (or places) that the model puts out when it reads its own answer, int32[B, T].

        answer: bool[B, T], the positions whose output is the next input, as `batch.weights > 0`; elsewhere the given
        inputs are read. It takes the likeliest token, or with a `key` draws one. Rows end at the task's `end`, if it
        has one; what follows is 0. Raises ValueError for a model that cannot decode.
        """
        train = replaced(self.settings.train, decoding="greedy")
        if why := dict(fit.problems(replaced(self.settings, train=train))).get("decoding"):
            raise ValueError(f"decode: {why.split(';')[0]}")
        return self._decoding(self.params, self._checked(inputs), jnp.asarray(answer, bool), key)

    @functools.cached_property
    def _decoding(self) -> Callable[..., jax.Array]:
        def decoded(params: Any, inputs: jax.Array, answer: jax.Array, key: jax.Array | None) -> jax.Array:
            places = isinstance(self.settings.task.spec.head, Places)
            model, end = nnx.merge(self.graph, params), self.settings.task.end
            return decode(model, inputs, answer, end=end, key=key, places=places)

        return jax.jit(decoded)

    def examples(self, count: int, *, condition: str | None = None, seed: int = 0) -> Example:
        """Returns `count` examples of the task, a batch of NumPy arrays.

        condition: one of evaluation, or a split of the run's own task; by default the first condition. Example i
        depends on the seed and i alone. Raises ValueError for a name that is neither.
        """
        conditions = self.task.conditions()
        known = {split: (self.task, split) for split in self.task.splits} | dict(conditions)
        name = next(iter(conditions)) if condition is None else condition
        if name not in known:
            raise ValueError(f"condition: expected one of {', '.join(known)}, got {name!r}")
        task, split = known[name]
        draw = jax.jit(lane.draw, static_argnums=(1, 3))
        return jax.tree.map(np.asarray, draw(task, split, jax.random.key(seed), count))

    def scores(self, *, replace: Mapping[str, Replacement] | None = None, count: int = 0) -> dict[str, dict[str, Any]]:
        """Returns the scores by condition and name, on the examples of the run's own evaluations.

        replace: as in `run`; arrays must then broadcast to any batch. Answers are not decoded with it. count: examples
        a condition, by default as many as in the run.
        """
        training = self.settings.train
        training = replaced(training, eval_examples=count or training.eval_examples)
        training = replaced(training, decoding="none") if replace else training

        def score(params: Any, settings: Run) -> dict[str, dict[str, jax.Array]]:
            with patching(_patches(replace or {})):
                return lane.evaluate(params, settings)

        values = jax.jit(score)(self.params, replaced(self.settings, task=self.task, train=training))
        return {name: jax.tree.map(lambda x: x.tolist(), values[name]) for name in self.task.conditions()}

    def _checked(self, inputs: Any) -> jax.Array:
        """Returns inputs as an array of the task's kind. Raises ValueError for others, such as tokens there are not."""
        spec = self.settings.task.spec
        tokens = spec.vocabulary is not None
        array = jnp.asarray(inputs)
        shape = "[batch, positions]" if tokens else f"[batch, positions, {spec.width_in}]"
        right = array.ndim == 2 if tokens else array.ndim == 3 and array.shape[2] == spec.width_in
        if not right or jnp.issubdtype(array.dtype, jnp.integer) != tokens:
            kind = "whole numbers" if tokens else "numbers"
            raise ValueError(f"inputs: expected {kind} {shape}, got {array.dtype}{list(array.shape)}")
        if array.shape[1] > spec.length:
            raise ValueError(f"inputs: expected at most {spec.length} positions, got {array.shape[1]}")
        if tokens and not isinstance(array, Tracer) and array.size:
            low, high = int(array.min()), int(array.max())
            if low < 0 or high >= (spec.vocabulary or 0):
                wrong = low if low < 0 else high
                raise ValueError(f"inputs: expected tokens from 0 to {(spec.vocabulary or 0) - 1}, got {wrong}")
        return array.astype(jnp.int32 if tokens else jnp.float32)


def _patches(replace: Mapping[str, Replacement]) -> dict[str, Patch]:
    """Returns the function that puts each replacement in its activation's place."""
    return {name: new if callable(new) else functools.partial(_put, name, new) for name, new in replace.items()}


def _put(name: str, new: Any, old: jax.Array) -> jax.Array:
    new = jnp.asarray(new, old.dtype)
    try:
        return jnp.broadcast_to(new, old.shape)
    except ValueError:
        raise ValueError(f"{name}: {list(new.shape)} does not broadcast to {list(old.shape)}") from None
