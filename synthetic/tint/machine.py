"""A machine that runs a traced function on the operands of many examples at once, in NumPy.

It walks the function's syntax tree once for all examples. Every variable is an array with a row for each example. A
branch or a loop that only some examples take is run with a mask of those, the active rows, and its assignments are kept
only there. A loop goes on until no row wants another turn. Each line that the function shows is recorded with the mask
of the rows that have it.

Compact traces have the essential variables only, without equals signs and calls, and without constants.

Dynamic noise is here, because it is noise of the computation. A number is new if an operator, a basic function, a list
read or a traced function made it. A new number that a line prints meets noise of rate `printed`. One that no line
prints (parts of expressions, hidden variables, those that the style leaves out, the whole inside of a hidden call)
meets noise of rate `hidden`. As in the paper's code digits are redrawn from the first that is not 0 on, so that 0 stays
0. A row's draws are numbered by a counter that goes on only while the row is active.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from synthetic.tint import words
from synthetic.tint.arrays import (
    COMPARISONS,
    FUNCTIONS,
    POWERS,
    Digits,
    Items,
    Number,
    Value,
    added,
    as_number,
    choose,
    divided,
    multiplied,
    read,
    subtracted,
)
from synthetic.tint.grammar import arguments, called
from synthetic.tint.language import HIDDEN, SHOWN, Operation, operations


@dataclass(frozen=True)
class Rates:
    """Holds the probabilities of dynamic noise and of operator errors.

    They are that a digit of a printed or hidden new number is redrawn, and that + - * becomes another of them.
    """

    printed: float = 0.0
    hidden: float = 0.0
    operators: float = 0.0

    @property
    def silent(self) -> bool:
        """Returns whether nothing happens."""
        return self.printed == self.hidden == self.operators == 0


class Line(NamedTuple):
    """Holds one line of the rows in `mask`: words and values in the order in which they are written."""

    mask: np.ndarray
    parts: tuple[str | Value, ...]


class Machine:
    """Runs operations on B rows and records their lines.

    keys: uint64[B], the examples' own. fuel: turns of loops that a row may take in all; then its loops end, so that
    noise cannot make any of them run for ever. compact: the style of the lines.
    """

    def __init__(self, keys: np.ndarray, rates: Rates, fuel: int, *, compact: bool):
        self.lines: list[Line] = []
        self.fuel = np.full(keys.shape, fuel)
        self.active = np.ones(keys.shape, bool)
        self.rates = rates
        self.compact = compact
        self.keys = {stream: words.fold(keys, stream) for stream in (words.DYNAMIC, words.OPERATORS)}
        self.drawn = {stream: np.zeros(keys.shape, np.int64) for stream in self.keys}

    def run(self, operation: Operation, arguments: Sequence[Value]) -> Value:
        """Returns the operation's answer for each row, and records its lines.

        The answer meets noise of the hidden rate.
        """
        answer = Call(self, operation, arguments, shown=True).run()
        return self._noised_items(answer) if isinstance(answer, Items) else self.noised(answer, self.rates.hidden)

    def _noised_items(self, answer: Items) -> Items:
        columns = []
        for i, column in enumerate(answer.values.T):
            self.active = i < answer.sizes
            noised = as_number(self.noised(column, self.rates.hidden))
            columns.append(np.where(self.active, noised, column))
        return Items(np.array(columns).T, answer.sizes)

    def noised(self, value: Value, rate: float) -> Value:
        """Returns a new value after noise: each digit of a number redrawn with probability `rate`; 0 and lists stay."""
        if rate == 0 or isinstance(value, Items | Digits):
            return value
        key = self.next_key()
        old = np.broadcast_to(value, key.shape)
        new = old.copy()
        for place, power in enumerate(POWERS):
            has_digit = old >= power
            if not has_digit.any():
                break
            word = words.fold(key, place)
            redrawn = words.happens(word, rate) & has_digit
            new += np.where(redrawn, (words.digit(word) - old // power % 10) * power, 0)
        return new

    def next_key(self) -> np.ndarray:
        """Returns the key of the noise of each row's next number."""
        return words.fold(self.keys[words.DYNAMIC], self._next(words.DYNAMIC))

    def _next(self, stream: int) -> np.ndarray:
        """Returns the number of each row's next draw from a stream, which is then used up in the active rows."""
        counter = self.drawn[stream]
        self.drawn[stream] = counter + self.active
        return counter

    def operate(self, op: ast.operator, x: Number, y: Number) -> np.ndarray:
        """Returns the result of an operator, which an operator error may have changed to another."""
        if isinstance(op, ast.FloorDiv | ast.Mod):
            return divided(op, x, y)
        kinds, results = [ast.Add, ast.Sub, ast.Mult], [added, subtracted, multiplied]
        kind = kinds.index(type(op))
        if self.rates.operators == 0:
            return results[kind](x, y)
        word = words.fold(self.keys[words.OPERATORS], self._next(words.OPERATORS))
        other = (kind + 1 + words.below(word & np.uint64(0xFFFFFFFF), 2)) % 3
        done = np.where(words.happens(word, self.rates.operators), other, kind)
        return np.choose(done, [result(x, y) for result in results])


