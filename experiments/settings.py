"""Reads studies' settings: one YAML file a study holds the values that its scales share and those of each scale.

The top of a settings file holds the values of all scales of the study; below it stands one block for each scale:

    choose: {task: markov}               # configuration groups, and which option of each
    task: {alphabet: 16}                 # values, by section
    sweep: {task.num_rules: [30, 1000]}  # keys and the values of their grid; seed varies fastest
    without: [{task.num_rules: 30}]      # cells of the grid that are left out (see `experiments.cells`)
    arms: {tint/noise: {clean: {task: {characters: 0.0}}}}    # named bundles of values, which `choose` and `sweep` name
    cpu: {...}                           # the same keys, for this scale alone

Seeds are a list, or those of two looks, as {first: [21, 22, 23], then: [24, 25, 26]}. A study is run with the first
seeds, and with the others only as `experiments.judging.looks` says. Its sweep and its hash are those of the first look,
so that a second one may be added.

A family's file (conf/study/markov.yaml) has the same form and holds the values that its studies share. A study's file
has precedence over its family's, and a scale over the top of its file; null in place of a value takes back the one
below. An arm's name is an option of its group for every command. This module needs neither JAX nor Hydra, so records
can be read without them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from experiments import cells, outside
from experiments.errors import ConfigError
from experiments.settings_file import KEYS, SCALES, SECTIONS, format_path, near, read_settings

# Overrides under which a study stays what it is: its seeds, and where and how its runs are done.
SAME_STUDY = ("seed=", "out=", "name=", "wandb.", "tensorboard=", "retry=", "hydra.launcher.", "hydra/launcher=")
CONFIG_DIR = "TERRARIUM_CONFIG_DIR"  # the variable that names a user's own folder of configuration
CONF = Path(__file__).resolve().parents[1] / "conf"
_LAUNCHER = {"choose": {"hydra/launcher": "vmap"}}  # a study's jobs are lanes unless it chooses otherwise

Settings = dict[str, Any]
Arms = dict[str, dict[str, Settings]]  # what each sets, by group and name


def settings_files() -> dict[str, dict[str, Path]]:
    """Returns the settings file of each study, by family and name; those of other packages come last."""
    files: dict[str, dict[str, Path]] = {}
    for path in sorted((CONF / "study").glob("*/*.yaml")):
        files.setdefault(path.parent.name, {})[path.stem] = path
    for name, study in outside.studies().items():
        family, _, short = name.partition("/")
        files.setdefault(family, {})[short] = study.settings
    return files


def studies() -> list[str]:
    """Returns the names of all studies at all their scales, as in markov/noop/cpu, in alphabetical order.

    A study whose file cannot be read has every scale here; reading it raises the error.
    """
    names = []
    for family, files in settings_files().items():
        for study, path in files.items():
            names += [f"{family}/{study}/{scale}" for scale in _scales(path)]
    return sorted(names)


def _scales(path: Path) -> list[str]:
    try:
        return [scale for scale in SCALES if scale in read_settings(path)]
    except ConfigError:
        return list(SCALES)


def path_for(study: str) -> Path:
    """Returns the settings file of `study`, named with its scale or without. Raises ConfigError if there is none."""
    files = settings_files()
    family, _, rest = study.partition("/")
    name = rest.partition("/")[0]
    if name in files.get(family, {}):
        return files[family][name]
    if fault := outside.faults().get("/".join(study.split("/")[:2])):
        raise ConfigError(fault)
    known = [f"{family}/{name}" for family, names in files.items() for name in names]
    scale = next((part for part in study.split("/")[2:] if part in SCALES), "cpu")
    meant = near("/".join(study.split("/")[:2]), known, then=f"/{scale}")
    raise ConfigError(
        f"study: there is no {study}{meant}; <family>/<study>/<scale>, as under conf/study; scales: {', '.join(SCALES)}"
    )


def read_study(study: str) -> Settings:
    """Returns the settings of a study at a scale, as of markov/noop/cpu: `choose`, `sweep` and values by section.

    The seeds are those of the first look. Raises ConfigError, one line, for a file that cannot be read and for a scale
    that is not in it.
    """
    merged = _read_study(study)
    seeds = merged["sweep"].get("seed")
    if isinstance(seeds, dict):
        merged["sweep"]["seed"] = seeds["first"]
    merged["sweep"] = {key: _format_words(words) for key, words in merged["sweep"].items()}
    return merged


def later_seeds(study: str) -> tuple[int, ...]:
    """Returns the seeds of a study's second look, none if it has one look. Raises ConfigError as `read_study` does."""
    seeds = _read_study(study)["sweep"].get("seed")
    return tuple(seeds["then"]) if isinstance(seeds, dict) else ()


