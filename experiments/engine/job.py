"""One run to do: its checked configuration, its identity, and the folder of its records."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
from flax import nnx

import fields
import models
import synthetic
from experiments.engine import fit, rules
from experiments.engine.lane import Run, shapes_of
from experiments.engine.training import Training
from experiments.errors import ConfigError
from experiments.files import check_writable

SECTIONS = ("task", "model", "optim", "train")
# The sections whose fields are those of a class, and the key that names the class.
NAMED = {"task": "name", "model": "name", "optim": "rule"}
_OF_START = ("fresh", "only", "start_from")  # beside the sections of `start_from`
# Keys that do not change a result, or by rounding alone, are not part of a run's identity.
NOT_IDENTITY = ("out", "name", "wandb", "tensorboard", "retry")
NOT_IDENTITY_OF = {"train": ("microbatch", "objective"), "model": ("remat",)}
_FOLDER = re.compile(r"[\w+-][\w.+-]{0,99}")  # what a sweep may be named
WANDB_MODES = ("disabled", "offline", "online")


@dataclass(frozen=True)
class Job:
    """Holds one run to do: its pytree for the engine, the resolved configuration, and the folder of its records."""

    run: Run
    config: dict[str, Any]
    overrides: tuple[str, ...] = ()
    study: str | None = None
    label: str = ""
    swept: dict[str, Any] = field(default_factory=dict)
    start: Job | None = None  # the run whose last parameters are this one's first

    @property
    def id(self) -> str:
        """Returns ten hex digits of the configuration without the keys that do not change a result.

        They are equal for equal runs, whatever their names. A silent field counts where it has not its default.
        """
        same = {k: v for k, v in self.config.items() if k not in (*NOT_IDENTITY, "start_from")}
        for section in SECTIONS:
            left_out = {
                *NOT_IDENTITY_OF.get(section, ()),
                *fields.silent(type(getattr(self.run, section)), same[section]),
            }
            same[section] = {k: v for k, v in same[section].items() if k not in left_out}
        if self.start:
            same["start"] = self.start.id
        if self.fresh:
            same["fresh"] = True
        if self.only:
            same["only"] = sorted(self.only)
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:10]

    @property
    def fresh(self) -> bool:
        """Returns whether the first parameters are the run's own, and the run before only makes the task's sets."""
        return bool((self.config.get("start_from") or {}).get("fresh"))

    @property
    def only(self) -> tuple[str, ...]:
        """Returns the parts of the model whose first parameters are of the run before; none means all parts."""
        return parts_kept(self.config)

    @functools.cached_property
    def folder(self) -> Path:
        """Returns the folder of this run's records: `<out>/<study>/<overrides>-<id>`.

        A sweep's name takes the place of the study's; without either it is `single`. A folder that is there under
        other overrides is recognised by the id.
        """
        above = Path(self.config["out"]) / (self.config.get("name") or self.study or "single")
        return next(above.glob(f"*-{self.id}"), above / f"{self.label or self.config['task']['name']}-{self.id}")


def start_of(config: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the configuration of the run that this one starts from, None if there is none.

    It is this run's own configuration with the values of `start_from` put in, and starts from a run itself if there is
    a `start_from` among them. Raises ConfigError for a key that is no section with values, nor that, `fresh` or `only`.
    """
    changes = config.get("start_from")
    if changes is None:
        return None
    allowed = ", ".join(SECTIONS)
    sections = {k: v for k, v in changes.items() if k not in _OF_START} if isinstance(changes, dict) else {"": changes}
    if not all(k in SECTIONS and isinstance(v, dict) for k, v in sections.items()):
        also = "beside them fresh, only and a start_from of its own"
        raise ConfigError(f"start_from: expected null or values of {allowed}, by section, got {changes!r}; {also}")
    if not isinstance(fresh := changes.get("fresh", False), bool):
        raise ConfigError(f"start_from.fresh: expected true or false, got {fresh!r}")
    only = changes.get("only")
    if only is not None and not (isinstance(only, str) and only):
        raise ConfigError(f"start_from.only: expected null or parts of the model, as blocks+norm, got {only!r}")
    if only and fresh:
        raise ConfigError(f"start_from.only: must be null with start_from.fresh, which keeps no part, got {only}")
    start = {k: _changed(k, v, sections[k]) if k in sections else v for k, v in config.items()}
    return start | {"start_from": changes.get("start_from")}


