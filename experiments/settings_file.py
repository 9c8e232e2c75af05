"""Reads and checks one file of settings, with one-line errors."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from experiments.errors import ConfigError

SCALES = ("smoke", "cpu", "gpu", "paper")
SECTIONS = ("task", "model", "optim", "train")
KEYS = ("choose", "sweep", "without", *SECTIONS, "start_from", "hydra")  # of a scale; also at a file's top
LOOKS = ("first", "then")  # of the seeds, where a study may be looked at twice
_ROOT = Path(__file__).resolve().parents[1]


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the values of a settings file, checked. Raises ConfigError, one line that names file and line."""
    try:
        return _parsed(path, path.read_text())
    except OSError as error:
        raise ConfigError(f"{format_path(path)}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{format_path(path)}: {error}") from None


@functools.cache  # by its text, so that a file that changes is read again
def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        values = _loaded(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{format_path(path)}:{_line(error)}: {_format_problem(error)}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{format_path(path)}: {' '.join(str(error).split())}") from None
    _check_keys(values, (*KEYS, "arms", *SCALES), format_path(path))
    _check_sweep(values, format_path(path))
    for scale in SCALES:
        if scale in values:
            _check_keys(values[scale], KEYS, f"{format_path(path)}: {scale}")
            _check_sweep(values[scale], f"{format_path(path)}: {scale}")
    for group, options in values.get("arms", {}).items():
        if not isinstance(options, dict) or not all(isinstance(body, dict) for body in options.values()):
            raise ConfigError(f"{format_path(path)}: arms.{group}: expected names with what each sets, got {options!r}")
    return values


def _check_keys(values: Any, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected keys with values, got {values!r}; allowed: {', '.join(allowed)}")
    for key, value in values.items():
        if key not in allowed:
            raise ConfigError(f"{where}: unknown key {key}{near(str(key), allowed)}; allowed: {', '.join(allowed)}")
        if not isinstance(value, dict) and key != "without":  # which is checked beside what is swept
            raise ConfigError(f"{where}: {key}: expected keys with values, got {value!r}")


def _check_sweep(values: dict[str, Any], where: str) -> None:
    """Raises ConfigError for a swept key with keys of its own, unless these are the seeds of two looks."""
    for key, words in values.get("sweep", {}).items():
        if not isinstance(words, dict):
            continue
        place = f"{where}: sweep.{key}"
        if key != "seed":
            raise ConfigError(f"{place}: expected a list of values, got {words!r}")
        if [*words] != [*LOOKS]:
            raise ConfigError(f"{place}: expected the keys {' and '.join(LOOKS)}, got {', '.join(map(str, words))}")
        for look, seeds in words.items():
            whole = isinstance(seeds, list) and all(type(seed) is int and seed >= 0 for seed in seeds)
            if not (whole and seeds and len({*seeds}) == len(seeds)):
                raise ConfigError(
                    f"{place}.{look}: expected a list of different whole numbers from 0 on, got {seeds!r}"
                )
        if twice := [seed for seed in words["then"] if seed in words["first"]]:
            raise ConfigError(f"{place}: seed {twice[0]} is in both looks; a second look needs seeds of its own")


def _line(error: yaml.MarkedYAMLError) -> int:
    mark = error.context_mark if "flow" in (error.context or "") else error.problem_mark
    return mark.line + 1 if mark else 1


def _format_problem(error: yaml.MarkedYAMLError) -> str:
    if "\\t" in (error.problem or ""):
        return "a tab; indent with spaces"
    if "flow" in (error.context or ""):
        opened = "[" if "sequence" in (error.context or "") else "{"
        return f"the {opened} that is opened here is not closed"
    return " ".join(f"{error.context or ''} {error.problem}".split())


def near(word: str, known: Sequence[str], then: str = "") -> str:
    """Formats " (did you mean ...?)" with the nearest of `known` and `then`, or nothing if none is near."""
    nearest = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {nearest[0]}{then}?)" if nearest else ""


def format_path(path: Path) -> str:
    """Formats a path for a message: from the root of the checkout if it is inside."""
    return str(path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path)


class _Rules:
    """Makes of a loader one without double keys, in which 1e-4 is a number, as it is in an override."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Returns the mapping; raises if it holds a key twice."""
        keys: set[str] = set()
        for key, _ in node.value:
            if key.value in keys:
                raise yaml.MarkedYAMLError(None, None, f"{key.value} is there twice", key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)  # type: ignore[misc]  # of the loader


class _Loader(_Rules, yaml.SafeLoader):
    """Loads YAML in Python, slowly, with errors that say what is wrong."""


# The types' stubs have no loader in C.
_Compiled: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Fast(_Rules, _Compiled):
    """Loads YAML in C, where it is compiled in: a study's start reads the settings of all."""


for _loader in (_Loader, _Fast):
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
    )


def _loaded(text: str) -> Any:
    try:
        return yaml.load(text, _Fast)
    except yaml.YAMLError:
        return yaml.load(text, _Loader)
