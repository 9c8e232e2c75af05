"""What is true of RASP-L's operations: they agree with plain Python, are causal, and stay in the type of the tokens."""

import inspect
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthetic.rasp import core, library

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

INPUTS, T = 10_000, 12


def toward_zero(total, count):
    return total // count if total >= 0 else -(-total // count)


def prefixes(one):
    """A function of three lists, from one of (their beginnings up to i, i)."""
    return lambda x, y, b: [one(x[: i + 1], y[: i + 1], b[: i + 1], i) for i in range(len(x))]


def aggregated(predicate, reduce, default):
    """What x aggregates to where x is the key and y the query."""

    def at(x, y, _, i):
        chosen = [v for v in x if predicate(v, y[i])]
        return reduce(chosen) if chosen else default

    return prefixes(at)


def mean(values):
    return toward_zero(sum(values), len(values))


def first(values, value, default):
    return values.index(value) if value in values else default


def last(values, value, default):
    return len(values) - 1 - values[::-1].index(value) if value in values else default


def pick(values, index, default):
    return values[index] if 0 <= index < len(values) else default


def often(x, *_):
    # The mode that was reached last: counts of the token at hand, the latest of the largest.
    counts = [x[: j + 1].count(x[j]) for j in range(len(x))]
    return x[last(counts, max(counts), None)]


def follower(values, query, given, offset, default):
    """The element of `given` that is `offset` after the first `query` in `values`."""
    found = first(values[: max(len(values) - offset, 0)], query, None)
    return default if found is None else given[found + offset]


# Name to (operation, the same by plain Python); x is small numbers, y indices from -2 on, b mostly 0 and 1.
CASES: dict[str, tuple[Any, Any]] = {
    "full": (lambda x, y, b: core.full(x, -7), prefixes(lambda *_: -7)),
    "indices": (lambda x, y, b: core.indices(x), prefixes(lambda x, y, b, i: i)),
    "tok_map": (
        lambda x, y, b: core.tok_map(x, lambda t: t * t - 3 * t),
        prefixes(lambda x, y, b, i: x[i] ** 2 - 3 * x[i]),
    ),
    "tok_map/bool": (lambda x, y, b: core.tok_map(x, lambda t: t > 1), prefixes(lambda x, y, b, i: int(x[i] > 1))),
    "seq_map": (
        lambda x, y, b: core.seq_map(x, y, lambda s, t: 2 * s - t),
        prefixes(lambda x, y, b, i: 2 * x[i] - y[i]),
    ),
    **{
        f"select/{name}": (
            lambda x, y, b, ours=ours: core.sel_width(core.select(x, y, ours)),
            prefixes(lambda x, y, b, i, theirs=theirs: sum(theirs(key, y[i]) for key in x)),
        )
        for name, ours, theirs in [
            ("equals", core.equals, int.__eq__),
            ("leq", core.leq, int.__le__),
            ("lt", core.lt, int.__lt__),
            ("geq", core.geq, int.__ge__),
            ("gt", core.gt, int.__gt__),
        ]
    },
    "select/not_bool": (
        lambda x, y, b: core.sel_width(core.select(x, y, lambda key, query: key * query)),
        prefixes(lambda x, y, b, i: sum(key * y[i] != 0 for key in x)),
    ),
    **{
        f"aggr_{reduce.__name__}": (
            lambda x, y, b, aggregate=aggregate: aggregate(core.select(x, y, core.gt), x, 5),
            aggregated(int.__gt__, reduce, 5),
        )
        for aggregate, reduce in [(core.aggr_mean, mean), (core.aggr_max, max), (core.aggr_min, min)]
    },
    **{
        f"kqv/{name}": (
            lambda x, y, b, name=name: core.kqv(x, y, x, core.lt, reduction=name),
            aggregated(int.__lt__, reduce, 0),
        )
        for name, reduce in {"mean": mean, "max": max, "min": min}.items()
    },
    **{
        f"shift_right/{n}": (
            lambda x, y, b, n=n: library.shift_right(x, n, -3),
            prefixes(lambda x, y, b, i, n=n: pick(x, i - n, -3)),
        )
        for n in (0, 1, 3, T, T + 5)
    },
    "cumsum": (lambda x, y, b: library.cumsum(b), prefixes(lambda x, y, b, i: sum(t != 0 for t in b))),
    "where": (lambda x, y, b: library.where(b, x, y), prefixes(lambda x, y, b, i: x[i] if b[i] else y[i])),
    "mask": (lambda x, y, b: library.mask(x, b, -6), prefixes(lambda x, y, b, i: x[i] if b[i] else -6)),
    "maximum": (lambda x, y, b: library.maximum(x), prefixes(lambda x, y, b, i: max(x))),
    "minimum": (lambda x, y, b: library.minimum(x), prefixes(lambda x, y, b, i: min(x))),
    "argmax": (lambda x, y, b: library.argmax(x), prefixes(lambda x, y, b, i: last(x, max(x), None))),
    "argmin": (lambda x, y, b: library.argmin(x), prefixes(lambda x, y, b, i: last(x, min(x), None))),
    "num_prev": (lambda x, y, b: library.num_prev(x, y), prefixes(lambda x, y, b, i: x.count(y[i]))),
    "has_seen": (lambda x, y, b: library.has_seen(x, y), prefixes(lambda x, y, b, i: int(y[i] in x))),
    "firsts": (lambda x, y, b: library.firsts(x, y), prefixes(lambda x, y, b, i: first(x, y[i], -1))),
    "lasts": (lambda x, y, b: library.lasts(x, y, -9), prefixes(lambda x, y, b, i: last(x, y[i], -9))),
    "index_select": (
        lambda x, y, b: library.index_select(x, y, -8),
        prefixes(lambda x, y, b, i: pick(x, y[i], -8)),
    ),
    "first_true": (lambda x, y, b: library.first_true(b), prefixes(lambda x, y, b, i: first(b, 1, -1))),
    "mode": (lambda x, y, b: library.mode(x), prefixes(often)),
    "binary_mode": (
        lambda x, y, b: library.binary_mode(x),
        prefixes(lambda x, y, b, i: int(x.count(1) > x.count(0))),
    ),
    "induct_kqv": (
        lambda x, y, b: library.induct_kqv(x, y, b, 2, -4),
        prefixes(lambda x, y, b, i: follower(x, y[i], b, 2, -4)),
    ),
    "induct": (lambda x, y, b: library.induct(x, y, 1), prefixes(lambda x, y, b, i: follower(x, y[i], x, 1, 0))),
    "induct_prev": (
        lambda x, y, b: library.induct_prev(x, y, -2, 6),
        prefixes(lambda x, y, b, i: pick(x, first(x, y[i], -1) - 2, 6)),
    ),
}
each_case = pytest.mark.parametrize("case", CASES)


