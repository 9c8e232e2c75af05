"""Composes configurations by Hydra, from overrides and from the schema that declarations in code make.

Task, model and optimiser are declared once in code (see `fields`). This module makes Hydra config nodes of their
defaults, so every field is an override. It raises a `ConfigError` of one line for what Hydra or OmegaConf refuse.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

import fields
from experiments import settings
from experiments.engine.explain import format_error
from experiments.engine.job import NAMED, SECTIONS, registries
from experiments.engine.overrides import REFUSED, SEARCH_PATH, check_single, chooses, parse
from experiments.engine.plugins import find_plugins
from experiments.engine.training import Training
from experiments.errors import ConfigError

_GRID = {
    "_target_": "hydra_plugins.terrarium_sweeper.GridSweeper",
    "max_batch_size": None,  # jobs that the launcher is given at a time; null: all
    "params": None,  # key to its values, with commas between: the grid
    "without": [],  # cells of the grid that are left out, each as key to value or values
}


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
def entered() -> Iterator[None]:
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
    with entered():
        try:
            return _compose(overrides)
        except yaml.YAMLError as e:
            raise ConfigError(" ".join(str(e).split())) from None
        except (HydraException, OmegaConfBaseException, ValueError, AssertionError) as e:
            raise ConfigError(format_refusal(e, overrides)) from None


def format_refusal(error: Exception, overrides: Sequence[str]) -> str:
    """Formats an error of Hydra or OmegaConf in one line."""
    return format_error(error, lambda group: options(group, overrides), lambda: _plain_base(overrides))


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
        _COMPOSED[key] = split(compose(overrides))
    return _COMPOSED[key]


def parts_by_arms(groups: Sequence[str]) -> Composed:
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


def split(config: DictConfig) -> Composed:
    """Returns the parts of a composed configuration, which stays as it is. Raises ConfigError."""
    hydra = config.hydra  # still a part of `config`, whose other values it may refer to
    if hydra.job.get("chdir"):
        raise ConfigError(f"hydra.job.chdir: not used by this project: {REFUSED['hydra.job.chdir']}")
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    OmegaConf.set_struct(own, value=True)
    sweeper = hydra.sweeper
    without: Any = OmegaConf.to_container(OmegaConf.create([*(sweeper.get("without") or [])]))
    params = dict(sweeper.get("params") or {})
    return Composed(own, hydra, dict(hydra.runtime.choices), sweeper["_target_"], params, without)


def options(group: str, overrides: Sequence[str] = ()) -> list[str]:
    """Returns the names that a configuration group offers, with those of the search path in `overrides`."""
    path = [o for o in overrides if o.startswith(f"{SEARCH_PATH}=")]
    with entered():
        loader = GlobalHydra.instance().config_loader()
        return sorted(set(loader.get_group_options(group, config_name="config", overrides=path)) - {"base"})


def _plain_base(overrides: Sequence[str]) -> DictConfig:
    """Returns the configuration with only its groups chosen; its keys are those that an error can name."""
    groups = [o for o in overrides if "=" in o and chooses(o.split("=", 1)[0])]
    with entered():
        try:
            return _compose(groups)
        except (HydraException, OmegaConfBaseException):
            return _compose([])
