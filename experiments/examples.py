"""Examples for `preview` and `export`: from the words of a command to batches on the host.

Example i of a split depends on the configuration, the seed and i alone: both commands show the same ones, and a larger
count only adds to them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.engine import config as configs
from experiments.engine import devices
from experiments.engine.lane import Run
from experiments.engine.records import task_of
from experiments.errors import ConfigError
from fields import INT32_MAX, replace
from synthetic.task import Example, Task

# A stream of the run's seed; those before are the engine's.
_STREAM = 3
_FEW = 1000


@dataclass(frozen=True)
class Words:
    """Holds the command line: a run, of which task and seed are used, its configuration, and the command's own keys."""

    run: Run
    config: dict[str, Any]
    own: dict[str, str]
    count: int
    splits: tuple[str, ...]


def read_words(doc: str, command: str, *, several: bool = False, **own: str) -> Words:
    """Reads the command line: the command's `own` keys with their defaults, among them count; the rest is Hydra's.

    several: whether `split` may name more than one, as in split=train,unseen. Raises ConfigError, one line per bad key.
    """
    own = {"split": "train", **own}
    lines = doc.strip().splitlines() or [""]  # none under -OO
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{command}",
        description=lines[0].rpartition("`: ")[2].capitalize(),
        epilog="\n".join(lines[1:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keys = ", ".join(f"{key}={value}" for key, value in own.items())
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help=f"{keys}, or any override of a run")
    overrides = []
    for word in parser.parse_args().words:
        key, equals, value = word.partition("=")
        if equals and key in own:
            own[key] = value
        else:
            overrides.append(word)
    devices.check_platform()
    job = configs.jobs([overrides])[0]
    run = job.run
    errors = []
    if not own["count"].isdecimal() or not 1 <= int(own["count"]) <= INT32_MAX:
        errors.append(f"count: expected an integer from 1 to {INT32_MAX}, got {own['count']}")
    splits = own["split"].split(",") if several else [own["split"]]
    if not {*splits} <= {*run.task.splits} or len({*splits}) < len(splits):
        expected = "some, each once," if several else "one"
        errors.append(f"split: expected {expected} of {', '.join(run.task.splits)}, got {own['split']}")
    if errors:
        raise ConfigError(*errors)
    return Words(replace(run, task=task_of(job)), job.config, own, int(own["count"]), tuple(splits))


def compiled(run: Run, split: str, size: int) -> Callable[[jax.Array], Example]:
    """Returns a compiled program that samples the `size` examples from number `start` (int32) on."""

    def sample(task: Task, key: jax.Array, start: jax.Array) -> Example:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, start + jnp.arange(size))
        return jax.vmap(task.sample, (0, None))(keys, split)

    shape = jax.ShapeDtypeStruct((), jnp.int32)
    # A few examples are sampled once: optimising their program takes longer than it saves.
    options: dict[str, str | bool] = {"xla_backend_optimization_level": "0"} if size < _FEW else {}
    lowered = jax.jit(sample).lower(run.task, run.key(_STREAM), shape)
    return partial(lowered.compile(options), run.task, run.key(_STREAM))


def batches(program: Callable[[jax.Array], Example], count: int, size: int) -> Iterator[Example]:
    """Yields `count` examples from a program of `compiled`, `size` or fewer at a time, as NumPy arrays."""
    upcoming = program(jnp.int32(0))
    for start in range(0, count, size):
        batch = upcoming
        if start + size < count:
            upcoming = program(jnp.int32(start + size))  # sampled while the batch before it is used
        yield jax.tree.map(lambda x, n=count - start: np.asarray(x)[:n], batch)


def rows(batch: Example) -> Iterator[Example]:
    """Yields the single examples of a batch of NumPy arrays."""
    names = list(batch.facts)
    facts = list(zip(*(fact.tolist() for fact in batch.facts.values()), strict=True)) or [()] * len(batch.inputs)
    for inputs, targets, weights, values in zip(batch.inputs, batch.targets, batch.weights, facts, strict=True):
        yield Example(inputs, targets, weights, dict(zip(names, values, strict=True)))
