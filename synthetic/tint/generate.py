"""Examples of TInt in bulk: operands, the trace, its noise, and all of it as rows of tokens.

Example i of a split is a function of (data seed, split, i) and of the settings, whatever is made beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthetic.tint import operands as operands_of
from synthetic.tint import words
from synthetic.tint.arrays import Value
from synthetic.tint.digits import DigitsMachine
from synthetic.tint.language import COMPACT, LINES, NONE, STEPS, Operation, operations
from synthetic.tint.machine import Line, Machine, Rates, format_prompt
from synthetic.tint.noise import Noise, beside_brackets, changed, rearranged, with_wrong_characters
from synthetic.tint.operands import Laws
from synthetic.tint.operations import mixture
from synthetic.tint.text import END, NEWLINE, UNNAMED, lay_out, vocabulary, within

SPLITS = ("train", "noised", "test")  # a split's number is the key of its stream
_PROBE = 3  # a stream of its own
_CHUNK = 4096  # rows at a time, so that arrays stay in the cache
_ATTEMPTS = 10_000


@dataclass(frozen=True)
class Form:
    """Fixes the shape of examples: operations (see `mixture`), style of the trace, and the largest operands.

    named: whether a prompt tells the operation; else it is `?( 5 7 , 6 8 )`.
    """

    operations: str
    style: str
    max_digits: int
    max_items: int
    named: bool = True


@dataclass(frozen=True)
class Size:
    """Holds the tokens of the longest example, and the turns of loops after which a trace is stopped."""

    tokens: int
    fuel: int


@functools.lru_cache(maxsize=64)
def needed(form: Form) -> Size:
    """Returns the longest of 4096 clean examples of each operation, and twice its turns.

    Most of these have the largest operands. Rarer examples may be longer, such as a list that is sorted the wrong way
    round; `generate` draws others for those.
    """
    tokens, turns, fuel = 0, 0, 10**6
    for operation, _ in mixture(form.operations, form.style):
        for least in (1, 2):  # short second operands make long divisions
            digits = form.max_digits if least == 2 else 1
            items = form.max_items if least == 2 else 1
            laws = Laws(digits, form.max_digits, items, form.max_items, 0.0)
            keys = words.fold(words.root(0, _PROBE), np.arange(_CHUNK // 2))
            drawn = operands_of.draw(keys, np.zeros(keys.size, np.int64), operation, laws)
            made = _Made(form, operation, keys, drawn, Rates(), fuel)
            tokens, turns = max(tokens, int(made.lengths.max())), max(turns, fuel - int(made.left.min()))
    return Size(tokens, 2 * turns + 2)


class _Made:
    """Makes prompt, trace and answer of rows of one operation, before static noise."""

    def __init__(
        self, form: Form, operation: Operation, keys: np.ndarray, drawn: Sequence[Value], rates: Rates, fuel: int
    ):
        ids, rows = {name: i for i, name in enumerate(vocabulary(form.style))}, keys.size
        everyone = np.ones(rows, bool)
        machine = (DigitsMachine if form.style == LINES else Machine)(
            keys, rates, fuel, compact=form.style in (COMPACT, NONE)
        )
        answer = machine.run(operation, drawn)
        unnamed = (UNNAMED, *[part for x in drawn for part in (",", x)][1:], ")")
        text = format_prompt(operation, drawn) if form.named else unnamed
        self.prompt = lay_out([Line(everyone, text)], rows, ids, newlines=True)
        lines = machine.lines if form.style != NONE else []
        self.trace = lay_out(lines, rows, ids, newlines=form.style in (LINES, STEPS))
        self.answer = lay_out([Line(everyone, (answer,))], rows, ids, newlines=False)
        self.left = machine.fuel
        # A compact trace has no newlines, so one is put behind it.
        self.between = int(form.style == COMPACT)

    @property
    def lengths(self) -> np.ndarray:
        """Returns the tokens of each whole example, int64[B]."""
        prompt, trace, answer = (part.row_lengths() for part in (self.prompt, self.trace, self.answer))
        return prompt + trace + answer + self.between + 1

    def tokens(self, length: int) -> _Rows:
        """Returns rows of `length` tokens; lines of the trace that leave no room for the answer are cut."""
        begin = self.prompt.row_lengths()
        answer = np.minimum(self.answer.row_lengths(), length - begin - self.between - 1)
        trace, rows = self.trace, self.trace.rows
        ends = np.cumsum(trace.lengths)
        ends -= (ends - trace.lengths)[trace.first[rows]] if rows.size else 0
        fits = ends <= (length - begin - self.between - answer - 1)[rows]
        kept = trace.picked(np.flatnonzero(fits), np.bincount(rows[fits], minlength=begin.size))
        table = np.full((begin.size, length), END, np.uint8)
        _write(table, self.prompt.tokens, np.zeros_like(begin), begin)
        traced = kept.row_lengths()
        _write(table, kept.tokens, begin, traced)
        at = begin + traced + self.between
        if self.between:
            table[np.arange(begin.size), at - 1] = NEWLINE
        source = within(np.cumsum(self.answer.row_lengths()) - self.answer.row_lengths(), answer)
        _write(table, self.answer.tokens[source], at, answer)
        return _Rows(table, begin, at, at + answer)


@dataclass
class _Rows:
    """Holds tokens uint8[B, T], and the place int64[B] at which each row's trace, answer and end token begin."""

    tokens: np.ndarray
    begin: np.ndarray
    answer: np.ndarray
    end: np.ndarray

    def take(self, rows: np.ndarray) -> _Rows:
        return _Rows(self.tokens[rows], self.begin[rows], self.answer[rows], self.end[rows])

    def put(self, rows: np.ndarray, other: _Rows) -> None:
        for name in ("tokens", "begin", "answer", "end"):
            getattr(self, name)[rows] = getattr(other, name)

    def response(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the tokens after the prompt, left-aligned, and their number."""
        place = np.minimum(self.begin[:, None] + np.arange(self.tokens.shape[1]), self.tokens.shape[1] - 1)
        return np.take_along_axis(self.tokens, place, 1), self.end - self.begin


def generate(
    form: Form, length: int, laws: Laws, noise: Noise, seed: int, split: str, indices: np.ndarray, *, group: int = 1
) -> dict[str, np.ndarray]:
    """Returns the examples with these indices, one a row; `group` of them in succession have one operation.

    tokens uint8[N, length], end tokens behind; begin and end int32[N], the places where the prompt ends and of the end
    token. Facts: right (the noised answer is the true one), contaminated, changed (tokens that differ from the clean
    example) of longer (tokens of the longer of the two responses, with the end token), operation (its number among
    all), digits (of the longest operand). Raises ValueError if no operands of the right side can be found.
    """
    parts = mixture(form.operations, form.style)
    edges = np.array([words.threshold(share) for share in np.cumsum([share for _, share in parts])[:-1]], np.uint64)
    root, indices = words.root(seed, SPLITS.index(split)), np.asarray(indices)
    keys, groups = words.fold(root, indices), words.fold(root, indices // group)
    which = np.searchsorted(edges, words.fold(words.fold(groups, words.OPERATION), 0) >> np.uint64(40), side="right")
    table = _empty(keys.size, length)
    for number, (operation, _) in enumerate(parts):
        rows = np.flatnonzero(which == number)
        for start in range(0, rows.size, _CHUNK):
            some = rows[start : start + _CHUNK]
            examples = _examples(form, length, laws, noise, seed, split == "test", operation, keys[some])
            for name, values in examples.items():
                table[name][some] = values
    return table


def _empty(rows: int, length: int) -> dict[str, np.ndarray]:
    kinds: dict[str, type] = dict.fromkeys(("begin", "end", "changed", "longer"), np.int32)
    kinds |= dict.fromkeys(("right", "contaminated", "operation", "digits"), np.uint8)
    return {"tokens": np.zeros((rows, length), np.uint8)} | {name: np.zeros(rows, kind) for name, kind in kinds.items()}


def _examples(
    form: Form, length: int, laws: Laws, noise: Noise, seed: int, test: bool, operation: Operation, keys: np.ndarray
) -> dict[str, np.ndarray]:
    fuel = needed(form).fuel
    drawn, clean = _clean(form, length, laws, seed, test, operation, keys, fuel)
    contaminated = words.happens(words.fold(words.fold(keys, words.CONTAMINATED), 0), noise.contamination)
    touched = np.flatnonzero(contaminated & (not noise.silent))
    rows = clean.take(np.arange(keys.size))
    different = np.zeros(keys.size, np.int64)
    longer = rows.end - rows.begin + 1
    right = np.ones(keys.size, bool)
    if touched.size:
        before, own = clean.take(touched), keys[touched]
        after = before
        if noise.of_lines or not noise.rates.silent:
            made = _Made(form, operation, own, operands_of.select(drawn, touched), noise.rates, fuel)
            if noise.of_lines:
                made.trace = rearranged(made.trace, own, noise)
            after = made.tokens(length)
        if noise.characters:
            spared = beside_brackets(after.tokens) if form.style == LINES else None
            noisy = with_wrong_characters(after.tokens, after.begin, after.end, own, noise.characters, spared)
            after = _Rows(noisy, after.begin, after.answer, after.end)
        rows.put(touched, after)
        different[touched] = changed(*before.response(), *after.response())
        longer[touched] = np.maximum(longer[touched], after.end - after.begin + 1)
        right[touched] = _same_answer(before, after)
    return {
        "tokens": rows.tokens,
        "begin": rows.begin,
        "end": rows.end,
        "changed": different,
        "longer": longer,
        "right": right,
        "contaminated": contaminated,
        "operation": np.full(keys.size, list(operations(form.style)).index(operation.name)),
        "digits": operands_of.digits(drawn),
    }


def _clean(
    form: Form, length: int, laws: Laws, seed: int, test: bool, operation: Operation, keys: np.ndarray, fuel: int
) -> tuple[list[Value], _Rows]:
    """Returns operands of the right side whose clean examples fit, and these examples."""
    attempt = np.zeros(keys.size, np.int64)
    drawn = operands_of.draw(keys, attempt, operation, laws)
    _to_side(keys, attempt, drawn, operation, laws, seed, test, np.arange(keys.size))
    made = _Made(form, operation, keys, drawn, Rates(), fuel)
    rows = made.tokens(length)
    wrong = np.flatnonzero((made.lengths > length) | (made.left == 0))
    while wrong.size:
        attempt[wrong] += 1
        operands_of.assign(drawn, wrong, operands_of.draw(keys[wrong], attempt[wrong], operation, laws))
        _to_side(keys, attempt, drawn, operation, laws, seed, test, wrong)
        made = _Made(form, operation, keys[wrong], operands_of.select(drawn, wrong), Rates(), fuel)
        rows.put(wrong, made.tokens(length))
        wrong = wrong[(made.lengths > length) | (made.left == 0)]
    return drawn, rows


def _to_side(
    keys: np.ndarray,
    attempt: np.ndarray,
    drawn: list[Value],
    operation: Operation,
    laws: Laws,
    seed: int,
    test: bool,
    rows: np.ndarray,
) -> None:
    """Draws the operands of some `rows` anew, in place, until they are of the right side."""
    while (rows := rows[operands_of.held_out(operands_of.select(drawn, rows), seed) != test]).size:
        attempt[rows] += 1
        if attempt[rows].max() > _ATTEMPTS:
            raise ValueError(f"no operands of {operation.name} are {'held out' if test else 'for training'} by {laws}")
        operands_of.assign(drawn, rows, operands_of.draw(keys[rows], attempt[rows], operation, laws))


def _same_answer(a: _Rows, b: _Rows) -> np.ndarray:
    """Returns whether two answers read the same, bool[B]."""
    width = int(max((a.end - a.answer).max(), (b.end - b.answer).max())) + 1  # with the end token
    place = np.arange(width)
    last = a.tokens.shape[1] - 1
    x, y = (np.take_along_axis(r.tokens, np.minimum(r.answer[:, None] + place, last), 1) for r in (a, b))
    return ((x == y) | (place > (a.end - a.answer)[:, None])).all(1)


def _write(rows: np.ndarray, tokens: np.ndarray, at: np.ndarray, lengths: np.ndarray) -> None:
    """Writes stretches of `tokens`, one for each row and of these lengths, from places `at` on."""
    rows.reshape(-1)[within(at + np.arange(at.size) * rows.shape[1], lengths)] = tokens
