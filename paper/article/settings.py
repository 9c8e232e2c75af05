"""Formats the setting of a study in one line: its models and its training, from the composed configuration.

The length of a sequence and the number of parameters follow from declarations in code, which no YAML file shows. So
this module asks `experiments` to compose a study, and `models` for the shapes of its models. It is the one place in
`paper` that imports them, inside its functions, so that only the write-up pays for it. Nothing is trained.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from experiments import settings
from experiments.judging.results import RecordError


@dataclass(frozen=True)
class Setting:
    """A study's setting: models and training as text, the numbers of parameters, and the size of its grid.

    searched: whether bisection chooses some runs of the grid.
    """

    words: str
    parameters: tuple[int, ...]
    runs: int
    seeds: int
    searched: bool

    def line(self, table: pl.DataFrame | None) -> str:
        """Formats the setting in one line; with a record, runs and seeds are those of the record."""
        if table is not None:
            return f"{self.words}; {table['run'].n_unique():,} runs with {table['seed'].n_unique()} seeds."
        some = f"as many of {self.runs:,} runs as bisection asks for," if self.searched else f"{self.runs:,} runs"
        return f"{self.words}; {some} with {self.seeds} seeds."


@functools.cache
def setting(study: str) -> Setting:
    """Returns the setting of `study`, as of markov/threshold/cpu.

    It composes only those jobs of the grid that differ from the first in one key. Raises RecordError if they do not
    compose, ConfigError if JAX has no device.
    """
    from experiments.engine import config, devices
    from experiments.errors import ConfigError

    devices.check_platform()
    try:
        chosen = settings.read_study(study)
        searched = chosen["choose"].get("hydra/sweeper", "").startswith("bisect")
        grid = config.grid(chosen["sweep"], [f"study={study}"])
        jobs = config.jobs([some for some in grid if _near(some, grid[0])])
    except ConfigError as error:
        raise RecordError(f"the study {study} does not compose: {str(error).splitlines()[0]}") from None

    parameters = sorted({_size(job.run.model, job.run.task.spec) for job in jobs})
    parts = _shape(jobs)
    parts.append(f"{_format_values(parameters)} parameters")
    parts.append(f"sequences of {_format_values(sorted({job.run.task.spec.length for job in jobs}))} positions")
    parts.append(_training(jobs))
    starts = [job.start for job in jobs if job.start]
    if starts:
        parts.append(f"from the end of a run of {_training(starts)}")
    seeds = {word for some in grid for word in some if word.startswith("seed=")}
    return Setting("; ".join(parts), tuple(parameters), len(grid), len(seeds), searched)


def _shape(jobs: list) -> list[str]:
    """Returns what kind and size of models are trained, in phrases; a transformer is not named where it is alone."""
    from experiments.engine import config

    names = _each(job.config["model"]["name"] for job in jobs)
    keys = ("depth", "width", "mixer", "position")  # of which an architecture may lack some
    model = {key: _each(m[key] for job in jobs if key in (m := job.config["model"])) for key in keys}
    usual = config.fields.defaults(type(jobs[0].run.model))
    kind = "" if names == ["transformer"] else _format_values(names)
    size = " of width ".join(
        f"{_format_values(model[key])}{word}" for key, word in (("depth", " layers"), ("width", "")) if model[key]
    )
    parts = [": ".join(part for part in (kind, size) if part)]
    if model["mixer"] not in ([], [usual.get("mixer")]):
        parts[0] += f" that mix positions by {_format_values(model['mixer'])}"
    if model["position"] not in ([], [usual.get("position")]):
        parts.append(f"positions: {_format_values(model['position'])}")
    return parts


@functools.cache
def _size(model: Any, spec: Any) -> int:
    """Returns the number of parameters of a model on a task of this shape; it allocates none of them."""
    import jax
    from flax import nnx

    from experiments.engine.lane import shapes_of

    made = jax.eval_shape(lambda: nnx.split(model.build(shapes_of(spec), rngs=nnx.Rngs(params=0)))[1])
    return sum(math.prod(part.shape) for part in jax.tree.leaves(made))


def _near(some: list[str], first: list[str]) -> bool:
    """Returns whether a job differs from the first of its grid in one key at most, and not in its seed."""
    other = [a for a, b in zip(some, first, strict=True) if a != b]
    return len(other) <= 1 and not any(word.startswith("seed=") for word in other)


def _training(jobs: Iterable) -> str:
    trained = [job.config["train"] for job in jobs]
    steps, batch = (_format_values(sorted({config[key] for config in trained})) for key in ("steps", "batch_size"))
    return f"{steps} steps of {batch} examples"


def _each(values: Iterable) -> list:
    return list(dict.fromkeys(values))


def _format_values(values: list) -> str:
    """Formats values, as "64", "64 or 96", "33 to 189"; texts are all named."""
    words = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    if len(words) > 2 and isinstance(values[0], int):
        return f"{min(values):,} to {max(values):,}"
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
