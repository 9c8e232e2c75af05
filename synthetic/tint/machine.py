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
    Items,
    Number,
    Value,
    added,
    choose,
    divided,
    multiplied,
    read,
    subtracted,
)
from synthetic.tint.language import HIDDEN, SHOWN, Operation, arguments, called, operations


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
        self._active = np.ones(keys.shape, bool)
        self._rates = rates
        self._compact = compact
        self._keys = {stream: words.fold(keys, stream) for stream in (words.DYNAMIC, words.OPERATORS)}
        self._drawn = {stream: np.zeros(keys.shape, np.int64) for stream in self._keys}

    def run(self, operation: Operation, arguments: Sequence[Value]) -> Value:
        """Returns the operation's answer for each row, and records its lines.

        The answer meets noise of the hidden rate.
        """
        answer = _Call(self, operation, arguments, shown=True).run()
        if not isinstance(answer, Items):
            return self.noised(answer, self._rates.hidden)
        columns = []
        for i, column in enumerate(answer.values.T):
            self._active = i < answer.sizes
            columns.append(np.where(self._active, self.noised(column, self._rates.hidden), column))
        return Items(np.array(columns).T, answer.sizes)

    def noised(self, value: Value, rate: float) -> Value:
        """Returns a new value after noise: each digit of a number redrawn with probability `rate`; 0 and lists stay."""
        if rate == 0 or isinstance(value, Items):
            return value
        key = words.fold(self._keys[words.DYNAMIC], self._next(words.DYNAMIC))
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

    def _next(self, stream: int) -> np.ndarray:
        """Returns the number of each row's next draw from a stream, which is then used up in the active rows."""
        counter = self._drawn[stream]
        self._drawn[stream] = counter + self._active
        return counter

    def operate(self, op: ast.operator, x: Number, y: Number) -> np.ndarray:
        """Returns the result of an operator, which an operator error may have changed to another."""
        if isinstance(op, ast.FloorDiv | ast.Mod):
            return divided(op, x, y)
        kinds, results = [ast.Add, ast.Sub, ast.Mult], [added, subtracted, multiplied]
        kind = kinds.index(type(op))
        if self._rates.operators == 0:
            return results[kind](x, y)
        word = words.fold(self._keys[words.OPERATORS], self._next(words.OPERATORS))
        other = (kind + 1 + words.below(word & np.uint64(0xFFFFFFFF), 2)) % 3
        done = np.where(words.happens(word, self._rates.operators), other, kind)
        return np.choose(done, [result(x, y) for result in results])


