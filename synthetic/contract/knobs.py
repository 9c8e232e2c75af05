"""Checks that hold a task's knobs to their word: they are traced, and whatever their values nothing leaks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

import jax
import numpy as np

from fields import Declared, declared
from synthetic.contract.sampling import EXAMPLES, each, numeric, require, sample_batch, traces, tracing
from synthetic.task import Task

DATA_SEEDS = 8  # for which held-out sets are compared
CORNERS = 8  # settings in which all knobs are changed at once, of those in which held-out sets are compared


def knobs_are_traced(task: Task) -> None:
    """Checks that other values of the knobs do not compile `sample` anew, in any split: one trace each."""
    specs = []
    with tracing(task, "spec", lambda t: specs.append(t.spec)):
        jax.eval_shape(lambda t: specs.append(t.spec), numeric(task))
        require(task, specs[0] == task.spec, "spec depends on a knob")
    task = task.materialise()
    changed = []
    for name, d in _traced(task).items():
        fine = [other for value in _values(task, d) if _is_sound(other := task.replace(**{name: value}))]
        changed += [(name, other.materialise()) for other in fine[:1]]
    for split in task.splits:
        sample_batch(task, split, explain=True)
        for name, other in changed:
            before = traces[split]
            sample_batch(other, split)
            require(task, traces[split] == before, f"another {name} compiles split {split} anew: it is no knob")


def held_out_is_disjoint(task: Task) -> None:
    """Checks that no identity of a held-out split occurs in a training split.

    It samples a tiny space for several data seeds, and for one of them with other values of the knobs.
    """
    require(
        task,
        set(task.held_out) < set(task.splits),
        f"held_out {task.held_out} is not among splits {task.splits}",
    )
    if not task.held_out:
        return
    require(task, "seed" in declared(type(task)), "no knob seed, the data seed that decides what is held out")
    for seed in range(DATA_SEEDS):
        tiny = task.tiny().replace(seed=seed).materialise()
        sides = _identities([*((tiny, split) for split in tiny.splits), *tiny.conditions().values()])
        _require_disjoint(task, sides, "")
        for held, identities in sides.items():
            side = "held-out" if held else "training"
            fine = 0 < len(identities) <= EXAMPLES / 8
            require(
                task,
                fine,
                f"tiny() is not tiny: {len(identities)} {side} identities in {EXAMPLES} examples a split",
            )
    for values, other in _settings(task.tiny()):
        other = other.materialise()
        words = ", ".join(f"{name}={value:g}" for name, value in values.items())
        _require_disjoint(task, _identities((other, split) for split in other.splits), f", with {words}")


def _identities(samples: Iterable[tuple[Task, str]]) -> dict[bool, set[Hashable]]:
    """Returns the identities of examples of tasks and splits, those of held-out splits apart."""
    sides: dict[bool, set[Hashable]] = {True: set(), False: set()}
    for task, split in samples:
        for example in each(sample_batch(task, split)):
            sides[split in task.held_out] |= task.identities(example)
    return sides


def _require_disjoint(task: Task, sides: dict[bool, set[Hashable]], when: str) -> None:
    shared = sides[True] & sides[False]
    such = min(map(repr, shared), default="")
    require(task, not shared, f"{len(shared)} held-out identities occur in training, such as {such}{when}")


def _settings(task: Task) -> Iterator[tuple[dict[str, float], Task]]:
    """Yields sound settings of the knobs: each knob with every other value alone, then all of them at random."""
    knobs = {name: _values(task, d) for name, d in _traced(task).items() if name != "seed"}
    knobs = {name: values for name, values in knobs.items() if values}
    rng = np.random.default_rng(0)
    settings = [{name: value} for name, values in knobs.items() for value in values]
    for _ in range(CORNERS if len(knobs) > 1 else 0):
        settings.append({name: values[rng.integers(len(values))] for name, values in knobs.items()})
    for values in settings:
        if _is_sound(other := task.replace(**values)):
            yield values, other


def _traced(task: Task) -> dict[str, Declared]:
    """Returns the knobs that are leaves: no optional one that is unset, and none that holds other tasks' fields."""
    every = {name: d for name, d in declared(type(task)).items() if d.traced}
    return {name: d for name, d in every.items() if getattr(task, name) is not None and d.type is not dict}


def _values(task: Task, knob: Declared) -> list[float]:
    """Returns other values of a knob within its bounds: the ends, the middle, and the neighbours of what it has."""
    now = getattr(task, knob.name)
    middle = [] if knob.low is None or knob.high is None else [(knob.low + knob.high) / 2]
    tries = (v for v in (knob.low, now + 1, now - 1, knob.high, *middle) if v is not None)
    inside = (v for v in tries if (knob.low is None or v >= knob.low) and (knob.high is None or v <= knob.high))
    return list(dict.fromkeys(value for v in inside if (value := knob.type(v)) != now))


def _is_sound(task: Task) -> bool:
    return not list(task.problems())