def _read_study(study: str) -> Settings:
    """Returns the settings of a study at a scale, with the values of its sweep as its files write them."""
    path, scale = path_for(study), study.split("/")[2:]
    own = read_settings(path)
    if path.parent.parent != CONF / "study":  # a package's arms must not change this repository's studies
        _check_arms(path, _arm_places())
    allowed = [name for name in SCALES if name in own]
    if not scale:
        first = sorted(allowed, key=lambda name: name != "cpu")
        raise ConfigError(f"study: {study} needs a scale: {', '.join(f'{study}/{name}' for name in first)}")
    if scale[0] not in allowed or len(scale) > 1:
        why = f"there is no scale {'/'.join(scale)}{near(scale[0], allowed)}"
        why = f"{format_path(path)} has no block {scale[0]}" if scale[0] in SCALES and len(scale) == 1 else why
        raise ConfigError(f"study: {study}: {why}; it has {', '.join(allowed)}")
    merged: Settings = _LAUNCHER
    for part in (read_settings(file) for file in _family_file(study)):
        merged = _merge(_merge(merged, _top(part)), part.get(scale[0], {}))
    merged = _merge(_merge(merged, _top(own)), own[scale[0]])
    sweep = merged.get("sweep", {})
    if not sweep:
        raise ConfigError(f"study: {study}: {format_path(path)} sweeps nothing; write sweep: {{seed: [1, 2, 3]}}")
    if why := cells.problem(merged.get("without", []), sweep):
        raise ConfigError(f"study: {study}: {format_path(path)}: without: {why}")
    seed_last = sorted(sweep, key=lambda key: key == "seed")
    merged["sweep"] = {key: sweep[key] for key in seed_last}
    return {key: merged[key] for key in KEYS if key in merged}


def format_study(study: str) -> str:
    """Formats the settings of a study at a scale as YAML, below the comments of the files.

    Raises ConfigError as `read_study` does.
    """
    settings, known, scale = read_study(study), arms(), study.split("/")[2]
    if then := later_seeds(study):
        seeds = {"first": settings["sweep"]["seed"], "then": _format_words([*then])}
        settings["sweep"] = settings["sweep"] | {"seed": seeds}
    named: Arms = {}
    for group, name in _named(settings, known):
        named.setdefault(group, {})[name] = known[group][name]
    comments = _comments(path_for(study), "")
    for path in (*_family_file(study), path_for(study)):
        comments += _comments(path, scale)
    values = settings | ({"arms": named} if named else {})
    return "\n".join(comments) + "\n" + yaml.safe_dump(values, sort_keys=False, width=118)


def _family_file(study: str) -> list[Path]:
    """Returns the file of the settings that the studies of this one's family share, or no file."""
    path = CONF / "study" / f"{study.partition('/')[0]}.yaml"
    return [path] if path.exists() else []


def _comments(path: Path, scale: str) -> list[str]:
    """Returns the comment lines at the head of a settings file, or with `scale` those at the head of that block."""
    lines = path.read_text().splitlines()
    start = lines.index(f"{scale}:") + 1 if f"{scale}:" in lines else len(lines) if scale else 0
    return [line.strip() for line in itertools.takewhile(lambda line: line.lstrip().startswith("#"), lines[start:])]


