"""Parses Hydra overrides, and refuses those that cannot be, each in one line."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

from experiments.engine.explain import GROUPS
from experiments.engine.plugins import find_plugins
from experiments.errors import ConfigError

SEARCH_PATH = "hydra.searchpath"
# Options of Hydra that are refused here, with the reasons.
REFUSED = {
    "hydra.job.chdir": "each run has a folder of its own, below out; a process stays where it was started",
    "hydra.mode": "use -m for a sweep, and nothing for a single run",
}


def parse(overrides: Sequence[str]) -> list[Any]:
    """Returns the overrides as Hydra parses them. Raises ConfigError for words that are none."""
    return [_parsed(override) for override in overrides]


@functools.lru_cache(maxsize=10_000)  # the jobs of a sweep share most of their overrides
def _parsed(override: str) -> Any:
    read = OverridesParser.create().parse_override
    try:
        parsed = read(override)
        if parsed.key_or_group:
            return parsed
        raise HydraException("no key")
    except HydraException:
        key, equals, text = override.partition("=")
        if key and equals and text[:1] not in tuple("[{('\""):
            quoted = f'{key}="{text}"'
            with contextlib.suppress(HydraException):
                read(quoted)
                raise ConfigError(f"{override}: quotes are needed for these letters: '{quoted}'") from None
        raise ConfigError(f"{override}: not an override; write KEY=VALUE, a list as KEY=[1,2]") from None


def chooses(key: str) -> bool:
    """Returns whether a key is a configuration group (`model`), not a value, or says where Hydra finds the groups."""
    return key in GROUPS or "/" in key or key == SEARCH_PATH


def check_single(parsed: Sequence[Any]) -> None:
    """Raises ConfigError for an override with several values, and for one of Hydra's that is refused here."""
    for o in parsed:
        if o.is_sweep_override():
            text = o.input_line.partition("=")[2]
            raise ConfigError(f"{o.key_or_group}: {text} is a sweep: python -m experiments.run -m; here give one value")
        if o.key_or_group == SEARCH_PATH:
            _check_search_path(o.value())
        elif chooses(o.key_or_group) and not isinstance(o.value(), str | list | type(None)):
            raise ConfigError(f"{o.key_or_group}: expected the name of an option, got {o.value()!r}")
        if why := REFUSED.get(o.key_or_group):
            raise ConfigError(f"{o.key_or_group}: not used by this project: {why}")


def _check_search_path(elements: Any) -> None:
    """Raises ConfigError if these are no places of configuration, for which Hydra only warns."""
    if not isinstance(elements, list) or not all(isinstance(element, str) for element in elements):
        raise ConfigError(f"{SEARCH_PATH}: expected a list as [file://FOLDER,pkg://PACKAGE], got {elements!r}")
    find_plugins()  # among them the kinds of places
    for element in elements:
        scheme, _, path = element.rpartition("://")
        try:
            source = SourcesRegistry.instance().resolve(scheme or "file")(SEARCH_PATH, path)
        except ValueError:
            raise ConfigError(f"{SEARCH_PATH}: expected file:// or pkg://, got {element}") from None
        if not source.available():
            kind = f"package {path} with an __init__.py" if scheme == "pkg" else f"folder {path}"
            raise ConfigError(f"{SEARCH_PATH}: there is no {kind}")


def swept_keys(overrides: Sequence[str]) -> list[str]:
    """Returns the keys to which the overrides give several values."""
    return [o.key_or_group for o in parse(overrides) if o.is_sweep_override()]


def search_path(config: DictConfig) -> list[str]:
    """Returns the override of Hydra's search path in a command, if any, which Hydra keeps from launchers' jobs."""
    return [o for o in config.hydra.overrides.hydra if o.startswith(f"{SEARCH_PATH}=")]
