"""Turns Hydra overrides into jobs: composition, the schema that follows from declarations, and one-line errors.

Task, model and optimiser are declared once in code (see `fields`). This module makes Hydra config nodes of their
defaults, so every field is an override. Composed values become a `Run`, or a `ConfigError` that names each bad key.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

import fields
import synthetic
from experiments import cells, settings
from experiments.engine.explain import GROUPS, format_error, format_unknown
from experiments.engine.job import (
    NAMED,
    NOT_IDENTITY,
    SECTIONS,
    Job,
    build,
    parts_kept,
    registries,
    start_of,
    starts_alike,
)
from experiments.engine.lane import Run, Training
from experiments.engine.overrides import REFUSED, SEARCH_PATH, check_single, chooses, parse
from experiments.engine.plugins import find_plugins
from experiments.errors import ConfigError

_GRID = {
    "_target_": "hydra_plugins.terrarium_sweeper.GridSweeper",
    "max_batch_size": None,  # jobs that the launcher is given at a time; null: all
    "params": None,  # key to its values, with commas between: the grid
    "without": [],  # cells of the grid that are left out, each as key to value or values
}
_FEW = 20  # of the faults that a sweep has, how many are named


_STORED: dict[tuple[str, str], type] = {}  # what Hydra's store has, by group and name


def register() -> None:
    """Stores the declarations in code as Hydra config nodes, and the resolvers that configurations may use."""
    store = ConfigStore.instance()
    try:
        known = registries()
    except (ImportError, AttributeError, ValueError) as e:
        raise ConfigError(f"task: {str(e).splitlines()[0]}") from None
    for group, classes in known.items():
        for name, cls in classes.items():
            if _STORED.get((group, name)) is not cls:
                store.store(group=group, name=name, node={NAMED[group]: name, **fields.defaults(cls)})
                _STORED[group, name] = cls
    find_plugins()  # among them Hydra's own sweeper, which would else take the place of ours later
    store.store(group="hydra/sweeper", name="basic", node=_GRID)
    store.store(group="train", name="base", node=fields.defaults(Training))
    OmegaConf.register_new_resolver("floordiv", _floordiv, replace=True)


def _floordiv(a: Any, b: Any) -> Any:
    """Returns a // b, or b itself if it is no number; the field that it is for then refuses it."""
    try:
        return int(a) // max(int(b), 1)
    except (TypeError, ValueError):
        return b


def use_config_dir(folder: str | None) -> None:
    """Lets files of a user's own folder be chosen, as by Hydra's --config-dir; processes started from here do too."""
    if folder is not None:
        if not Path(folder).is_dir():
            raise ConfigError(f"--config-dir: {folder} is not a folder")
        os.environ[settings.CONFIG_DIR] = str(Path(folder).absolute())


@contextmanager
def _hydra() -> Iterator[None]:
    """Enters Hydra: the one inside a running command, or a fresh one over `conf/`."""
    register()
    own = os.environ.get(settings.CONFIG_DIR)
    if own and not Path(own).is_dir():
        raise ConfigError(f"{settings.CONFIG_DIR}: {own} is not a folder")
    if GlobalHydra.instance().is_initialized():
        yield
        return
    with initialize_config_dir(str(settings.CONF), version_base="1.3", job_name="run"):
        yield


def _compose(overrides: Sequence[str]) -> DictConfig:
    return hydra_compose("config", overrides=[*overrides], return_hydra_config=True)


def compose(overrides: Sequence[str]) -> DictConfig:
    """Returns the composed configuration with its `hydra` node. Raises ConfigError, one line, if that fails."""
    check_single(parse(overrides))
    with _hydra():
        try:
            return _compose(overrides)
        except yaml.YAMLError as e:
            raise ConfigError(" ".join(str(e).split())) from None
        except (HydraException, OmegaConfBaseException, ValueError, AssertionError) as e:
            raise ConfigError(_format_error(e, overrides)) from None