class Call:
    """Runs one call of an operation: its variables, and whether its lines are shown."""

    def __init__(self, machine: Machine, operation: Operation, arguments: Sequence[Value], *, shown: bool):
        self.m, self.operation, self.shown = machine, operation, shown
        self.variables: dict[str, Value] = dict(zip(operation.parameters, arguments, strict=True))

    def run(self) -> Value:
        """Returns what the operation returns, and records its lines."""
        if self.shown and not self.m.compact:
            self._show_arguments()
        self._block(self.operation.tree.body[:-1])
        return self.variables[self.operation.returned]

    def _show_arguments(self) -> None:
        parts: list[str | Value] = []
        for name in self.operation.parameters:
            parts += [*([","] if parts else []), name, "=", self.variables[name]]
        self.m.lines.append(Line(self.m.active, tuple(parts)))

    def _prints(self, name: str) -> bool:
        if not self.shown:
            return False
        return name in (self.operation.essential if self.m.compact else self.operation.names)

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for s in statements:
            if not self.m.active.any():
                return
            getattr(self, f"_{type(s).__name__.lower()}")(s)

    # `language` has checked the statements' forms.

    def _assign(self, s: Any) -> None:
        constant = isinstance(s.value, ast.Constant | ast.List)
        self._set(s.targets[0].id, self._assigned(s.targets[0].id, s.value), constant=constant)

    def _assigned(self, name: str, e: Any) -> Value:
        """Evaluates the right-hand side of an assignment; a new number meets noise."""
        if isinstance(e, ast.Name | ast.Constant):
            return self._value(e)
        if isinstance(e, ast.List):
            nobody = np.zeros_like(self.m.fuel)
            return Items(np.zeros((nobody.size, 0), np.int64), nobody)
        if isinstance(e, ast.IfExp):
            before, true, values = self.m.active, self._truth(e.test), []
            for active, branch in ((before & true, e.body), (before & ~true, e.orelse)):
                self.m.active = active
                values.append(self._assigned(name, branch))
            self.m.active = before
            return choose(true, *values)
        callee = called(e)
        value = self._called(name, callee, e.args) if callee in operations() else self._raw(e)
        return self.m.noised(value, self._rate(name))

    def _called(self, name: str, callee: str, nodes: Sequence[ast.expr]) -> Value:
        operation, how = operations()[callee], self.operation.inside.get(callee, HIDDEN)
        arguments = [self._value(node) for node in nodes]
        if self._prints(name) and how != HIDDEN and not self.m.compact:
            text = format_call(operation, arguments)
            self.m.lines.append(Line(self.m.active, (self.operation.names[name], "=", "call(", *text, ")")))
        return Call(self.m, operation, arguments, shown=self.shown and how == SHOWN).run()

    def _rate(self, name: str) -> float:
        """Returns the rate of noise of a new number that this variable gets."""
        return self.m.rates.printed if self._prints(name) else self.m.rates.hidden

    def _set(self, name: str, value: Value, *, constant: bool = False) -> None:
        """Keeps a value in the active rows, and shows it."""
        active = self.m.active
        if not isinstance(value, Items | Digits):
            value = np.broadcast_to(np.asarray(value, np.int64), active.shape)
        if name in self.variables and not active.all():
            value = choose(active, value, self.variables[name])
        self.variables[name] = value
        if self._prints(name) and not (constant and self.m.compact):
            shown = self.operation.names[name]
            self.m.lines.append(Line(active, (shown, value) if self.m.compact else (shown, "=", value)))

    def _expr(self, s: Any) -> None:
        name, node = s.value.func.value.id, s.value.args[0]
        items, item, active = self._items(name), self._number(node), self.m.active
        width = int(items.sizes.max(where=active, initial=0)) + 1
        values = np.pad(items.values, ((0, 0), (0, max(0, width - items.values.shape[1]))))
        at = active[:, None] & (np.arange(values.shape[1]) == items.sizes[:, None])
        values = np.where(at, np.broadcast_to(np.asarray(item), active.shape)[:, None], values)
        self.variables[name] = Items(values, items.sizes + active)

    def _if(self, s: ast.If) -> None:
        before, true = self.m.active, self._truth(s.test)
        for active, statements in ((before & true, s.body), (before & ~true, s.orelse)):
            self.m.active = active
            self._block(statements)
        self.m.active = before

    def _while(self, s: ast.While) -> None:
        before = self.m.active
        while self._turn(self._truth(s.test)):
            self._block(s.body)
        self.m.active = before

    def _for(self, s: Any) -> None:
        before, turns, i = self.m.active, self._number(s.iter.args[0]), 0
        while self._turn(np.asarray(i < turns)):
            self._set(s.target.id, self._turned(s.target.id, i))
            self._block(s.body)
            i += 1
        self.m.active = before

    def _turned(self, name: str, i: int) -> Value:
        """Returns the value of a loop's variable in turn `i`, which is a new number."""
        return self.m.noised(i, self._rate(name))

    def _turn(self, wanted: np.ndarray) -> bool:
        """Begins a turn of a loop in the rows that want one and have fuel; returns whether there are any."""
        self.m.active = self.m.active & wanted & (self.m.fuel > 0)
        self.m.fuel -= self.m.active
        return bool(self.m.active.any())

    def _truth(self, e: ast.expr) -> np.ndarray:
        """Evaluates a condition in the active rows; of `and` and `or` only the parts that Python would evaluate."""
        if isinstance(e, ast.UnaryOp):
            return ~self._truth(e.operand)
        if isinstance(e, ast.Compare):
            x, y = self._number(e.left), self._number(e.comparators[0])
            return np.asarray(COMPARISONS[type(e.ops[0])](x, y))
        assert isinstance(e, ast.BoolOp)
        before, decides = self.m.active, isinstance(e.op, ast.Or)
        truth = np.full(before.shape, not decides)
        for part in e.values:
            truth = np.where(self.m.active, self._truth(part), truth)
            self.m.active = before & (truth != decides)
        self.m.active = before
        return truth

    def _value(self, e: ast.expr) -> Value:
        """Evaluates an expression inside another; a new number meets noise of the hidden rate."""
        if isinstance(e, ast.Name):
            return self.variables[e.id]
        if isinstance(e, ast.Constant):
            assert isinstance(e.value, int)
            return e.value
        return self.m.noised(self._raw(e), self.m.rates.hidden)

    def _number(self, e: ast.expr) -> Number:
        value = self._value(e)
        assert not isinstance(value, Items | Digits), f"{self.operation.name}: {ast.unparse(e)} is a list, not a number"
        return value

    def _items(self, name: str) -> Items:
        value = self.variables[name]
        assert isinstance(value, Items), f"{self.operation.name}: {name} is no list"
        return value

    def _raw(self, e: Any) -> Value:
        if isinstance(e, ast.BinOp):
            return self.m.operate(e.op, self._number(e.left), self._number(e.right))
        if isinstance(e, ast.Subscript) and isinstance(e.value, ast.Name):
            return read(self._items(e.value.id), self._number(e.slice))
        return FUNCTIONS[called(e)](*map(self._value, arguments(e)))


def format_call(operation: Operation, arguments: Sequence[Value]) -> tuple[str | Value, ...]:
    """Returns the words of a call of an operation with these arguments."""
    return _filled(operation.call, operation, arguments)


def format_prompt(operation: Operation, arguments: Sequence[Value]) -> tuple[str | Value, ...]:
    """Returns the words by which a prompt asks for an operation on these arguments."""
    return _filled(operation.text, operation, arguments)


def _filled(text: Sequence[str], operation: Operation, arguments: Sequence[Value]) -> tuple[str | Value, ...]:
    given = {f"{{{name}}}": a for name, a in zip(operation.parameters, arguments, strict=True)}
    return tuple(given.get(word, word) for word in text)
