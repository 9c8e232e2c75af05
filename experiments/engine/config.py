"""Turns Hydra overrides into jobs: the grid of a sweep, each job's run, and one-line errors that name each bad key."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import fields
import synthetic
from experiments import cells
from experiments.engine import compose
from experiments.engine.compose import Composed
from experiments.engine.explain import GROUPS, format_unknown
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
from experiments.engine.lane import Run
from experiments.engine.overrides import check_single, chooses, parse
from experiments.errors import ConfigError

_FEW = 20  # of the faults that a sweep has, how many are named


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
    base = compose.parts([str(o.input_line) for o in fixed])
    if not base.sweeper.endswith((".GridSweeper", ".BisectSweeper")):
        return []  # it decides on its jobs as it goes; the launcher checks them
    jobs = [list(job) for job in cells.kept(grid(base.params, overrides), base.without)]
    if not jobs:
        raise ConfigError("without: the study leaves out all of these jobs")
    return jobs


def grid(params: Mapping[str, Any], overrides: Sequence[str]) -> list[list[str]]:
    """Returns the overrides of each job of the grid of `params` and `overrides`. Raises ConfigError if that fails."""
    every = parse([f"{k}={v}" for k, v in params.items()] + list(overrides))
    with compose.entered():
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
                composed = compose.parts(overrides)
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
        copies[groups,] = compose.parts_by_arms(groups)
    keys = tuple(o.key_or_group for o in values)
    if (groups, keys) not in copies or any(isinstance(o.value(), dict) for o in values):
        copies[groups, keys] = replace(copies[groups,], config=copies[groups,].config.copy())
    return copies[groups, keys]


def _set(config: DictConfig, key: str, value: Any) -> None:
    try:
        OmegaConf.update(config, key, value, merge=True)
    except (OmegaConfBaseException, AssertionError):
        raise ConfigError(format_unknown(key, config)) from None


def job(config: DictConfig, overrides: Sequence[str] = ()) -> Job:
    """Returns the job of a composed configuration (with its `hydra` node), checked. Raises ConfigError."""
    return _job(compose.split(config), overrides)


def _job(composed: Composed, overrides: Sequence[str]) -> Job:
    try:
        plain: Any = OmegaConf.to_container(composed.config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as e:
        raise ConfigError(compose.format_refusal(e, overrides)) from None
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
