"""The core of RASP-L, a language of sequence operations that causal transformers learn easily (arXiv 2310.16028).

A sequence is an array of integers [T]. Every operation maps sequences to sequences of the same length, and the value at
position i depends on positions up to i only. Batches are made by `vmap`. With tokens 5 2 5 5:

    indices                          0 1 2 3
    sel_width(select(x, x, equals))  1 1 2 3      how often the token here occurred so far

*Integers.* In the paper every value is an int8, so that any map from token to token is a finite table. Here values have
the type of the tokens. With int8 tokens every operation's result is an int8; a result beyond -128 .. 127 becomes the
nearer of these. There are then at most 128 positions, so that every index is an int8, and a constant that is no int8 is
an error. With int32 tokens longer sequences and larger vocabularies can be computed, so that programs can be tried
beyond 128. int32 values have to be less than 2^31 - 1 in size, and so have the sums in a mean.

*Programs* are Python functions made of these operations alone. Between operations nothing is computed, except in the
functions and predicates they are given, which read and return whole numbers and use operators only. So a program means
the same to another interpreter (`interpreted`), and its operations can be counted (`operations`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

import jax
import jax.numpy as jnp

P = ParamSpec("P")
R = TypeVar("R")

# A sequence is int32[T] or int8[T]; to another interpreter it is whatever that computes with.
if TYPE_CHECKING:
    Seq: TypeAlias = jax.Array
else:
    Seq: TypeAlias = Any
Map: TypeAlias = Callable[[Any], Any]
Binary: TypeAlias = Callable[[Any, Any], Any]  # a predicate's first argument is the key, the second the query

# Number of keys at a time. XLA makes one loop of selecting and reducing up to 32 of them; with more it writes all of
# [T, T] to memory first, which takes 20 times as long on a CPU.
_BLOCK = 32

_interpreter: ContextVar[Mapping[str, Callable[..., Any]] | None] = ContextVar("interpreter", default=None)


class Selection(NamedTuple):
    """Says which positions each position attends to: j for i if j <= i and predicate(keys[j], queries[i]).

    It is computed as it is aggregated, a part at a time.
    """

    keys: jax.Array
    queries: jax.Array
    predicate: Binary


@contextmanager
def interpreted(by: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Computes programs inside the block by these functions, one for each name in `OPERATIONS`.

    Definitions alone apply, not the quick forms of `computed_as`.
    """
    token = _interpreter.set(by)
    try:
        yield
    finally:
        _interpreter.reset(token)


def _operation(compute: Callable[P, R]) -> Callable[P, R]:
    """Makes an operation of the language, computed by JAX unless another interpreter is in force."""

    @wraps(compute)
    def operate(*args: P.args, **kwargs: P.kwargs) -> R:
        by = _interpreter.get()
        return compute(*args, **kwargs) if by is None else by[compute.__name__](*args, **kwargs)

    return operate