class _Call:
    """Runs one call of an operation: its variables, and whether its lines are shown."""

    def __init__(self, machine: Machine, operation: Operation, arguments: Sequence[Value], *, shown: bool):
        self.m, self.operation, self.shown = machine, operation, shown
        self.variables: dict[str, Value] = dict(zip(operation.parameters, arguments, strict=True))

    def run(self) -> Value:
        if self.shown and not self.m._compact:
            self._show_arguments()
        self._block(self.operation.tree.body[:-1])
        return self.variables[self.operation.returned]

    def _show_arguments(self) -> None:
        parts: list[str | Value] = []
        for name in self.operation.parameters:
            parts += [*([","] if parts else []), name, "=", self.variables[name]]
        self.m.lines.append(Line(self.m._active, tuple(parts)))

    def _prints(self, name: str) -> bool:
        if not self.shown:
            return False
        return name in (self.operation.essential if self.m._compact else self.operation.names)

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for s in statements:
            if not self.m._active.any():
                return
            getattr(self, f"_{type(s).__name__.lower()}")(s)

    # `language` has checked the statements' forms.

    def _assign(self, s: Any) -> None:
        name: str = s.targets[0].id
        if isinstance(s.value, ast.Name):
            return self._set(name, self.variables[s.value.id])
        if isinstance(s.value, ast.Constant):
            return self._set(name, self._number(s.value), constant=True)
        if isinstance(s.value, ast.List):
            nobody = np.zeros_like(self.m.fuel)
            return self._set(name, Items(np.zeros((nobody.size, 0), np.int64), nobody), constant=True)
        callee = called(s.value)
        value = self._called(name, callee, s.value.args) if callee in operations() else self._raw(s.value)
        return self._set_new(name, value)

    def _called(self, name: str, callee: str, nodes: Sequence[ast.expr]) -> Value:
        operation, how = operations()[callee], self.operation.inside.get(callee, HIDDEN)
        arguments = [self._value(node) for node in nodes]
        if self._prints(name) and how != HIDDEN and not self.m._compact:
            text = format_call(operation, arguments)
            self.m.lines.append(Line(self.m._active, (self.operation.names[name], "=", "call(", *text, ")")))
        return _Call(self.m, operation, arguments, shown=self.shown and how == SHOWN).run()

    def _set_new(self, name: str, value: Value) -> None:
        rates = self.m._rates
        self._set(name, self.m.noised(value, rates.printed if self._prints(name) else rates.hidden))

    def _set(self, name: str, value: Value, *, constant: bool = False) -> None:
        """Keeps a value in the active rows, and shows it."""
        active = self.m._active
        if not isinstance(value, Items):
            value = np.broadcast_to(np.asarray(value, np.int64), active.shape)
        if name in self.variables and not active.all():
            value = choose(active, value, self.variables[name])
        self.variables[name] = value
        if self._prints(name) and not (constant and self.m._compact):
            shown = self.operation.names[name]
            self.m.lines.append(Line(active, (shown, value) if self.m._compact else (shown, "=", value)))

    def _expr(self, s: Any) -> None:
        name, node = s.value.func.value.id, s.value.args[0]
        items, item, active = self._items(name), self._number(node), self.m._active
        width = int(items.sizes.max(where=active, initial=0)) + 1
        values = np.pad(items.values, ((0, 0), (0, max(0, width - items.values.shape[1]))))
        at = active[:, None] & (np.arange(values.shape[1]) == items.sizes[:, None])
        values = np.where(at, np.broadcast_to(np.asarray(item), active.shape)[:, None], values)
        self.variables[name] = Items(values, items.sizes + active)

    def _if(self, s: ast.If) -> None:
        before, true = self.m._active, self._truth(s.test)
        for active, statements in ((before & true, s.body), (before & ~true, s.orelse)):
            self.m._active = active
            self._block(statements)
        self.m._active = before

    def _while(self, s: ast.While) -> None:
        before = self.m._active
        while self._turn(self._truth(s.test)):
            self._block(s.body)
        self.m._active = before

    def _for(self, s: Any) -> None:
        before, turns, i = self.m._active, self._number(s.iter.args[0]), 0
        while self._turn(np.asarray(i < turns)):
            self._set_new(s.target.id, i)
            self._block(s.body)
            i += 1
        self.m._active = before

    def _turn(self, wanted: np.ndarray) -> bool:
        """Begins a turn of a loop in the rows that want one and have fuel; returns whether there are any."""
        self.m._active = self.m._active & wanted & (self.m.fuel > 0)
        self.m.fuel -= self.m._active
        return bool(self.m._active.any())

    def _truth(self, e: ast.expr) -> np.ndarray:
        """Evaluates a condition in the active rows; of `and` and `or` only the parts that Python would evaluate."""
        if isinstance(e, ast.UnaryOp):
            return ~self._truth(e.operand)
        if isinstance(e, ast.Compare):
            x, y = self._number(e.left), self._number(e.comparators[0])
            return np.asarray(COMPARISONS[type(e.ops[0])](x, y))
        assert isinstance(e, ast.BoolOp)
        before, decides = self.m._active, isinstance(e.op, ast.Or)
        truth = np.full(before.shape, not decides)
        for part in e.values:
            truth = np.where(self.m._active, self._truth(part), truth)
            self.m._active = before & (truth != decides)
        self.m._active = before
        return truth

    def _value(self, e: ast.expr) -> Value:
        """Evaluates an expression inside another; a new number meets noise of the hidden rate."""
        if isinstance(e, ast.Name):
            return self.variables[e.id]
        if isinstance(e, ast.Constant):
            assert isinstance(e.value, int)
            return e.value
        return self.m.noised(self._raw(e), self.m._rates.hidden)

    def _number(self, e: ast.expr) -> Number:
        value = self._value(e)
        assert not isinstance(value, Items), f"{self.operation.name}: {ast.unparse(e)} is a list, not a number"
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
    """Returns an operation's text with these arguments."""
    given = {f"{{{name}}}": a for name, a in zip(operation.parameters, arguments, strict=True)}
    return tuple(given.get(word, word) for word in operation.text)