def parts_kept(config: dict[str, Any]) -> tuple[str, ...]:
    """Returns the parts of the model that `start_from.only` names; none means all parts."""
    only = (config.get("start_from") or {}).get("only")
    return tuple(part.strip() for part in only.split("+")) if only else ()


def _changed(section: str, values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a section with some changed; those of another class begin from its defaults."""
    key = NAMED.get(section, "")
    if (name := changes.get(key, values.get(key))) == values.get(key):
        return {**values, **changes}
    cls = registries()[section].get(str(name))
    return {k: values[k] for k in ("seed",) if k in values and cls and k in fields.declared(cls)} | changes


def starts_alike(run: Run, start: Run, only: Sequence[str] = ()) -> None:
    """Raises ConfigError if the parameters of `start` do not fit `run`, before anything is compiled.

    only: the parts that have to fit, if not all. Blocks that are frozen fit those that were trained.
    """
    if (run.model, run.task.spec) == (start.model, start.task.spec) and not only:
        return  # nearly all runs, without the cost of tracing a large model
    own, other = (_shapes(r) for r in (run, start))
    parts = list(dict.fromkeys(name.partition(".")[0] for name in own))
    if strange := [part for part in only if part not in parts]:
        raise ConfigError(f"start_from.only: the model has the parts {', '.join(parts)}, got {strange[0]}")
    if parts_of(own, only) != parts_of(other, only):
        if only:
            raise ConfigError(f"start_from: its model has other shapes in {', '.join(only)}")
        a, b = run.task.spec, start.task.spec
        differ = [f"{k} {getattr(a, k)} against {getattr(b, k)}" for k in vars(a) if getattr(a, k) != getattr(b, k)]
        raise ConfigError(f"start_from: its model has other shapes: {', '.join(differ) or 'another model section'}")


def parts_of(named: Mapping[str, Any], only: Sequence[str]) -> dict[str, Any]:
    """Returns the entries whose names are of the parts `only`, or all entries if there are none."""
    return {name: value for name, value in named.items() if not only or name.partition(".")[0] in only}


def parameter_name(path: Any) -> str:
    """Returns the plain name of an array in a state: blocks.0.mlp.inner.kernel."""
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")


def _shapes(run: Run) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each parameter of a run's model by its name."""
    params = jax.eval_shape(lambda: nnx.split(run.build(jax.random.key(0)))[1])
    return {parameter_name(path): leaf.shape for path, leaf in jax.tree.leaves_with_path(params)}


def headline(job: Job) -> str:
    """Returns the most telling condition of a run: the task's own choice, or its last condition."""
    return job.run.task.headline or list(job.run.task.conditions())[-1]


def registries() -> dict[str, dict[str, Any]]:
    """Returns the classes that each section of `NAMED` may name."""
    return {"task": synthetic.registry(), "model": models.registry(), "optim": rules.registry()}


def build(config: dict[str, Any]) -> Run:
    """Returns the `Run` of a plain configuration. Raises ConfigError with a line for every bad key."""
    expected = (*SECTIONS, "seed", "start_from", *NOT_IDENTITY)
    errors = [f"{key}: {fields.unknown(key, dict.fromkeys(expected))}" for key in config if key not in expected]
    classes: dict[str, Any] = {"train": Training}
    for section, known in registries().items():
        name = (config.get(section) or {}).get(NAMED[section])
        if not isinstance(name, str) or name not in known:
            allowed = f"unknown {section} {name!r}; allowed: {', '.join(known)}"
            errors.append(f"{section}.{NAMED[section]}: {allowed}")
        else:
            classes[section] = known[name]
    parts: dict[str, Any] = {}
    for section, cls in classes.items():
        values = {k: v for k, v in (config.get(section) or {}).items() if k != NAMED.get(section)}
        parts[section], wrong = fields.check(values, cls, section)
        errors += wrong
    seed: Any = config.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= fields.INT32_MAX:
        if config["task"].get("seed") == seed:  # it follows the run's
            errors = [line for line in errors if not line.startswith("task.seed: ")]
        errors.append(f"seed: expected an integer from 0 to {fields.INT32_MAX}, got {seed!r}")
    out: Any = config.get("out")
    if not isinstance(out, str) or not out:
        errors.append(f"out: expected a folder, got {out!r}")
    name: Any = config.get("name")
    if name is not None and not (isinstance(name, str) and _FOLDER.fullmatch(name)):
        errors.append(f"name: expected the name of a folder, of letters, digits and . _ + -, got {name!r}")
    errors += _check_wandb(config.get("wandb"))
    if not isinstance(config.get("tensorboard", False), bool):
        errors.append(f"tensorboard: expected true or false, got {config['tensorboard']!r}")
    if not isinstance(config.get("retry"), bool):
        errors.append(f"retry: expected true or false, got {config.get('retry')!r}")
    if not errors:
        misfits = parts["model"].misfits(shapes_of(parts["task"].spec))
        errors = [f"model.{key}: {message}" for key, message in misfits]
        if parts["task"].headline not in ("", *(conditions := parts["task"].conditions())):
            why = f"the headline {parts['task'].headline} of {config['task']['name']} is none of its conditions"
            errors.append(f"task.name: {why}: {', '.join(conditions)}")
        order, batch = parts["train"].order, parts["train"].batch_size
        by_item = {f"order: {order}": order != "drawn", "eval_items: true": parts["train"].eval_items}
        size = int(parts["task"].size) if any(by_item.values()) else 1
        if not 0 < size <= 2**30:
            why = f"{size} items" if size else "no finite training set as it is set"
            has = f"needs a set of 1 to 2^30 items; task={config['task']['name']} has {why}"
            errors += [f"train.{key} {has}" for key, chosen in by_item.items() if chosen]
        elif order == "whole" and batch < size:
            errors.append(f"train.batch_size: must be at least {size}, the size of the set, with train.order = whole")
    if errors:
        raise ConfigError(*errors)
    run = Run(**parts, seed=seed)
    if errors := [f"train.{key}: {message}" for key, message in fit.problems(run)]:
        raise ConfigError(*errors)
    return run


def check_output(jobs: Sequence[Job]) -> None:
    """Raises ConfigError if the runs cannot be written to their folder, or not for TensorBoard. Makes no folder."""
    if any(job.config.get("tensorboard") for job in jobs) and not find_spec("tensorboardX"):
        raise ConfigError("tensorboard: true needs the package tensorboardX: .venv/bin/pip install tensorboardX")
    for out in dict.fromkeys(job.config["out"] for job in jobs):
        try:
            check_writable(Path(out) / "run")
        except OSError as e:
            raise ConfigError(f"out: cannot write to {out}: {e.strerror}") from None


def _check_wandb(wandb: Any) -> list[str]:
    known: dict[str, None] = dict.fromkeys(("mode", "project", "entity", "group"))
    if not isinstance(wandb, dict):
        return [f"wandb: expected the keys {', '.join(known)}, got {wandb!r}"]
    errors = [f"wandb.{k}: {fields.unknown(k, known)}" for k in wandb if k not in known]
    if wandb.get("mode") not in WANDB_MODES:
        errors.append(f"wandb.mode: expected one of {', '.join(WANDB_MODES)}, got {wandb.get('mode')!r}")
    return errors
