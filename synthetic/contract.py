"""The contract that every task keeps, as plain checks of a task instance.

They are for our tests and for those of other packages:

    @pytest.mark.parametrize("check", contract.CHECKS)
    def test_the_task_keeps_the_contract(check):
        check(MyTask())

Each check raises AssertionError with one line that names the task and the fault. Examples are sampled from fixed keys,
so a check that passes once always passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binom

from fields import declared
from synthetic.measures import measures_of
from synthetic.task import Example, Task

EXAMPLES = 256  # sampled from each condition
BATCHES = 8  # of EXAMPLES, from which a rate is judged
DATA_SEEDS = 8  # for which held-out sets are compared
RENDERED = 4  # examples of each condition that are changed at every position
ITEMS = 1024  # of a finite training set that are compared with what is drawn, at most
CONFIDENCE = 0.999

_traces: Counter[str] = Counter()
_LOOKS_AT_A_VALUE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def oracle_agrees(task: Task) -> None:
    """Checks that the targets at the weighted positions are the oracle's, on `EXAMPLES` examples of each condition.

    Numbers may differ by rounding.
    """
    head = task.spec.head
    for name, variant, batch in _condition_batches(task):
        for example in _each(batch):
            targets = example.targets[example.weights > 0]
            right = np.asarray(variant.oracle(example), targets.dtype).reshape(-1, *head.shape)
            near = np.array_equal if head.discrete else partial(np.allclose, rtol=1e-3, atol=1e-4)
            if right.shape != targets.shape or not near(targets, right):
                says = f"oracle says {right.tolist()}, targets are {targets.tolist()}"
                _require(task, False, f"{says}, in condition {name}")


def shapes_match_spec(task: Task) -> None:
    """Checks shapes and dtypes against `spec` under `jit` and `vmap`, the range of values, and that facts are scalars.

    Facts have the same names and dtypes in every condition, so that the engine can stack them.
    """
    spec, facts = task.spec, {}
    one_kind = (spec.vocabulary is None) != (spec.width_in is None)
    _require(task, one_kind, "spec gives both or neither of vocabulary and width_in")
    inputs = ((spec.length,), jnp.int32) if spec.vocabulary else ((spec.length, spec.width_in), jnp.float32)
    expected = {
        "inputs": inputs,
        "targets": ((spec.length, *spec.head.shape), spec.head.dtype),
        "weights": ((spec.length,), jnp.float32),
    }
    for name, variant, batch in _condition_batches(task):
        single = jax.eval_shape(
            partial(type(task).sample, split=task.conditions()[name][1]), variant, jax.random.key(0)
        )
        for field, (shape, dtype) in expected.items():
            for leading, array in (((), getattr(single, field)), ((EXAMPLES,), getattr(batch, field))):
                fine = array.shape == leading + shape and array.dtype == dtype
                want, got = f"{dtype.__name__}{list(leading + shape)}", f"{array.dtype}{list(array.shape)}"
                _require(task, fine, f"{field} should be {want} by spec and are {got}, in condition {name}")
        for field, size in (("inputs", spec.vocabulary), ("targets", spec.head.discrete and spec.outputs)):
            values = getattr(batch, field)
            fine = ((values >= 0) & (values < size)).all() if size else np.isfinite(values).all()
            allowed = f"0 to {size - 1}" if size else "finite"
            _require(
                task,
                fine,
                f"{field} run from {values.min()} to {values.max()}, allowed: {allowed}, in {name}",
            )
        _require(task, np.isin(batch.weights, (0, 1)).all(), f"weights other than 0 and 1, in condition {name}")
        _require(
            task,
            all(f.ndim == 1 for f in batch.facts.values()),
            f"facts that are no scalars, in condition {name}",
        )
        facts[name] = {key: str(fact.dtype) for key, fact in batch.facts.items()}
    _require(task, len({str(f) for f in facts.values()}) == 1, f"facts differ between conditions: {facts}")


def knobs_are_traced(task: Task) -> None:
    """Checks that other values of the knobs do not compile `sample` anew, in any split: one trace each."""
    specs = []
    with _tracing(task, "spec"):
        jax.eval_shape(lambda t: specs.append(t.spec), _numeric(task))
        _require(task, specs[0] == task.spec, "spec depends on a knob")
    task = task.materialise()
    changed = list(_changed_knobs(task))
    for split in task.splits:
        _sample_batch(task, split)
        for name, other in changed:
            before = _traces[split]
            _sample_batch(other, split)
            _require(task, _traces[split] == before, f"another {name} compiles split {split} anew: it is no knob")


def keys_decide(task: Task) -> None:
    """Checks that the same key gives the same example, traced anew or not, and that different keys mostly do not.

    Splits in `few` need only two distinct examples.
    """
    task = task.materialise()
    for split in task.splits:
        batch = _sample_batch(task, split)
        # Only one split is traced anew, because compiling takes seconds.
        again = _sample_batch(task, split, retrace=split == task.splits[0])
        same = jax.tree.all(jax.tree.map(np.array_equal, batch, again))
        _require(task, same, f"the same key gives two examples, in split {split}")
        distinct = len({example.inputs.tobytes() + example.targets.tobytes() for example in _each(batch)})
        _require(
            task,
            distinct > (1 if split in task.few else EXAMPLES / 2),
            f"{EXAMPLES} keys give {distinct} distinct examples, in split {split}",
        )


def held_out_is_disjoint(task: Task) -> None:
    """Checks that no identity of a held-out split occurs in a training split.

    It samples a tiny space for several data seeds.
    """
    _require(
        task,
        set(task.held_out) < set(task.splits),
        f"held_out {task.held_out} is not among splits {task.splits}",
    )
    if not task.held_out:
        return
    _require(task, "seed" in declared(type(task)), "no knob seed, the data seed that decides what is held out")
    for seed in range(DATA_SEEDS):
        tiny = task.tiny().replace(seed=seed).materialise()
        sides: dict[bool, set] = {True: set(), False: set()}
        for variant, split in [*((tiny, s) for s in tiny.splits), *tiny.conditions().values()]:
            for example in _each(_sample_batch(variant, split)):
                sides[split in task.held_out] |= variant.identities(example)
        shared = sides[True] & sides[False]
        such = min(map(repr, shared), default="")
        _require(task, not shared, f"{len(shared)} held-out identities occur in training, such as {such}")
        for held, identities in sides.items():
            side = "held-out" if held else "training"
            fine = 0 < len(identities) <= EXAMPLES / 8
            _require(
                task,
                fine,
                f"tiny() is not tiny: {len(identities)} {side} identities in {EXAMPLES} examples a split",
            )


def rates_hold(task: Task) -> None:
    """Checks that at 0, 0.3 and 1 a rate knob is the share of its fact, within a binomial 99.9 % interval."""
    for fact, name in task.rates.items():
        knob = declared(type(task))[name]
        for rate in np.clip((0.0, 0.3, 1.0), knob.low, knob.high).tolist():
            varied = task.replace(**{name: rate}).materialise()
            held = np.concatenate([_sample_batch(varied, "train", seed).facts[fact] for seed in range(BATCHES)]).astype(
                bool
            )
            low, high = binom.interval(CONFIDENCE, held.size, rate) if 0 < rate < 1 else (rate * held.size,) * 2
            fine = low <= held.sum() <= high
            _require(task, fine, f"{name}={rate} gives {fact} in {held.sum()} of {held.size} examples")


def conditions_are_scored(task: Task) -> None:
    """Checks that conditions have a known split and the task's treedef, traced too.

    Each of their examples must have a weighted target.
    """
    task = task.materialise()
    conditions = task.conditions()
    _require(task, bool(conditions), "no conditions")
    traced: dict[str, Any] = {}
    with _tracing(task, "conditions"):
        jax.eval_shape(lambda t: traced.update(t.conditions()), _numeric(task))
    _require(task, list(traced) == list(conditions), "conditions depend on the values of knobs")
    for name, (variant, split) in conditions.items():
        _require(
            task,
            split in task.splits,
            f"condition {name} is of split {split}, which is not among {task.splits}",
        )
        for form in (variant, traced[name][0]):
            same = jax.tree.structure(form) == jax.tree.structure(task)
            _require(task, same, f"condition {name} has another treedef than the task: it changes a static field")
    for name, _, batch in _condition_batches(task):
        empty = int((batch.weights.max(-1) == 0).sum())
        _require(task, empty == 0, f"{empty} of {EXAMPLES} examples have no weighted target, in condition {name}")


def render_is_whole(task: Task) -> None:
    """Checks that changing any weighted target, or any input before the last of them, changes the text.

    A position is changed to the value that another example has there. So the text need not show a separator that is
    always the same, nor an input that only repeats the weighted target before it.
    """
    for name, variant, batch in _condition_batches(task):
        examples = list(_each(batch))[: RENDERED + 1]
        for example, other in pairwise(examples):
            text = variant.render(example)
            pair = isinstance(text, tuple) and len(text) == 2 and all(isinstance(part, str) for part in text)
            _require(task, pair, f"render gives {text!r}, not (prompt, answer)")
            weighted = example.weights > 0
            for t in range(np.flatnonzero(weighted)[-1] + 1):
                told = {"targets": weighted[t], "inputs": t == 0 or not weighted[t - 1]}
                for field in (f for f, matters in told.items() if matters):
                    values, new = getattr(example, field).copy(), getattr(other, field)[t]
                    if (values[t] == new).all():
                        continue
                    values[t] = new
                    seen = variant.render(example._replace(**{field: values})) != text
                    _require(task, seen, f"render does not show {field} at position {t}, in condition {name}")


def scores_fit(task: Task) -> None:
    """Checks the shapes of baselines' answers, of what measures say, and of an objective of the task's own.

    Measures have names of their own.
    """
    try:
        measures_of(task)
    except ValueError as e:
        raise AssertionError(str(e)) from None
    own = type(task).objective is not Task.objective
    if not (own or task.measures() or task.baselines()):
        return
    spec = task.spec
    batch = jax.eval_shape(lambda t: _sample(t, task.splits[0], jnp.int32(0)), _numeric(task.materialise()))
    example = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batch)
    answers = jax.ShapeDtypeStruct((spec.length, *spec.head.shape), spec.head.dtype)
    for name, learner in task.baselines().items():
        got = jax.eval_shape(learner, example)
        fine = (got.shape, got.dtype) == (answers.shape, answers.dtype)
        want, what = (f"{x.dtype}{list(x.shape)}" for x in (answers, got))
        _require(task, fine, f"baseline {name} should return {want} and returns {what}")
    outputs = jax.ShapeDtypeStruct((EXAMPLES, spec.length, spec.outputs), jnp.float32)
    for one in task.measures():
        score = jax.eval_shape(lambda *args, one=one: one.of(jax.vmap(one.read)(*args)), batch, outputs)
        fine = getattr(score, "shape", None) == ()
        _require(task, fine, f"measure {one.measure.name} should be a scalar and is {score}")
    if own:
        keys = jax.eval_shape(partial(jax.random.split, num=EXAMPLES), jax.random.key(0))
        loss = jax.eval_shape(lambda *args: task.objective(lambda _: args[0], *args[1:]), outputs, batch, keys)
        fine = loss.shape == (EXAMPLES,)
        _require(task, fine, f"objective should give a number an example and gives {list(loss.shape)}")


def items_are_drawn(task: Task) -> None:
    """Checks that a finite training set's items are those that `sample` draws, on a small set of `tiny`.

    Items that are whole examples, so that a key changes nothing, are compared as such, others by their identities.
    """
    if type(task).item is Task.item:
        return
    small = task.tiny().materialise()
    size = int(small.size)
    if not 0 < size <= ITEMS:
        return

    @_jit
    def items(task: Task, split: str, seed: jax.Array) -> Example:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(ITEMS))
        return jax.vmap(task.item, (0, 0, None))(jnp.arange(ITEMS) % task.size, keys, split)

    def contents(batch: Example, count: int) -> set[Hashable]:
        examples = [jax.tree.map(lambda x, i=i: x[i], batch) for i in range(count)]
        if drawn_anew:
            return {frozenset(small.identities(example)) for example in examples}
        return {tuple(x.tobytes() for x in jax.tree.leaves(example)) for example in examples}

    with _tracing(task, "item"):
        batch, again = (jax.tree.map(np.asarray, items(_numeric(small), "train", seed)) for seed in (0, 1))
    drawn_anew = not jax.tree.all(jax.tree.map(np.array_equal, batch, again))
    known, drawn = contents(batch, size), contents(_sample_batch(small, "train"), EXAMPLES)
    _require(task, drawn <= known, f"training draws examples that are none of its {size} items")
    _require(task, len(known) > 1 or size == 1, f"its {size} items are all the same")


CHECKS: tuple[Callable[[Task], None], ...] = (
    shapes_match_spec,
    conditions_are_scored,
    oracle_agrees,
    knobs_are_traced,
    keys_decide,
    held_out_is_disjoint,
    rates_hold,
    render_is_whole,
    scores_fit,
    items_are_drawn,
)


def _sample(task: Task, split: str, seed: jax.Array) -> Example:
    _traces[split] += 1
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(EXAMPLES))
    return jax.vmap(task.sample, (0, None))(keys, split)


# This program runs a few times, so optimising it takes longer than it saves.
_jit = partial(jax.jit, static_argnums=1, compiler_options={"xla_backend_optimization_level": 0})
_batch = _jit(_sample)


def _sample_batch(task: Task, split: str, seed: int = 0, *, retrace: bool = False) -> Example:
    """Returns `EXAMPLES` examples as NumPy arrays with a leading axis; compiled once for each treedef and split."""
    sample = _jit(lambda *args: _sample(*args)) if retrace else _batch  # jit knows a function it has traced
    with _tracing(task, f"split {split}"):
        examples = sample(_numeric(task), split, seed)
    return jax.tree.map(np.asarray, examples)


@contextmanager
def _tracing(task: Task, what: str) -> Iterator[None]:
    try:
        yield
    except _LOOKS_AT_A_VALUE as e:
        raise AssertionError(f"{type(task).__name__}: {what} cannot be traced: {str(e).splitlines()[0]}") from e


def _numeric(task: Task) -> Task:
    """Returns the task with NumPy scalars for knobs, as the engine stacks them."""
    kinds = {float: np.float32, int: np.int32, bool: np.int32}
    return jax.tree.map(lambda x: kinds.get(type(x), np.asarray)(x), task)


def _condition_batches(task: Task) -> Iterator[tuple[str, Task, Example]]:
    for name, (variant, split) in task.materialise().conditions().items():
        yield name, variant, _sample_batch(variant, split)


def _each(batch: Example) -> Iterator[Example]:
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(EXAMPLES))


def _changed_knobs(task: Task) -> Iterator[tuple[str, Task]]:
    """Yields, for each knob, the task with another value of it that is within bounds and raises no problem, if any."""
    for name, d in declared(type(task)).items():
        if not d.traced:
            continue
        now = getattr(task, name)
        if now is None or d.type is dict:  # an optional knob that is unset is no leaf; others' fields are theirs
            continue
        tries = [v for v in (d.low, now + 1, now - 1, d.high) if v is not None and v != now]
        inside = [v for v in tries if (d.low is None or v >= d.low) and (d.high is None or v <= d.high)]
        fine = [other for v in inside if not list((other := task.replace(**{name: d.type(v)})).problems())]
        if fine:
            yield name, fine[0].materialise()


def _require(task: Task, fine: bool | np.bool_, broken: str) -> None:
    if not fine:
        raise AssertionError(f"{type(task).__name__}: {broken}")
