"""The library of RASP-L: functions made of the core's operations (arXiv 2310.16028, after the authors' NumPy library).

Each is defined by operations. JAX computes the same in less than T^2 steps if it can: see `computed_as`. `argmax`,
`argmin` and with them `mode` do not run as published, because a predicate is missing; here they do what was meant.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from synthetic.rasp.core import (
    Binary,
    Seq,
    computed_as,
    constant,
    equals,
    full,
    gt,
    indices,
    kqv,
    saturate,
    sel_width,
    select,
    seq_map,
    tok_map,
)


def _shifted(x: jax.Array, n: int, default: int = 0) -> jax.Array:
    n = min(n, x.shape[0])
    return jnp.concatenate([jnp.full((n,), constant(default, x)), x[: x.shape[0] - n]])


@computed_as(_shifted)
def shift_right(x: Seq, n: int, default: int = 0) -> Seq:
    """Returns x_(i-n), the token n >= 0 positions before; `default` at the first n positions."""
    places = indices(x)
    return kqv(places, tok_map(places, lambda i: i - n), x, equals, default)


def _counted(b: jax.Array) -> jax.Array:
    return saturate(jnp.cumsum(b != 0, dtype=jnp.int32), b)


@computed_as(_counted)
def cumsum(b: Seq) -> Seq:
    """Returns how many of b_0 .. b_i are not 0."""
    return sel_width(select(b, b, lambda key, _: key != 0))


def mask(x: Seq, m: Seq, val: int = 0) -> Seq:
    """Keeps x where m is not 0; returns `val` elsewhere."""
    return seq_map(x, m, lambda t, kept: val + (kept != 0) * (t - val))


@computed_as(lambda c, a, b: jnp.where(c != 0, a, b))
def where(c: Seq, a: Seq, b: Seq) -> Seq:
    """Returns the a's where c is not 0, else the b's."""
    return seq_map(mask(a, c), mask(b, tok_map(c, lambda t: t == 0)), lambda s, t: s + t)


def _running(x: jax.Array, combine: Binary) -> jax.Array:
    """Combines x_0 .. x_i by a maximum or minimum, in log T steps: half the time of `lax.cummax` on a CPU."""
    reach = 1
    while reach < x.shape[0]:
        x = combine(x, jnp.concatenate([jnp.full((reach,), x[0]), x[:-reach]]))
        reach *= 2
    return x


@computed_as(lambda x: _running(x, jnp.maximum))
def maximum(x: Seq) -> Seq:
    """Returns the largest of x_0 .. x_i."""
    return kqv(x, x, x, lambda key, query: key == key, reduction="max")


@computed_as(lambda x: _running(x, jnp.minimum))
def minimum(x: Seq) -> Seq:
    """Returns the least of x_0 .. x_i."""
    return kqv(x, x, x, lambda key, query: key == key, reduction="min")


def _latest(x: jax.Array, extreme: jax.Array) -> jax.Array:
    # The latest position whose value equals the largest so far is the latest that was the largest when it came.
    return _running(jnp.where(x == extreme, indices(x), 0), jnp.maximum)


@computed_as(lambda x: _latest(x, maximum(x)))
def argmax(x: Seq) -> Seq:
    """Returns the latest position of the largest of x_0 .. x_i."""
    return kqv(x, maximum(x), indices(x), equals, reduction="max")


@computed_as(lambda x: _latest(x, minimum(x)))
def argmin(x: Seq) -> Seq:
    """Returns the latest position of the least of x_0 .. x_i."""
    return kqv(x, minimum(x), indices(x), equals, reduction="max")


def num_prev(x: Seq, q: Seq) -> Seq:
    """Returns how many of x_0 .. x_i equal q_i."""
    return sel_width(select(x, q, equals))


def has_seen(x: Seq, q: Seq) -> Seq:
    """Returns 1 if one of x_0 .. x_i equals q_i, else 0."""
    return kqv(x, q, full(x, 1), equals, reduction="max")


def firsts(x: Seq, q: Seq, default: int = -1) -> Seq:
    """Returns the first position, of 0 .. i, at which x equals q_i; `default` if there is none."""
    return kqv(x, q, indices(x), equals, default, "min")


def lasts(x: Seq, q: Seq, default: int = -1) -> Seq:
    """Returns the last position, of 0 .. i, at which x equals q_i; `default` if there is none."""
    return kqv(x, q, indices(x), equals, default, "max")


def _selected(x: jax.Array, idx: jax.Array, default: int = 0) -> jax.Array:
    visible = (idx >= 0) & (idx <= indices(idx))
    return jnp.where(visible, x[jnp.where(visible, idx.astype(jnp.int32), 0)], constant(default, x))


@computed_as(_selected)
def index_select(x: Seq, idx: Seq, default: int = 0) -> Seq:
    """Returns the token at position idx_i if that is one of 0 .. i, else `default`."""
    return kqv(indices(x), idx, x, equals, default)


def _first_one(x: jax.Array, default: int = -1) -> jax.Array:
    largest = jnp.iinfo(jnp.int32).max
    first = _running(jnp.where(x == 1, indices(x).astype(jnp.int32), largest), jnp.minimum)
    return jnp.where(first == largest, constant(default, x), first.astype(x.dtype))


@computed_as(_first_one)
def first_true(x: Seq, default: int = -1) -> Seq:
    """Returns the first position, of 0 .. i, at which x is 1; `default` as long as there is none."""
    return firsts(x, full(x, 1), default)


def mode(x: Seq) -> Seq:
    """Returns the most frequent of x_0 .. x_i; of several the one that became so last."""
    return index_select(x, argmax(num_prev(x, x)))


def binary_mode(x: Seq) -> Seq:
    """Returns 1 if more of x_0 .. x_i are 1 than are 0, else 0; other tokens do not count."""
    return seq_map(cumsum(tok_map(x, lambda t: t == 1)), cumsum(tok_map(x, lambda t: t == 0)), gt)


def induct_kqv(k: Seq, q: Seq, v: Seq, offset: int, default: int = 0, null: int = -128) -> Seq:
    """Returns v_j for the first j <= i with k_(j - offset) = q_i, else `default`.

    This is the value `offset` after the first match. `null` fills the places with no key yet, so no query should have
    it.
    """
    return index_select(v, firsts(shift_right(k, offset, null), q), default)


def induct(k: Seq, q: Seq, offset: int, default: int = 0, null: int = -128) -> Seq:
    """Returns the token of k that lies `offset` after the first one equal to q_i; else `default`."""
    return induct_kqv(k, q, k, offset, default, null)


def induct_prev(k: Seq, q: Seq, offset: int, default: int = 0) -> Seq:
    """Returns the token of k that lies -`offset` before the first one equal to q_i, for offset < 0; else `default`."""
    return index_select(k, tok_map(firsts(k, q), lambda i: i + offset), default)