def tokens(count, length, seed=0, dtype: Any = np.int32):
    """x in -4 .. 4, y in -2 .. length + 1, b in 0 .. 2 with few 2s: each [count, length]."""
    draw = np.random.default_rng(seed)
    x, y = draw.integers(-4, 5, (count, length)), draw.integers(-2, min(length + 2, 14), (count, length))
    b = draw.choice(3, (count, length), p=(0.5, 0.4, 0.1))
    return tuple(array.astype(dtype) for array in (x, y, b))


def by_python(case, given):
    return [CASES[case][1](*lists) for lists in zip(*(array.tolist() for array in given), strict=True)]


@each_case
def test_a_rasp_operation_equals_plain_python(case):
    given = tokens(INPUTS, T)
    computed = jit(jax.vmap(CASES[case][0]))(*given)
    assert computed.dtype == jnp.int32
    assert computed.tolist() == by_python(case, given)


@each_case
def test_a_rasp_operation_is_the_same_on_int8(case):
    given = tokens(300, T, seed=1, dtype=np.int8)
    computed = jit(jax.vmap(CASES[case][0]))(*given)
    assert computed.dtype == jnp.int8
    assert computed.tolist() == by_python(case, given)


@pytest.mark.parametrize("length", [1, 31, 33, 129, 300])
def test_aggregates_are_the_same_at_any_length(length):
    given = tokens(12, length, seed=length)
    cases = [case for case in CASES if case.startswith(("select", "aggr"))]
    computed = jit(jax.vmap(lambda x, y, b: [CASES[case][0](x, y, b) for case in cases]))(*given)
    for case, values in zip(cases, computed, strict=True):
        assert values.tolist() == by_python(case, given), case


def test_functions_of_the_rasp_library_equal_their_definitions():
    given = tokens(100, 65, seed=2)
    cases = ["shift_right/3", "cumsum", "where", "maximum", "minimum", "argmax", "argmin", "index_select", "first_true"]

    def compute(x, y, b):
        return {case: CASES[case][0](x, y, b) for case in cases}

    quick = jit(jax.vmap(compute))(*given)
    with core.interpreted({operation.__name__: inspect.unwrap(operation) for operation in core.OPERATIONS}):
        defined = jit(jax.vmap(lambda *lists: compute(*lists)))(*given)
    for case in cases:
        assert (quick[case] == defined[case]).all(), case


def test_later_inputs_never_change_earlier_values_of_a_rasp_operation():
    draw = np.random.default_rng(3)
    one, two = tokens(500, T, seed=4), tokens(500, T, seed=5)
    same = np.arange(T) < draw.integers(0, T + 1, (500, 1))
    two = tuple(np.where(same, a, b) for a, b in zip(one, two, strict=True))

    def compute(x, y, b):
        return {case: compute(x, y, b) for case, (compute, _) in CASES.items()}

    compute = jit(jax.vmap(compute))
    values, others = compute(*one), compute(*two)
    assert not all((a == b).all() for a, b in zip(one, two, strict=True))
    for name in values:
        assert (values[name] == others[name])[same].all(), name


def test_int8_values_saturate_and_values_of_other_types_are_an_error():
    x = jnp.arange(-128, 128, dtype=jnp.int8).reshape(2, 128)
    assert core.tok_map(x[1], lambda t: 3 * t - 200).tolist() == [max(-128, min(3 * t - 200, 127)) for t in range(128)]
    assert core.seq_map(x[0], x[1], lambda s, t: s - t).tolist() == [-128] * 128
    assert library.num_prev(core.full(x[0], 1), core.full(x[0], 1)).tolist() == [*range(1, 128), 127]
    assert library.shift_right(x[1], 1, -128).tolist() == [-128, *range(127)]
    assert core.indices(x[0]).tolist() == list(range(128))

    @jit
    @jax.vmap
    def aggregates(constant):
        everything = core.select(constant, constant, core.equals)
        return [f(everything, constant, 5) for f in (core.aggr_mean, core.aggr_max, core.aggr_min)]

    # No value is mistaken for the absence of one, and sums do not overflow.
    extremes = jnp.full((2, 128), jnp.array([[-128], [127]], jnp.int8))
    assert all((values == extremes).all() for values in aggregates(extremes))
    with pytest.raises(ValueError, match=r"constants in -128 \.\. 127, got 128"):
        core.full(x[0], 128)
    with pytest.raises(ValueError, match="at most 128 positions, got 129"):
        library.cumsum(library.num_prev(*[jnp.zeros((129,), jnp.int8)] * 2))
