"""Numbers and lists of many rows, and the language's operators and functions on them, in NumPy."""

from __future__ import annotations

import ast
from typing import NamedTuple

import numpy as np

from synthetic.tint.limits import DIGITS, HALF, LIMIT

POWERS = 10 ** np.arange(DIGITS, dtype=np.int64)


class Items(NamedTuple):
    """Holds a list for each row: the first `sizes` int64[B] of `values` int64[B, M]."""

    values: np.ndarray
    sizes: np.ndarray


class Digits(NamedTuple):
    """Holds a string of digits for each row: `sizes` int64[B] digits, of which `values` int64[B] has no zeros."""

    values: np.ndarray
    sizes: np.ndarray


Number = np.ndarray | int
Value = Number | Items | Digits


def choose(mask: np.ndarray, new: Value, old: Value) -> Value:
    """Returns `new` in the rows of `mask`, `old` in the others."""
    if isinstance(new, Items):
        assert isinstance(old, Items)
        width = max(new.values.shape[1], old.values.shape[1])
        a, b = (np.pad(items.values, ((0, 0), (0, width - items.values.shape[1]))) for items in (new, old))
        return Items(np.where(mask[:, None], a, b), np.where(mask, new.sizes, old.sizes))
    assert not isinstance(old, Items)
    if isinstance(new, Digits) or isinstance(old, Digits):
        a, b = as_digits(new), as_digits(old)
        return Digits(np.where(mask, a.values, b.values), np.where(mask, a.sizes, b.sizes))
    return np.where(mask, new, old)


def as_digits(x: Value) -> Digits:
    """Returns the digits of numbers, which have no zeros in front."""
    if isinstance(x, Digits):
        return x
    assert not isinstance(x, Items), "a list, not a number"
    x = np.asarray(x, np.int64)
    return Digits(x, 1 + np.searchsorted(POWERS[1:], x, side="right"))


def as_number(x: Value) -> Number:
    """Returns numbers whose digits are given; no digit is 0."""
    assert not isinstance(x, Items), "a list, not a number"
    return x.values if isinstance(x, Digits) else x


def added(x: Number, y: Number) -> np.ndarray:
    """Returns x + y modulo `LIMIT`."""
    return np.asarray(x + y) % LIMIT


def subtracted(x: Number, y: Number) -> np.ndarray:
    """Returns the absolute difference."""
    return abs(np.asarray(x) - y)


def multiplied(x: Number, y: Number) -> np.ndarray:
    """Returns x y, with factors modulo `HALF`."""
    return np.asarray(x % HALF) * (y % HALF)


def divided(op: ast.operator, x: Number, y: Number) -> np.ndarray:
    """Returns x // y or x % y; 0 if y is 0."""
    divisor = y if isinstance(y, int) else np.where(y == 0, 1, y)
    if isinstance(op, ast.FloorDiv):
        return np.where(np.asarray(y) == 0, 0, x // divisor)
    return np.where(np.asarray(y) == 0, 0, x % divisor)


def read(items: Items, index: Number) -> np.ndarray:
    """Reads the item at an index, or the last one past the end, or 0 of an empty list."""
    if items.values.shape[1] == 0:
        return np.zeros_like(items.sizes)
    at = np.clip(np.minimum(index, items.sizes - 1), 0, None)
    item = np.take_along_axis(items.values, at[:, None], 1)[:, 0]
    return np.where(items.sizes > 0, item, 0)


def _length(x):
    return np.maximum(1, (np.asarray(x)[:, None] >= POWERS).sum(1)) if np.ndim(x) else len(str(x))


def _digit(x, place):
    return np.where(np.asarray(place) < DIGITS, x // POWERS[np.minimum(place, DIGITS - 1)] % 10, 0)


def _put(d, x, place):
    return (x + d % 10 * POWERS[np.asarray(place) % DIGITS]) % LIMIT


def _join(x, d):
    return x % (LIMIT // 10) * 10 + d % 10


def _without(items: Items, index) -> Items:
    at = np.minimum(index, np.maximum(items.sizes - 1, 0))[:, None]
    if items.values.shape[1] == 0:
        return items
    shifted = np.pad(items.values[:, 1:], ((0, 0), (0, 1)))
    values = np.where(np.arange(items.values.shape[1]) < at, items.values, shifted)
    return Items(values, np.maximum(items.sizes - 1, 0))


def _len(items: Items) -> np.ndarray:
    return items.sizes


FUNCTIONS = {"length": _length, "digit": _digit, "put": _put, "join": _join, "without": _without, "len": _len}
COMPARISONS = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
