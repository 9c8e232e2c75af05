"""The runs that a record must have, as the study's settings say: none may be missing when it is judged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

import polars as pl
import yaml

from experiments import settings
from experiments.cells import format_word, is_left_out
from experiments.errors import ConfigError
from experiments.judging.results import RecordError

_NAMED = 3  # of the runs that are missing
Run = tuple[str, ...]  # the values of the swept keys, as words


def check(study: str, record: pl.DataFrame) -> None:
    """Raises RecordError, one line that names the runs, if a record lacks runs that the study's settings ask for.

    Further seeds are no fault, but each seed must have the whole grid; so must all seeds of a second look if there is a
    run of one. With two looks no other seeds may be there. A study that is bisected must have the path of a bisection
    for each seed.
    """
    keys, missing, number = _missing(study, record)
    if not missing:
        return
    names = [", ".join(f"{key}={word}" for key, word in zip(keys, run, strict=True)) for run in missing[:_NAMED]]
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    raise RecordError(
        f"lacks {len(missing)} of the {number} runs that the settings of {study} ask for: {'; '.join(names)}{more}"
    )


def _missing(study: str, record: pl.DataFrame) -> tuple[list[str], list[Run], int]:
    """Returns the swept keys, the runs that are missing, and how many there should be."""
    try:
        values, later = settings.read_study(study), settings.later_seeds(study)
    except ConfigError as error:
        raise RecordError(str(error)) from None
    sweep: dict[str, list[str]] = {key: list(expand(words)) for key, words in values["sweep"].items()}
    keys = [key for key in sweep if key in record.columns]
    runs = {tuple(map(format_word, run)) for run in record.select(keys).unique().iter_rows()}
    if "seed" in keys:
        own = sorted(record["seed"].unique().to_list())
        first, then = sweep["seed"], [format_word(seed) for seed in later]
        others = [seed for seed in map(format_word, own) if seed not in first]
        if then and (third := [seed for seed in others if seed not in then]):
            raise RecordError(f"has the seed {third[0]}, which is in neither of the two looks of {study}")
        sweep["seed"] = list(dict.fromkeys([*first, *(then if others else []), *others]))
    sweeper = values["choose"].get("hydra/sweeper", "basic")
    axis = _axis(sweeper, values) if sweeper.startswith("bisect") else None
    if axis in keys:
        wanted = list(_bisected(keys, sweep, axis, runs))
    else:
        wanted = list(itertools.product(*(sweep[key] for key in keys)))
    without = values.get("without", ())
    wanted = [run for run in wanted if not is_left_out(dict(zip(keys, run, strict=True)), without)]
    return keys, [run for run in wanted if run not in runs], len(wanted)


def expand(words: str) -> Iterator[str]:
    """Yields the values of a sweep as words: of a list with commas, or of a range of whole numbers."""
    if ends := re.fullmatch(r"range\((-?\d+(?:,-?\d+){0,2})\)", words.replace(" ", "")):
        yield from map(format_word, range(*map(int, ends[1].split(","))))
    else:
        yield from (format_word(word.strip().strip("'\"")) for word in words.split(","))


def _axis(sweeper: str, values: settings.Settings) -> str:
    """Returns the key along which a study's sweeper bisects."""
    own = values.get("hydra", {}).get("sweeper", {}).get("axis")
    path = settings.CONF / "hydra" / "sweeper" / f"{sweeper}.yaml"
    return own or (yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}).get("axis", "")


def _bisected(keys: Sequence[str], sweep: dict[str, list[str]], axis: str, runs: set[Run]) -> Iterator[Run]:
    """Yields the runs that bisections along `axis` need, one for each column of the grid.

    The scores decided which half came next; here it is the half of which there are runs. If there are none of
    either, the bisection had come to its end, or its next run is missing.
    """
    points, place = sorted(sweep[axis], key=float), keys.index(axis)
    others = [sweep[key] for key in keys if key != axis]
    for column in itertools.product(*others):

        def at(point: int, column: Run = column) -> Run:
            return (*column[:place], points[point], *column[place:])

        low, high = -1, len(points)
        while high - low > 1:
            middle = (low + high) // 2
            yield at(middle)
            below = any(at(point) in runs for point in range(low + 1, middle))
            above = any(at(point) in runs for point in range(middle + 1, high))
            if below and not above:
                high = middle
            elif above and not below:
                low = middle
            elif below:  # the whole grid was run
                yield from (at(point) for point in range(low + 1, high) if point != middle)
                break
            elif min(middle - low, high - middle) > 1:  # either half has a run to come
                low, high = low, middle
            else:
                break