def computed_as(quick: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function defined by operations: JAX computes `quick`, which is equal and takes no pairs [T, T].

    The definition, which other interpreters follow, is the function's `__wrapped__`.
    """

    def decorate(definition: Callable[P, R]) -> Callable[P, R]:
        @wraps(definition)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return (quick if _interpreter.get() is None else definition)(*args, **kwargs)

        return call

    return decorate


def saturate(values: jax.Array, like: jax.Array) -> jax.Array:
    """Returns `values` in the type of `like`; those beyond an int8 become the nearest one."""
    values = jnp.asarray(values)
    if like.dtype == jnp.int8 and values.dtype != jnp.bool:
        values = jnp.clip(values, -128, 127)
    return values.astype(like.dtype)


def constant(c: int, like: jax.Array) -> jax.Array:
    """Returns `c` in the type of `like`. Raises ValueError if a Python integer is none of its values."""
    if like.dtype == jnp.int8 and isinstance(c, int) and not -128 <= c <= 127:
        raise ValueError(f"a program for int8 tokens has constants in -128 .. 127, got {c}")
    return jnp.asarray(c, like.dtype)


def _places(x: jax.Array) -> jax.Array:
    """Returns 0 .. T-1, int32. Raises ValueError if these are not all of the type of x."""
    if x.dtype == jnp.int8 and x.shape[0] > 128:
        raise ValueError(f"int8 tokens have at most 128 positions, got {x.shape[0]}")
    return jnp.arange(x.shape[0], dtype=jnp.int32)


def equals(key: Any, query: Any) -> Any:
    """Returns whether the key equals the query."""
    return key == query


def leq(key: Any, query: Any) -> Any:
    """Returns whether the key is at most the query."""
    return key <= query


def lt(key: Any, query: Any) -> Any:
    """Returns whether the key is less than the query."""
    return key < query


def geq(key: Any, query: Any) -> Any:
    """Returns whether the key is at least the query."""
    return key >= query


def gt(key: Any, query: Any) -> Any:
    """Returns whether the key is greater than the query."""
    return key > query


def choose(condition: Any, this: Any, that: Any) -> Any:
    """Returns `this` if the condition is true, else `that`.

    It is for the functions that `tok_map` and `seq_map` are given.
    """
    return that + condition * (this - that)


@_operation
def full(x: Seq, c: int) -> Seq:
    """Returns the constant c at every position of x."""
    return jnp.full(x.shape, constant(c, x))


@_operation
def indices(x: Seq) -> Seq:
    """Returns 0 .. T-1. With indices the language allows only comparing them and adding a constant."""
    return _places(x).astype(x.dtype)


@_operation
def tok_map(x: Seq, f: Map) -> Seq:
    """Applies f to each token. It reads int32 and gives int32 or bool, which becomes an int8 if tokens are."""
    return saturate(f(x.astype(jnp.int32)), x)


@_operation
def seq_map(x: Seq, y: Seq, f: Binary) -> Seq:
    """Applies f to x_i and y_i at each position, as in `tok_map`."""
    return saturate(f(x.astype(jnp.int32), y.astype(jnp.int32)), x)


@_operation
def select(k: Seq, q: Seq, predicate: Binary) -> Selection:
    """Selects for each position i the positions j <= i at which predicate(k_j, q_i). It is always causal."""
    _places(k)
    return Selection(k, q, predicate)


@_operation
def sel_width(a: Selection) -> Seq:
    """Returns the number of selected positions."""
    return saturate(_total(a, jnp.ones_like(a.keys)), a.keys)


@_operation
def aggr_mean(a: Selection, v: Seq, default: int = 0) -> Seq:
    """Returns the mean of v over the selected positions, rounded toward zero; `default` if there are none."""
    width = _total(a, jnp.ones_like(v))
    mean = jax.lax.div(_total(a, v), jnp.maximum(width, 1))  # truncates
    return jnp.where(width > 0, mean.astype(v.dtype), constant(default, v))


@_operation
def aggr_max(a: Selection, v: Seq, default: int = 0) -> Seq:
    """Returns the largest v of the selected positions; `default` if there are none."""
    nothing = jnp.iinfo(_wide(v)).min
    largest = _fold(a, v, nothing, jnp.max, jnp.maximum)
    return jnp.where(largest == nothing, constant(default, v), largest.astype(v.dtype))


@_operation
def aggr_min(a: Selection, v: Seq, default: int = 0) -> Seq:
    """Returns the least v of the selected positions; `default` if there are none."""
    nothing = jnp.iinfo(_wide(v)).max
    least = _fold(a, v, nothing, jnp.min, jnp.minimum)
    return jnp.where(least == nothing, constant(default, v), least.astype(v.dtype))


OPERATIONS = (full, indices, tok_map, seq_map, select, sel_width, aggr_mean, aggr_max, aggr_min)


def kqv(k: Seq, q: Seq, v: Seq, predicate: Binary, default: int = 0, reduction: str = "mean") -> Seq:
    """Selects and aggregates: two operations. `reduction` is "mean", "max" or "min"."""
    aggregate = {"mean": aggr_mean, "max": aggr_max, "min": aggr_min}[reduction]
    return aggregate(select(k, q, predicate), v, default)


def operations(program: Callable[[Seq], Seq]) -> list[str]:
    """Returns the names of the operations that a program is made of, in order, the library's expanded to the core's.

    Every call counts, also of a constant and of `indices`. Raises TypeError if the program computes by anything else.
    """
    called: list[str] = []

    def note(name: str, *_: Any, **__: Any) -> _Unknown:
        called.append(name)
        return _Unknown()

    names = [operation.__name__ for operation in OPERATIONS]
    with interpreted({name: partial(note, name) for name in names}):
        program(_Unknown())  # pyright: ignore[reportArgumentType]
    return called


class _Unknown:
    """Stands for a sequence of which nothing is known: only operations take it."""

    __eq__ = __bool__ = __hash__ = None  # pyright: ignore[reportAssignmentType]


def _wide(x: jax.Array) -> Any:
    """Returns the type in which sequences like x are aggregated.

    It holds the sums of int8s, and two values that are no int8.
    """
    return jnp.int16 if x.dtype == jnp.int8 else jnp.int32


def _total(a: Selection, v: jax.Array) -> jax.Array:
    return _fold(a, v, 0, partial(jnp.sum, promote_integers=False), jnp.add)


def _fold(a: Selection, v: jax.Array, nothing: int, reduce: Callable[..., jax.Array], combine: Binary) -> jax.Array:
    """Reduces v over the selected positions; returns `nothing` if none is selected."""
    size, wide = v.shape[0], _wide(v)
    keys, queries, values = (x.astype(wide) for x in (a.keys, a.queries, v))

    def add(total: jax.Array, columns: slice, rows: slice, *, causal: bool) -> jax.Array:
        """Reduces over `columns` too: each lies before all rows, or with `causal` columns and rows are the same."""
        block = min(_BLOCK, columns.stop - columns.start)
        place = jnp.arange(columns.stop - columns.start)
        # The last block is filled up with columns later than every row, if there are any.
        k, v = (jnp.pad(x[columns], (0, -place.size % block)) for x in (keys, values))

        def add_block(b: jax.Array, total: jax.Array) -> jax.Array:
            key, value = (jax.lax.dynamic_slice(x, (b * block,), (block,))[None, :] for x in (k, v))
            chosen = jnp.asarray(a.predicate(key, queries[rows][:, None])).astype(bool)
            if causal:
                chosen &= (b * block + jnp.arange(block)).astype(wide)[None, :] <= place.astype(wide)[:, None]
            return combine(total, reduce(jnp.where(chosen, value, nothing), axis=1))

        return jax.lax.fori_loop(0, -(-place.size // block), add_block, total)

    # It takes the matrix's lower triangle in quarters: little of the upper one is computed, and most without a mask.
    step = -(-size // (4 * _BLOCK)) * _BLOCK
    total, done = jnp.full((size,), nothing, wide), []
    for start in range(0, size, step):
        here, after = slice(start, min(start + step, size)), slice(start + step, size)
        done.append(add(total[:step], here, here, causal=True))
        total = total[step:] if start + step >= size else add(total[step:], here, after, causal=False)
    return jnp.concatenate(done)
