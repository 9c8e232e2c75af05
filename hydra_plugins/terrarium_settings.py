"""Serves studies and their arms as Hydra's configuration groups: `study=markov/noop/cpu`, `tint/noise=dynamic_10`.

Hydra finds plugins by this folder's name. So the plugins are here, and `experiments` reads the files of settings.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from experiments import settings


class SettingsSource(FileConfigSource):
    """Serves the files of conf/; in place of those under conf/study it serves the studies and arms that they hold."""

    @functools.cached_property
    def studies(self) -> set[str]:
        """Returns the names of all studies at all scales, under study/."""
        return {f"study/{name}" for name in settings.studies()}

    @functools.cached_property
    def arms(self) -> settings.Arms:
        """Returns all arms, by group and name."""
        return settings.arms()

    def __deepcopy__(self, _: dict[int, Any]) -> SettingsSource:
        return self  # nothing changes it; Hydra copies all its sources for each composition

    @staticmethod
    def scheme() -> str:
        """Returns the name by which Hydra's search path asks for this source."""
        return "terrarium"

    def is_group(self, config_path: str) -> bool:
        """Returns whether `config_path` is a folder, a family, a study (its options are scales) or a group of arms."""
        path = config_path.strip("/")
        if path == "study" or path.startswith("study/"):
            return any(f"{name}/".startswith(f"{path}/") and name != path for name in self.studies)
        return super().is_group(path) or any(f"{group}/".startswith(f"{path}/") for group in self.arms)

    def is_config(self, config_path: str) -> bool:
        """Returns whether `config_path` is a file, a study at a scale, or an arm."""
        path = config_path.strip("/").removesuffix(".yaml")
        if path.startswith("study/"):
            return path in self.studies
        group, _, name = path.rpartition("/")
        return super().is_config(path) or name in self.arms.get(group, {})

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Returns the groups and options under `config_path`."""
        path = config_path.strip("/")
        names = [*self.studies, *(f"{group}/{name}" for group, options in self.arms.items() for name in options)]
        under = [name[len(path) :].strip("/") for name in names if f"{name}/".startswith(f"{path}/") or not path]
        entries = {
            name.partition("/")[0]
            for name in under
            if results_filter is None or ("/" in name) == (results_filter == ObjectType.GROUP)
        }
        if path.partition("/")[0] != "study" and super().is_group(path):
            entries |= set(super().list(path, results_filter))
        return sorted(entries)

    def load_config(self, config_path: str) -> ConfigResult:
        """Returns the file, study or arm at `config_path` as Hydra composes it."""
        path = config_path.strip("/").removesuffix(".yaml")
        group, _, name = path.rpartition("/")
        if path.startswith("study/"):
            return self._result(_study(path.removeprefix("study/")), "_global_")
        if name in self.arms.get(group, {}):
            return self._result(self.arms[group][name], None if group in settings.SECTIONS else "_global_")
        return super().load_config(path)

    def _result(self, values: settings.Settings, package: str | None) -> ConfigResult:
        return ConfigResult(self.provider, self.full_path(), OmegaConf.create(values), {"package": package})


def _study(name: str) -> settings.Settings:
    """Returns a study at a scale as a Hydra configuration: its own values, then its arms, and its choices last."""
    values = settings.read_study(name)
    choices, params = values.pop("choose"), values.pop("sweep")
    own = {g: option for g, option in choices.items() if g not in settings.SECTIONS and not g.startswith("hydra/")}
    defaults = ["_self_", *({f"/{group}": option} for group, option in own.items())]
    defaults += [{f"override /{group}": option} for group, option in choices.items() if group not in own]
    hydra = values.pop("hydra", {})
    sweeper = {**hydra.get("sweeper", {}), "params": params}
    if without := values.pop("without", None):
        sweeper["without"] = without
    return {"defaults": defaults, **values, "hydra": {**hydra, "sweeper": sweeper}}


class SettingsSearchPath(SearchPathPlugin):
    """Puts the source of settings in the place of Terrarium's folder of files. Other applications keep their paths."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Replaces the element of the search path that is conf/, and appends the user's own folder."""
        ours = [e for e in search_path.get_path() if e.path in (str(settings.CONF), f"file://{settings.CONF}")]
        for element in ours:
            element.path = f"{SettingsSource.scheme()}://{settings.CONF}"
        if ours and (folder := os.environ.get(settings.CONFIG_DIR)):
            search_path.append(settings.CONFIG_DIR, f"file://{folder}")
