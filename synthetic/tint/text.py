"""Traces as tokens: the vocabulary, and lines of numbers laid out as digits.

A token is a digit, a mark, a word of an operation's text or the name of a variable. Text is for the eye: tokens apart
by spaces, but brackets without, as the released code writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synthetic.tint import words
from synthetic.tint.arrays import Digits, Items, Value, as_digits
from synthetic.tint.language import COMPACT, operations
from synthetic.tint.limits import DIGITS
from synthetic.tint.machine import Line

UNNAMED = "?("  # stands for an operation that is not told
MARKS = (".", "\n", "=", ",", "[", "]", ")", "call(", UNNAMED)
FIRST_MARK = 10  # ids, those of the digits being the digits
END, NEWLINE = 10, 11
BESIDE = (",", "]", ")")  # marks that the released code writes without a space before them
_POWERS = 10 ** np.arange(DIGITS, dtype=np.int64)


def vocabulary(style: str = COMPACT) -> list[str]:
    """Returns each token's text: digits, marks, then the words and variables of each operation as it was declared."""
    texts = dict.fromkeys([*map(str, range(10)), *MARKS])
    for operation in operations(style).values():
        texts |= dict.fromkeys(word for word in (*operation.text, *operation.call) if not word.startswith("{"))
        texts |= dict.fromkeys(operation.names.values())
    return list(texts)


def format_tokens(tokens: Sequence[int], names: Sequence[str]) -> str:
    """Formats tokens as text."""
    text = " ".join(names[t] for t in tokens).replace(" \n ", "\n").replace(" \n", "\n")
    for spaced in ("( [", "] )", ") )", "[ ]"):
        text = text.replace(spaced, spaced.replace(" ", ""))
    return text


class Lines(NamedTuple):
    """Holds the lines of B rows, row after row.

    tokens: uint8[N]. lengths: tokens of each line, int64[L], every one above 0. counts: lines of each row, int64[B].
    """

    tokens: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Returns the row of each line, int64[L]."""
        return np.repeat(np.arange(self.counts.size), self.counts)

    @property
    def first(self) -> np.ndarray:
        """Returns the first line of each row, int64[B]."""
        return np.cumsum(self.counts) - self.counts

    def row_lengths(self) -> np.ndarray:
        """Returns the number of tokens of each row, int64[B]."""
        return np.bincount(self.rows, self.lengths, self.counts.size).astype(np.int64)

    def picked(self, lines: np.ndarray, counts: np.ndarray) -> Lines:
        """Returns the lines with these numbers, `counts` of them for each row, in this order."""
        lengths = self.lengths[lines]
        starts = (np.cumsum(self.lengths) - self.lengths)[lines]
        return Lines(self.tokens[within(starts, lengths)], lengths, counts)


def within(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns the places starts[i], starts[i] + 1 ... of each stretch, one stretch after another."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if ends.size else 0) + np.repeat(starts - ends + lengths, lengths)


def lay_out(lines: Sequence[Line], rows: int, ids: dict[str, int], *, newlines: bool) -> Lines:
    """Lays lines out as tokens; with `newlines` each ends in one, and a line equal to the one before it is left out."""
    values, masks, of_line = [], [], []  # pieces: a token as -1 - id, or a number
    last = np.zeros(rows, np.uint64)
    for number, line in enumerate(lines):
        mask = line.mask
        if newlines:
            mark = _fingerprint(line, ids, rows)
            mask = mask & (mark != last)
            last = np.where(mask, mark, last)
        for value, present in _pieces(line.parts, ids):
            values.append(np.broadcast_to(value, rows))
            masks.append(mask & present)
            of_line.append(number)
        if newlines:
            values.append(np.broadcast_to(np.int64(-1 - NEWLINE), rows))
            masks.append(mask)
            of_line.append(number)
    if not values:
        return Lines(np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(rows, np.int64))
    row, piece = np.nonzero(np.array(masks).T)
    value = np.array(values).T[row, piece]
    size = np.ones(value.shape, np.int64)
    for power in _POWERS[1:]:
        longer = value >= power
        if not longer.any():
            break
        size += longer
    tokens = np.repeat(value, size)
    place = np.repeat(np.cumsum(size), size) - 1 - np.arange(tokens.size)
    tokens = np.where(tokens < 0, -1 - tokens, tokens // _POWERS[place] % 10).astype(np.uint8)
    line = np.array(of_line)[piece]
    begins = np.flatnonzero(np.diff(row * len(lines) + line, prepend=-1))
    lengths = np.add.reduceat(size, begins) if begins.size else begins
    return Lines(tokens, lengths, np.bincount(row[begins], minlength=rows))


def _pieces(parts: Sequence[str | Value], ids: dict[str, int]):
    """Yields (number, or token as -1 - id; mask) of each piece of a line, lists taken apart."""
    for part in parts:
        if isinstance(part, str):
            yield np.int64(-1 - ids[part]), True
        elif isinstance(part, Items):
            yield np.int64(-1 - ids["["]), True
            for i in range(part.values.shape[1]):
                inside = i < part.sizes
                if i > 0:
                    yield np.int64(-1 - ids[","]), inside
                yield part.values[:, i], inside
            yield np.int64(-1 - ids["]"]), True
        elif isinstance(part, Digits):
            zeros = _zeros(part)
            for i in range(int(zeros.max(initial=0))):
                yield np.int64(0), i < zeros
            yield part.values, True
        else:
            yield np.asarray(part, np.int64), True


def _zeros(number: Digits) -> np.ndarray:
    """Returns how many zeros stand in front of each number; no digit reads 0."""
    return number.sizes - as_digits(number.values).sizes


def _fingerprint(line: Line, ids: dict[str, int], rows: int) -> np.ndarray:
    """Returns a word for each row, which two lines share if they read the same (else with a chance of 2^-64)."""
    mark = np.zeros(rows, np.uint64)
    for part in line.parts:
        if isinstance(part, str):
            mark = words.fold(mark, ids[part])
        elif isinstance(part, Items):
            for i in range(part.values.shape[1]):
                mark = np.where(i < part.sizes, words.fold(mark, 100 + part.values[:, i]), mark)
        elif isinstance(part, Digits):
            zeros, number = _zeros(part), words.fold(mark, 100 + part.values)
            mark = np.where(zeros > 0, words.fold(number, np.maximum(zeros, 0)), number)
        else:
            mark = words.fold(mark, 100 + np.broadcast_to(part, rows))
    return mark