def _format_error(error: Exception, overrides: Sequence[str]) -> str:
    """Formats an error of Hydra or OmegaConf in one line."""
    return format_error(error, lambda group: options(group, overrides), lambda: _plain_base(overrides))


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Returns the overrides of each job of a multirun's grid, in the order of Hydra's basic sweeper.

    `hydra/sweeper=basic` launches them all, `bisect` launches some. The list is empty for other sweepers.
    """
    fixed = [o for o in parse(overrides) if not o.is_sweep_override()]
    for o in parse(overrides):
        if o.is_sweep_override() and o.key_or_group == "study":
            raise ConfigError(
                "study: sweep one study at a time, each has launcher and sweep of its own; run them in turn"
            )
        if o.is_sweep_override() and o.key_or_group == "name":
            raise ConfigError("name: give one, which is that of the whole sweep")
    base = parts([str(o.input_line) for o in fixed])
    if not base.sweeper.endswith((".GridSweeper", ".BisectSweeper")):
        return []  # it decides on its jobs as it goes; the launcher checks them
    jobs = [list(job) for job in cells.kept(grid(base.params, overrides), base.without)]
    if not jobs:
        raise ConfigError("without: the study leaves out all of these jobs")
    return jobs


def grid(params: Mapping[str, Any], overrides: Sequence[str]) -> list[list[str]]:
    """Returns the overrides of each job of the grid of `params` and `overrides`. Raises ConfigError if that fails."""
    every = parse([f"{k}={v}" for k, v in params.items()] + list(overrides))
    with _hydra():
        try:
            every = [dataclasses.replace(o, config_loader=GlobalHydra.instance().config_loader()) for o in every]
            for o in every:
                if o.is_sweep_override() and not o.is_interval_sweep() and not list(o.sweep_string_iterator()):
                    raise ConfigError(f"{o.key_or_group}: {o.input_line.partition('=')[2]} has no value to sweep over")
            jobs = BasicSweeper.split_arguments(every, None)[0]
        except HydraException as e:
            raise ConfigError(" ".join(str(e).split())) from None
    if not jobs:
        raise ConfigError("a sweep over no value: no job is left")
    return jobs


# A command checks its jobs before Hydra starts, and its launcher asks for the same again.
_MADE: dict[tuple[str, ...], Job] = {}


def jobs(batch: Sequence[Sequence[str]]) -> list[Job]:
    """Returns the job of each list of overrides. Raises one ConfigError with all their faults, each fault once.

    Hydra composes anew only if configuration groups differ. Values alone are set on a composed copy, so that a
    thousand jobs are read in seconds.
    """
    copies: dict[tuple[Any, ...], Composed] = {}
    checked: list[Job] = []
    faults: dict[str, list[Sequence[str]]] = {}  # the jobs that have each
    for overrides in batch:
        if (made := _MADE.get(tuple(overrides))) is not None:
            checked.append(made)
            continue
        try:
            parsed = parse(overrides)
            check_single(parsed)
            groups = tuple(str(o.input_line) for o in parsed if chooses(o.key_or_group))
            values = [o for o in parsed if not chooses(o.key_or_group)]
            plain = all(o.is_add() is False and o.is_delete() is False and o.is_force_add() is False for o in values)
            if not plain:
                composed = parts(overrides)
            else:
                composed = _copied(copies, groups, values)
                for o in values:
                    if not o.key_or_group.startswith("hydra."):
                        _set(composed.config, o.key_or_group, o.value())
            checked.append(_MADE.setdefault(tuple(overrides), _job(composed, overrides)))
        except ConfigError as e:
            for line in e.lines:
                faults.setdefault(line, []).append(overrides)
    if faults:
        lines = [_where(jobs, len(batch)) + line for line, jobs in list(faults.items())[:_FEW]]
        raise ConfigError(*lines, *([f"and {len(faults) - _FEW} more faults"] if len(faults) > _FEW else []))
    return checked


def _where(jobs: Sequence[Sequence[str]], number: int) -> str:
    """Names the job of a sweep of `number` jobs that has a fault: the first, and how many more."""
    if number == 1:
        return ""
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"job {','.join(jobs[0])}{more}: "


def _copied(copies: dict[tuple[Any, ...], Composed], groups: tuple[str, ...], values: Sequence[Any]) -> Composed:
    """Returns a composed configuration of `groups` in which `values` can be set.

    Jobs that set the same keys share a copy, as each sets all of them anew. A dictionary needs a fresh copy: it would
    be merged with the one of the job before.
    """
    if (groups,) not in copies:
        copies[groups,] = _composed_by_arms(groups)
    keys = tuple(o.key_or_group for o in values)
    if (groups, keys) not in copies or any(isinstance(o.value(), dict) for o in values):
        copies[groups, keys] = replace(copies[groups,], config=copies[groups,].config.copy())
    return copies[groups, keys]


def _set(config: DictConfig, key: str, value: Any) -> None:
    try:
        OmegaConf.update(config, key, value, merge=True)
    except (OmegaConfBaseException, AssertionError):
        raise ConfigError(format_unknown(key, config)) from None


@dataclass(frozen=True)
class Composed:
    """A composed configuration without its large `hydra` node, that node, and the few values that jobs need from it."""

    config: DictConfig
    hydra: DictConfig = field(compare=False)
    choices: dict[str, Any]
    sweeper: str  # its class
    params: dict[str, Any]  # the sweeper's grid
    without: list[dict[str, Any]]  # the cells that the grid leaves out


_COMPOSED: dict[tuple[Any, ...], Composed] = {}


def parts(overrides: Sequence[str]) -> Composed:
    """Returns the parts of `compose`'s configuration, composed once a process. Callers change nothing in it."""
    key = (settings.CONF, os.environ.get(settings.CONFIG_DIR), tuple(overrides))
    if key not in _COMPOSED:
        _COMPOSED[key] = _split(compose(overrides))
    return _COMPOSED[key]


