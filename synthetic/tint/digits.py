"""A machine that runs the operations of the style `lines` on the operands of many examples at once.

It differs from `synthetic.tint.machine` as the code released with arXiv 2402.04004 does. Numbers are strings of digits
(`synthetic.tint.strings`). New numbers are those that functions of strings make: no list read, no place in a list and
no result of a traced function, which met noise inside. A digit is redrawn in 0..8. A shown call begins with those
arguments that the caller has not got under the same name, and ends with the caller's variables that the call had not.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from synthetic.tint import words
from synthetic.tint.arrays import (
    POWERS,
    Digits,
    Items,
    Number,
    Value,
    added,
    as_digits,
    as_number,
    choose,
    divided,
    multiplied,
    subtracted,
)
from synthetic.tint.grammar import called
from synthetic.tint.language import HIDDEN, LINES, SHOWN, Operation, operations
from synthetic.tint.limits import DIGITS, LIMIT
from synthetic.tint.machine import Call, Line, Machine, format_call
from synthetic.tint.strings import FUNCTIONS

_POWERS = 10 ** np.arange(DIGITS + 1, dtype=np.int64)
_OPERATORS = {"plus": ast.Add(), "minus": ast.Sub(), "times": ast.Mult()}


class DigitsMachine(Machine):
    """Runs operations on B rows of strings of digits, and records their lines."""

    def run(self, operation: Operation, arguments: Sequence[Value]) -> Value:
        """Returns the answer for each row, without zeros in front but those that noise of the hidden rate makes."""
        answer = DigitsCall(self, operation, arguments, shown=True).run()
        if isinstance(answer, Items):
            return self._noised_items(answer)
        return self.noised(as_digits(as_number(answer)), self.rates.hidden)

    def take(self, rows: np.ndarray) -> DigitsMachine:
        """Returns a machine for some rows, all of them active."""
        few = copy.copy(self)
        few.active, few.fuel = np.ones(rows.size, bool), self.fuel[rows]
        few.keys = {stream: keys[rows] for stream, keys in self.keys.items()}
        few.drawn = {stream: drawn[rows] for stream, drawn in self.drawn.items()}
        return few

    def put(self, rows: np.ndarray, few: Machine) -> None:
        """Takes over what some rows have used up in a machine of their own."""
        self.fuel[rows] = few.fuel
        for name, drawn in few.drawn.items():
            self.drawn[name] = self.drawn[name].copy()
            self.drawn[name][rows] = drawn

    def noised(self, value: Value, rate: float) -> Value:
        """Returns a string after noise: each digit from the first that is not 0 on redrawn with probability `rate`."""
        if rate == 0 or isinstance(value, Items):
            return value
        old, key = _full(as_digits(value), self.active.shape), self.next_key()
        new = old.values
        for place, power in enumerate(POWERS):
            has_digit = self.active & (old.values >= power)
            if not has_digit.any():
                break
            word = words.fold(key, place)
            redrawn = words.happens(word, rate) & has_digit
            if redrawn.any():
                new = np.where(redrawn, new + (words.digit(word, 9) - old.values // power % 10) * power, new)
        return Digits(new, old.sizes)


class DigitsCall(Call):
    """Runs one call of an operation on strings of digits."""

    m: DigitsMachine

    def _assign(self, s: Any) -> None:
        name, callee = s.targets[0].id, called(s.value)
        if self.shown and self.operation.inside.get(callee) == SHOWN:
            self._call_shown(name, operations(LINES)[callee], s.value.args)
        else:
            super()._assign(s)

    def _call_shown(self, name: str, operation: Operation, nodes: Sequence[ast.expr]) -> None:
        """Runs a call whose lines are shown, and gives its result to a variable."""
        arguments = [self._value(node) for node in nodes]
        text = format_call(operation, arguments)
        self.m.lines.append(Line(self.m.active, (self.operation.names[name], "=", "call(", *text, ")")))
        call = DigitsCall(self.m, operation, arguments, shown=True)
        call.show(operation.parameters, self.variables, also=name)
        call.block()
        result = call.variables[operation.returned]
        old = self.variables.get(name, result)
        self.variables[name] = choose(self.m.active, result, old)
        self.show([each for each in self.operation.names if each in self.variables], call.variables)

    def block(self) -> None:
        """Runs the statements, the arguments having been shown."""
        self._block(self.operation.tree.body[:-1])

    def show(self, names: Sequence[str], known: dict[str, Value], also: str = "") -> None:
        """Shows those variables in one line whose value `known` has not got under their name, and the one in `also`."""
        rows = self.m.active.size
        news = [
            np.full(rows, True) if name not in known or name == also else _differ(self.variables[name], known[name])
            for name in names
        ]
        for pattern in np.unique(np.stack(news, 1)[self.m.active], axis=0):
            parts: list[str | Value] = []
            for name in (name for name, new in zip(names, pattern, strict=True) if new):
                parts += [*([","] if parts else []), self.operation.names[name], "=", self.variables[name]]
            if parts:
                mask = self.m.active & (np.stack(news, 1) == pattern).all(1)
                self.m.lines.append(Line(mask, tuple(parts)))

    def _called(self, name: str, callee: str, nodes: Sequence[ast.expr]) -> Value:
        operation, how = operations(LINES)[callee], self.operation.inside.get(callee, HIDDEN)
        arguments = [self._value(node) for node in nodes]
        if self._prints(name) and how != HIDDEN:
            text = format_call(operation, arguments)
            self.m.lines.append(Line(self.m.active, (self.operation.names[name], "=", "call(", *text, ")")))
        return self._run_hidden(operation, arguments)

    def _run_hidden(self, operation: Operation, arguments: Sequence[Value]) -> Value:
        """Runs a call that shows nothing, in the active rows alone: noise leaves few of them in long loops."""
        m, rows = self.m, np.flatnonzero(self.m.active)
        numbers = [_full(as_digits(x), m.active.shape) for x in arguments if not isinstance(x, Items)]
        if rows.size == m.active.size or len(numbers) < len(arguments):
            return DigitsCall(m, operation, arguments, shown=False).run()
        few = m.take(rows)
        given = [Digits(x.values[rows], x.sizes[rows]) for x in numbers]
        answer = DigitsCall(few, operation, given, shown=False).run()
        assert not isinstance(answer, Items), f"{operation.name} makes a list of numbers"
        m.put(rows, few)
        result = Digits(*(np.zeros(m.active.size, np.int64) for _ in range(2)))
        for whole, part in zip(result, as_digits(answer), strict=True):
            whole[rows] = part
        return result

    def _assigned(self, name: str, e: Any) -> Value:
        if called(e) in FUNCTIONS:
            return self._string(e, self._rate(name))
        if called(e) in operations(LINES):
            return self._called(name, called(e), e.args)
        if isinstance(e, ast.IfExp | ast.List):
            return super()._assigned(name, e)
        return self._value(e)

    def _turned(self, name: str, i: int) -> Value:
        return i

    def _value(self, e: ast.expr) -> Value:
        if called(e) in FUNCTIONS:
            return self._string(e, self.m.rates.hidden)
        if isinstance(e, ast.Name):
            return self.variables[e.id]
        if isinstance(e, ast.Constant):
            nobody = np.zeros_like(self.m.fuel)
            return Digits(nobody, nobody) if e.value == "" else int(str(e.value))
        return self._raw(e)

    def _number(self, e: ast.expr) -> Number:
        value = self._value(e)
        assert not isinstance(value, Items), f"{self.operation.name}: {ast.unparse(e)} is a list, not a number"
        return as_number(value)

    def _raw(self, e: Any) -> Value:
        if not isinstance(e, ast.BinOp):
            return super()._raw(e)
        x, y = self._number(e.left), self._number(e.right)
        plain = {ast.Add: added, ast.Sub: subtracted, ast.Mult: multiplied}
        return plain[type(e.op)](x, y) if type(e.op) in plain else divided(e.op, x, y)

    def _string(self, e: Any, rate: float) -> Value:
        """Evaluates a function of strings, whose result meets noise of this rate."""
        name, given = called(e), [self._value(node) for node in e.args]
        numbers = [_full(as_digits(value), self.m.active.shape) for value in given]
        x, y = numbers[0], numbers[-1]
        if name in _OPERATORS:
            made = self.m.operate(_OPERATORS[name], x.values, y.values)
            return self.m.noised(made, rate)
        if name == "fresh":
            return self.m.noised(x, rate)
        if name == "size":
            return self.m.noised(_size(x), rate)
        if name == "concat":
            return self.m.noised(_concat(x, y), rate)
        if name == "pad":
            zeros = np.minimum(y.values, DIGITS)
            return self.m.noised(_concat(x, Digits(np.zeros_like(zeros), zeros)), rate)
        size = as_number(self.m.noised(_size(x), self.m.rates.hidden))
        if name == "index":
            at = y.values % np.maximum(x.sizes, 1)
            digit = np.where((y.values < size) & (x.sizes > 0), x.values // POWERS[at] % 10, 0)
            return self.m.noised(Digits(digit, np.ones_like(digit)), rate)
        assert name == "shift", f"{name} is no function of strings"
        kept = choose(y.values > 0, self.m.noised(_shifted(x, y.values), rate), x)
        return choose(y.values < size, kept, 0)


def _full(x: Digits, shape: tuple[int, ...]) -> Digits:
    """Returns digits with a row for each example."""
    return x if x.values.shape == x.sizes.shape == shape else Digits(*(np.broadcast_to(n, shape) for n in x))


def _size(x: Digits) -> Digits:
    return as_digits(np.where(x.sizes > 0, as_digits(x.values).sizes, 0))


def _concat(x: Digits, y: Digits) -> Digits:
    room = DIGITS - y.sizes
    return Digits(x.values % _POWERS[room] * _POWERS[y.sizes] % LIMIT + y.values, np.minimum(x.sizes + y.sizes, DIGITS))


def _shifted(x: Digits, places: np.ndarray) -> Digits:
    left = np.maximum(as_digits(x.values).sizes - places, 0)
    return Digits(np.where(left > 0, x.values // _POWERS[np.minimum(places, DIGITS)], 0), left)


def _differ(x: Value, y: Value) -> np.ndarray:
    # Lists have other names inside of the operations that are shown.
    return np.asarray(as_number(x) != as_number(y))
