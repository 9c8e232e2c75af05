"""Checks that a run's settings of training fit its task and model: loss, decoding, and the measure for sweepers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax

from experiments.engine import losses
from experiments.engine.lane import Run
from synthetic.heads import Places
from synthetic.measures import Measure, measures_of


def problems(run: Run) -> Iterator[tuple[str, str]]:
    """Yields what of `train` does not fit the other parts of a run, as (key, one line)."""
    yield from losses.problems(run.train, run.task)
    yield from _decoding_problems(run)
    known = list(measures_of(run.task))
    if run.train.objective not in known and run.train.objective not in (decoded := list(_decoded(run))):
        known += decoded
        yield "objective", f"there is no measure {run.train.objective}; allowed: {', '.join(known)}"


def _decoding_problems(run: Run) -> Iterator[tuple[str, str]]:
    if run.train.decoding == "none":
        return
    spec, name = run.task.spec, run.train.decoding
    if not spec.head.discrete:
        kind = type(spec.head).__name__.lower()
        yield "decoding", f"{name} needs classes or places, the targets are {kind}; allowed: none"
    elif spec.vocabulary is None and not isinstance(spec.head, Places):
        yield "decoding", f"{name} needs classes that are tokens, the inputs are vectors; allowed: none"
    elif not getattr(run.model, "decodes", True):
        yield "decoding", f"{name} needs a model that gives one position at a time; allowed: none"


def objective(run: Run) -> Measure:
    """Returns the measure that sweepers are given; scores of decoded answers are shares."""
    name = run.train.objective
    return measures_of(run.task).get(name) or Measure(name, share=True)


def _decoded(run: Run) -> Iterator[str]:
    """Yields the names of the scores of decoded answers (see `scores.score`)."""
    way = run.train.decoding
    if way == "none" or not run.task.spec.head.discrete:
        return
    example: Any = jax.eval_shape(partial(run.task.sample, split=run.task.splits[0]), jax.random.key(0))
    judged = list(jax.eval_shape(run.task.judge, example, example.targets))
    ways = ("greedy", "sampled") if way == "both" else (way,)
    yield from (f"{ways[0]}_match", *judged)
    for other in ways[1:]:
        yield from (f"{other}_match", *(f"{other}_{name}" for name in judged))