def _composed_by_arms(groups: Sequence[str]) -> Composed:
    """Returns the same as `parts`; if only a study and arms of it are chosen, it composes the study alone.

    Hydra takes as long for each combination of arms as for the study. Merging the arms in the same order takes no time.
    """
    chosen = dict(group.split("=", 1) for group in groups if "=" in group)
    if "study" not in chosen or len(chosen) < len(groups):
        return parts(groups)
    if chosen["study"] not in settings.studies():
        return parts(groups)  # a plain file of the user's own
    known, choices = settings.arms(), settings.read_study(chosen["study"])["choose"]
    swept = {group: name for group, name in choices.items() if group in known and group not in SECTIONS}
    named = swept | {group: name for group, name in chosen.items() if group in swept}
    plain = all(name in known[group] and "defaults" not in known[group][name] for group, name in named.items())
    if not plain or not set(chosen) & set(swept):
        return parts(groups)
    others = [f"{group}={name}" for group, name in chosen.items() if group not in swept]
    base = parts([*others, *(f"~{group}" for group in swept)])
    config = base.config.copy()
    with open_dict(config):
        config.merge_with(*(known[group][name] for group, name in named.items()))
    return replace(base, config=config, choices=base.choices | named)


def _split(config: DictConfig) -> Composed:
    hydra = config.hydra
    if hydra.job.get("chdir"):
        raise ConfigError(f"hydra.job.chdir: not used by this project: {REFUSED['hydra.job.chdir']}")
    with open_dict(config):
        config.pop("hydra")
    sweeper = hydra.sweeper
    without: Any = OmegaConf.to_container(OmegaConf.create([*(sweeper.get("without") or [])]))
    params = dict(sweeper.get("params") or {})
    return Composed(config, hydra, dict(hydra.runtime.choices), sweeper["_target_"], params, without)


def job(config: DictConfig, overrides: Sequence[str] = ()) -> Job:
    """Returns the job of a composed configuration (with its `hydra` node), checked. Raises ConfigError."""
    return _job(_split(config.copy()), overrides)


