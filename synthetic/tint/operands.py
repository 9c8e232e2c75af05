"""Operands: their laws, and which of them are for testing only.

By length: a uniform number of digits, then a uniform number of so many. By magnitude: a uniform number (arXiv
2402.04004, section 3). The operands of an example, in whatever order, are all for training or all for testing. A keyed
hash of them decides: an eighth is held out, and those of the wrong side are drawn anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthetic.tint import words
from synthetic.tint.arrays import POWERS, Items, Value
from synthetic.tint.language import Operation

HELD_OUT = 8  # one hash value of so many is for testing
_OPERAND = 1000  # streams of the second operand and on, beyond those of a list's numbers


@dataclass(frozen=True)
class Laws:
    """Holds the bounds of operands, in digits and, for lists, in numbers, and the share that is drawn by magnitude."""

    min_digits: int
    max_digits: int
    min_items: int
    max_items: int
    magnitude: float


def draw(keys: np.ndarray, attempt: np.ndarray, operation: Operation, laws: Laws) -> list[Value]:
    """Draws operands of each row; another `attempt` int64[B] gives others."""
    first = words.fold(words.fold(keys, words.OPERANDS), attempt)
    by_magnitude = words.happens(words.fold(first, 0), laws.magnitude)
    if operation.takes_list:  # each operand from a stream of its own
        streams = [first, *(words.fold(first, _OPERAND + i) for i in range(1, len(operation.parameters)))]
        named = zip(operation.parameters, streams, strict=True)
        return [(_items if name in operation.lists else _number)(stream, by_magnitude, laws) for name, stream in named]
    drawn = [_number(first, by_magnitude, laws, which) for which in range(len(operation.parameters))]
    if operation.larger_first:
        drawn = [np.maximum(drawn[0], drawn[1]), np.minimum(drawn[0], drawn[1])]
    if operation.divisor:
        drawn[1] = np.maximum(drawn[1], 1)
    return [*drawn]


def _number(stream: np.ndarray, by_magnitude: np.ndarray, laws: Laws, which: int = 0) -> np.ndarray:
    """Draws number `which` of each row's stream."""
    shortest, span = laws.min_digits, laws.max_digits - laws.min_digits + 1
    digits = shortest + words.below(words.fold(stream, 2 + 2 * which), span)
    low = np.where(by_magnitude, shortest, digits) - 1
    low = np.where(low > 0, 10**low, 0)
    high = 10 ** np.where(by_magnitude, laws.max_digits, digits)
    return low + words.below(words.fold(stream, 3 + 2 * which), high - low)


def _items(stream: np.ndarray, by_magnitude: np.ndarray, laws: Laws) -> Items:
    """Draws a list from each row's stream."""
    count = laws.min_items + words.below(words.fold(stream, 1), laws.max_items - laws.min_items + 1)
    values = np.stack([_number(stream, by_magnitude, laws, i) for i in range(laws.max_items)], 1)
    return Items(np.where(np.arange(laws.max_items) < count[:, None], values, 0), count)


def held_out(operands: Sequence[Value], seed: int) -> np.ndarray:
    """Returns whether each row's operands are for testing, bool[B]; their order does not matter."""
    numbers = _columns(operands)
    # -1, for no number, comes first.
    ordered = np.sort(numbers, 1)
    mark = np.broadcast_to(words.root(seed, words.SIDES), ordered.shape[:1])
    for column in ordered.T:
        mark = np.where(column >= 0, words.fold(mark, np.maximum(column, 0)), mark)
    return mark % np.uint64(HELD_OUT) == 0


def side_missing(operation: Operation, laws: Laws, seed: int) -> str:
    """Returns "training" or "testing" if so few operands exist that none is left for it; else an empty text."""
    if laws.max_digits > 1 or (operation.takes_list and laws.max_items > 2):
        return ""
    keys = words.fold(words.root(0, _OPERAND), np.arange(2048))  # so many draws meet all operands
    sides = held_out(draw(keys, np.zeros(keys.size, np.int64), operation, laws), seed)
    return "" if sides.any() and not sides.all() else "training" if sides.all() else "testing"


def digits(operands: Sequence[Value]) -> np.ndarray:
    """Returns the digits of the longest operand, int64[B]."""
    largest = _columns(operands).max(1)
    return 1 + (largest[:, None] >= POWERS[1:]).sum(1)


def select(operands: Sequence[Value], rows: np.ndarray) -> list[Value]:
    """Returns the operands of some rows."""
    return [Items(x.values[rows], x.sizes[rows]) if isinstance(x, Items) else np.asarray(x)[rows] for x in operands]


def _columns(operands: Sequence[Value]) -> np.ndarray:
    """Returns all numbers as int64[B, n], with -1 after the end of shorter lists."""
    columns = [
        np.where(np.arange(x.values.shape[1]) < x.sizes[:, None], x.values, -1)
        if isinstance(x, Items)
        else np.asarray(x)[:, None]
        for x in operands
    ]
    return np.concatenate(columns, 1)


def assign(operands: Sequence[Value], rows: np.ndarray, others: Sequence[Value]) -> None:
    """Puts other operands in some rows."""
    for x, other in zip(operands, others, strict=True):
        if isinstance(x, Items):
            assert isinstance(other, Items)
            x.values[rows], x.sizes[rows] = other.values, other.sizes
        elif isinstance(x, np.ndarray):
            x[rows] = other
