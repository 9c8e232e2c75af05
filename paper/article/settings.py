"""What a study trains and for how long, in one line, from its composed configuration.

The length of a sequence and the number of parameters follow from declarations in code, which no YAML file shows. So
this module asks `experiments` to compose a study, and `models` what a model would be: it is the one place in `paper`
that knows of them, inside its functions, so that only the write-up pays for it. Nothing is trained.
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
    """A study's setting: models and training in words, the numbers of parameters, and the size of its grid.

    searched: whether only some runs of the grid are done, as bisection chooses them.
    """

    words: str
    parameters: tuple[int, ...]
    runs: int
    seeds: int
    searched: bool

    def line(self, table: pl.DataFrame | None) -> str:
        """The setting in one line; runs and seeds are those of the record where there is one."""
        if table is not None:
            return f"{self.words}; {table['run'].n_unique():,} runs with {table['seed'].n_unique()} seeds."
        some = f"as many of {self.runs:,} runs as bisection asks for," if self.searched else f"{self.runs:,} runs"
        return f"{self.words}; {some} with {self.seeds} seeds."


@functools.cache
def setting(study: str) -> Setting:
    """The setting of `study`, as of markov/threshold/cpu; RecordError where it does not compose.

    Of its grid those jobs are composed that differ from the first in one key.
    """
    from experiments.engine import config
    from experiments.errors import ConfigError

    try:
        chosen = settings.read_study(study)
        searched = chosen["choose"].get("hydra/sweeper", "").startswith("bisect")
        grid = config.grid(chosen["sweep"], [f"study={study}"])
        jobs = config.jobs([some for some in grid if _near(some, grid[0])])
    except ConfigError as error:
        raise RecordError(f"the study {study} does not compose: {str(error).splitlines()[0]}") from None

    model = {key: _each(job.config["model"][key] for job in jobs) for key in ("depth", "width", "mixer", "position")}
    usual = config.fields.defaults(type(jobs[0].run.model))
    parameters = sorted({_size(job.run.model, job.run.task.spec) for job in jobs})
    parts = [f"{_said(model['depth'])} layers of width {_said(model['width'])}"]
    if model["mixer"] != [usual["mixer"]]:
        parts[0] += f" that mix positions by {_said(model['mixer'])}"
    if model["position"] != [usual["position"]]:
        parts.append(f"positions: {_said(model['position'])}")
    parts.append(f"{_said(parameters)} parameters")
    parts.append(f"sequences of {_said(sorted({job.run.task.spec.length for job in jobs}))} positions")
    parts.append(_training(jobs))
    starts = [job.start for job in jobs if job.start]
    if starts:
        parts.append(f"from the end of a run of {_training(starts)}")
    seeds = {word for some in grid for word in some if word.startswith("seed=")}
    return Setting("; ".join(parts), tuple(parameters), len(grid), len(seeds), searched)


@functools.cache
def _size(model: Any, spec: Any) -> int:
    """How many parameters a model has on a task of this shape; none of them is made."""
    import jax
    from flax import nnx

    from models import build

    shape = {"vocabulary": spec.vocabulary, "width_in": spec.width_in, "length": spec.length, "classes": spec.classes}
    made = jax.eval_shape(lambda: nnx.split(build(model, **shape, rngs=nnx.Rngs(params=0)))[1])
    return sum(math.prod(part.shape) for part in jax.tree.leaves(made))


def _near(some: list[str], first: list[str]) -> bool:
    """Whether a job differs from the first of its grid in one key at most, and not in its seed."""
    other = [a for a, b in zip(some, first, strict=True) if a != b]
    return len(other) <= 1 and not any(word.startswith("seed=") for word in other)


def _training(jobs: Iterable) -> str:
    trained = [job.config["train"] for job in jobs]
    steps, batch = (_said(sorted({of[key] for of in trained})) for key in ("steps", "batch_size"))
    return f"{steps} steps of {batch} examples"


def _each(values: Iterable) -> list:
    return list(dict.fromkeys(values))


def _said(values: list) -> str:
    """Numbers in words, as "64", "64 or 96", "33 to 189"; names all of them."""
    words = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    if len(words) > 2 and isinstance(values[0], int):
        return f"{min(values):,} to {max(values):,}"
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