def _job(composed: Composed, overrides: Sequence[str]) -> Job:
    try:
        plain: Any = OmegaConf.to_container(composed.config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as e:
        raise ConfigError(_format_error(e, overrides)) from None
    if "study" in plain:
        raise ConfigError(
            f"study: {composed.choices.get('study')} sets nothing of a run: a file of one's own begins with "
            "# @package _global_; a study with scales and a claim needs an entry point (docs/adding_a_study.md)"
        )
    _drop_seed(plain, overrides)
    for key, equals, text in (o.partition("=") for o in overrides):  # a folder may have a name that reads as a number
        if equals and key in ("out", "name") and isinstance(plain.get(key), int | float):
            plain[key] = text
    _check_named(plain, composed.choices)
    run = _built(plain)
    start = _before(run, plain, composed.choices.get("study"))
    own = dict(o.split("=", 1) for o in overrides if "=" in o and o.split("=", 1)[0].lstrip("+~") not in GROUPS)
    shown = {k.lstrip("+"): v for k, v in sorted(own.items()) if re.split("[./]", k)[0] not in (*NOT_IDENTITY, "hydra")}
    label = re.sub(r"[^\w.,=+-]", "_", ",".join(f"{k}={v}" for k, v in shown.items()))[:120]
    choices = composed.choices
    swept = {k: choices[k] if k in choices else _get(plain, k) for k in composed.params if k != "seed"}
    return Job(run, plain, tuple(overrides), choices.get("study"), label, swept, start)


def _before(run: Run, plain: dict[str, Any], study: str | None) -> Job | None:
    """Returns the job that a run starts from, with the one that that starts from and so on; None if there is none."""
    before = start_of(plain)
    if before is None:
        if run.task.from_model:
            raise ConfigError(
                f"start_from: task={plain['task']['name']} is made by the model of a run before; got null"
            )
        return None
    try:
        first = _built(before)
        start = Job(first, before, study=study, label="start", start=_before(first, before, study))
    except ConfigError as e:
        raise ConfigError(*(f"start_from.{line}" for line in e.lines)) from None
    if not plain["start_from"].get("fresh"):
        starts_alike(run, first, parts_kept(plain))
    elif not run.task.from_model:
        raise ConfigError(f"start_from.fresh: must be false with task={plain['task']['name']}, made by no model")
    return start


def _check_named(plain: dict[str, Any], choices: Mapping[str, Any]) -> None:
    """Raises ConfigError if a value names another class than the option that is chosen, whose values would stay."""
    for section, known in registries().items():
        chosen, named = choices.get(section), plain[section].get(NAMED[section])
        if named != chosen and {named, chosen} <= set(known):
            why = f"{named} would get the values of {chosen}; choose {section}={named}"
            raise ConfigError(f"{section}.{NAMED[section]}: {why}, in a settings file choose: {{{section}: {named}}}")


def _built(plain: dict[str, Any]) -> Run:
    """Returns the run of a plain configuration, and puts the checked values into that: 100 and 1e2 are one run."""
    run = build(plain)
    for section in SECTIONS:
        plain[section] = plain[section] | fields.plain_values(getattr(run, section))
    return run


def _drop_seed(plain: dict[str, Any], overrides: Sequence[str]) -> None:
    """Removes the data seed of conf/config.yaml if the task has none and no override sets it."""
    cls = synthetic.registry().get(plain["task"].get("name"))
    if cls and "seed" not in fields.declared(cls) and not any(o.startswith("task.seed=") for o in overrides):
        plain["task"].pop("seed", None)


def _get(config: dict[str, Any], key: str) -> Any:
    """Returns the value at a dotted key."""
    for name in key.split("."):
        config = config[name]
    return config


def options(group: str, overrides: Sequence[str] = ()) -> list[str]:
    """Returns the names that a configuration group offers, with those of the search path in `overrides`."""
    path = [o for o in overrides if o.startswith(f"{SEARCH_PATH}=")]
    with _hydra():
        loader = GlobalHydra.instance().config_loader()
        return sorted(set(loader.get_group_options(group, config_name="config", overrides=path)) - {"base"})


def _plain_base(overrides: Sequence[str]) -> DictConfig:
    """Returns the configuration with only its groups chosen; its keys are those that an error can name."""
    groups = [o for o in overrides if "=" in o and chooses(o.split("=", 1)[0])]
    with _hydra():
        try:
            return _compose(groups)
        except (HydraException, OmegaConfBaseException):
            return _compose([])