def settings_hash(study: str) -> str:
    """Returns twelve hex digits of the settings of a study at a scale, with the arms that it names.

    Comments, order and layout do not change it.
    """
    settings, known = read_study(study), arms()
    bodies = {f"{group}={name}": known[group][name] for group, name in _named(settings, known)}
    whole = json.dumps([settings, bodies], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def arms(family: str | None = None) -> Arms:
    """Returns the arms of all families, or of one: the values that each sets, by group and name.

    An arm of a section's group, such as `task`, sets keys of that section; an arm of a group of its own sets any. A
    file that cannot be read adds none; `check` raises its error.
    """
    options_of: Arms = {}
    for path in _arm_files(family):
        try:
            groups = read_settings(path).get("arms", {})
        except ConfigError:
            continue
        for group, options in groups.items():
            for name, values in options.items():  # the first of two of one name counts; `check` refuses the other
                if not (CONF / group / f"{name}.yaml").exists():
                    options_of.setdefault(group, {}).setdefault(name, values)
    return options_of


def arm_keys(study: str) -> list[str]:
    """Returns the dotted keys that arms set in a study's sweeps, at any of its scales: task.dynamic, task.hidden ..."""
    family_study = "/".join(study.split("/")[:2])
    keys: dict[str, None] = {}
    known = arms()
    for scale in _scales(path_for(study)):
        settings = read_study(f"{family_study}/{scale}")
        for group, name in _named(settings, known):
            if group in settings["sweep"]:
                keys |= dict.fromkeys(_arm_sets(group, name, known))
    return sorted(keys)


def check() -> None:
    """Raises ConfigError for the first file of settings that cannot be read, and for an arm that is there twice."""
    places = _arm_places()
    for path in _arm_files(None):
        _check_arms(path, places)


def _check_arms(path: Path, places: Mapping[tuple[str, str], Path]) -> None:
    """Raises ConfigError for an arm in the file `path` that another file has too."""
    for group, options in read_settings(path).get("arms", {}).items():
        for name in options:
            other = places[group, name]
            if other != path:
                raise ConfigError(f"{format_path(path)}: arms.{group}.{name}: it is in {format_path(other)} too")


def _arm_places() -> dict[tuple[str, str], Path]:
    """Returns the file that each arm is in, by group and name: an option's own file, or the first file of settings."""
    places: dict[tuple[str, str], Path] = {}
    for path in _arm_files(None):
        try:
            groups = read_settings(path).get("arms", {})
        except ConfigError:
            continue
        for group, name in ((group, name) for group, options in groups.items() for name in options):
            option = CONF / group / f"{name}.yaml"
            places.setdefault((group, name), option if option.exists() else path)
    return places


def _arm_files(family: str | None) -> Iterator[Path]:
    """Yields the files that may hold arms: families' first, then studies'."""
    families = sorted((CONF / "study").glob("*.yaml"))
    yield from (path for path in families if family in (None, path.stem))
    for name, files in settings_files().items():
        if family in (None, name):
            yield from files.values()


def _arm_sets(group: str, name: str, known: Arms) -> Iterator[str]:
    """Yields the dotted keys that an arm sets, with those of the arms it begins from."""
    body = known[group][name]
    for default in body.get("defaults", []):
        if default in known[group]:
            yield from _arm_sets(group, default, known)
    values = {key: value for key, value in body.items() if key != "defaults"}
    yield from _dotted({group: values} if group in SECTIONS else values)


def _dotted(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _named(settings: Settings, known: Arms) -> list[tuple[str, str]]:
    """Returns the arms, as group and name, that a study chooses or sweeps."""
    names = [(group, name) for group, name in settings["choose"].items()]
    names += [(group, word.strip()) for group, words in settings["sweep"].items() for word in str(words).split(",")]
    return [(group, name) for group, name in names if name in known.get(group, {})]


def _format_words(values: Any) -> str:
    """Formats the values of a swept key for Hydra's sweeper; a text is in that form already."""
    if not isinstance(values, list):
        return str(values)
    return ",".join(value if isinstance(value, str) else json.dumps(value) for value in values)


def _top(part: Settings) -> Settings:
    return {key: value for key, value in part.items() if key not in (*SCALES, "arms")}


def _merge(below: Settings, above: Settings) -> Settings:
    """Returns the values of `above` put over those of `below`, dictionaries key by key; null takes one back."""
    merged = dict(below)
    for key, value in above.items():
        if value is None and key in merged:
            del merged[key]
            continue
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged
