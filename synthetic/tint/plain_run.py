"""Runs a traced function in Python, for the oracle of TInt.

A function's text is written anew with its assignments and operators as calls of the methods below, which print and
noise; its branches and loops stay as they are, and so do conditions.
"""

from __future__ import annotations

import ast
import functools
from typing import Any

from synthetic.tint import words
from synthetic.tint.grammar import arguments, called
from synthetic.tint.language import BASIC, CALL, HIDDEN, SHOWN, Operation, operations
from synthetic.tint.limits import HALF, LIMIT
from synthetic.tint.noise import Noise

SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}

Line = list[str]  # of tokens' names


def word(key: int, n: int) -> int:
    """Returns output n of splitmix64 from `key`."""
    x = (key + (n + 1) * 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def happens(word: int, rate: float) -> bool:
    """Returns whether an event of this probability happens, by the upper bits of a word."""
    return word >> 40 < round(rate * 2**24)


def digit(word: int, n: int = 10) -> int:
    """Returns a number below n by the lower half of a word."""
    return word % 2**32 * n >> 32


def format_value(value: Any) -> Line:
    """Returns a number, text of digits or list as tokens; no digit is 0."""
    if isinstance(value, list):
        items = [token for item in value for token in [",", *str(item)]]
        return ["[", *items[1:], "]"]
    return list(str(value)) or ["0"]


def read(items: list[int], i: int) -> int:
    """Returns the item at a place, the last one past the end, or 0 of an empty list."""
    return items[max(min(i, len(items) - 1), 0)] if items else 0


class Run:
    """Runs one computation: its lines, its noise, and the turns of loops that are left."""

    def __init__(self, key: int, noise: Noise, fuel: int, *, compact: bool):
        self.lines: list[Line] = []
        self.key, self.noise, self.fuel, self.compact = key, noise, fuel, compact
        self.hidden_rate = noise.dynamic * noise.hidden
        self.drawn = {words.DYNAMIC: 0, words.OPERATORS: 0}

    def whole(self, operation: Operation, operands: list[Any]) -> Any:
        """Returns the operation's answer."""
        answer = self.call(operation, operands, shown=True)
        if isinstance(answer, list):
            return [self.hidden(item) for item in answer]
        return self.hidden(answer)

    def call(self, operation: Operation, arguments: list[Any], *, shown: bool) -> Any:
        """Returns what a call returns, and keeps its lines."""
        if shown and not self.compact:
            line: Line = []
            for name, value in zip(operation.parameters, arguments, strict=True):
                line += [*([","] if line else []), name, "=", *format_value(value)]
            self.show(line)
        frame = Frame(self, operation, shown)
        scope = dict(BASIC) | {
            "_keep": frame.keep,
            "_call": frame.call,
            "_hidden": self.hidden,
            "_operate": self.operate,
            "_read": read,
            "_turn": self.turn,
        }
        exec(_rewritten(operation), scope)
        return scope["_run"](*arguments)

    def show(self, line: Line) -> None:
        """Keeps a line, but in full traces not one that reads like the last."""
        if self.compact or not self.lines or self.lines[-1] != line:
            self.lines.append(line)

    def turn(self) -> bool:
        """Begins a turn of a loop; returns whether one was left."""
        self.fuel -= 1
        return self.fuel >= 0

    def draw(self, stream: int) -> int:
        """Returns the next word of a stream."""
        self.drawn[stream] += 1
        return word(word(self.key, stream), self.drawn[stream] - 1)

    def noised(self, value: Any, rate: float) -> Any:
        """Returns a value after noise of this rate."""
        if rate == 0 or isinstance(value, list):
            return value
        key, digits = self.draw(words.DYNAMIC), list(str(value))
        for place in range(len(digits) if value else 0):
            drawn = word(key, place)
            if happens(drawn, rate):
                digits[-1 - place] = str(digit(drawn))
        return int("".join(digits))

    def hidden(self, value: Any) -> Any:
        """Returns a value after noise of the hidden rate."""
        return self.noised(value, self.hidden_rate)

    def operate(self, symbol: str, x: int, y: int) -> int:
        """Returns the result of an operator, which an operator error may have changed."""
        if symbol in "//%":
            return 0 if y == 0 else x // y if symbol == "//" else x % y
        if self.noise.operator_errors:
            drawn = self.draw(words.OPERATORS)
            if happens(drawn, self.noise.operator_errors):
                symbol = "+-*"[("+-*".index(symbol) + 1 + drawn % 2**32 % 2) % 3]
        return {"+": (x + y) % LIMIT, "-": abs(x - y), "*": (x % HALF) * (y % HALF)}[symbol]


class Frame:
    """Holds the variables of one call of an operation, as far as they are shown."""

    def __init__(self, run: Run, operation: Operation, shown: bool):
        self.run, self.operation, self.shown = run, operation, shown

    def prints(self, name: str) -> bool:
        """Returns whether a variable is shown."""
        return self.shown and name in (self.operation.essential if self.run.compact else self.operation.names)

    def keep(self, name: str, value: Any, kind: str) -> Any:
        """Returns the value that the variable gets, noised if it is new, and prints it."""
        prints = self.prints(name)
        if kind == "new":
            value = self.run.noised(value, self.run.noise.dynamic if prints else self.run.hidden_rate)
        if prints and not (kind == "constant" and self.run.compact):
            equals = [] if self.run.compact else ["="]
            self.run.show([self.operation.names[name], *equals, *format_value(value)])
        return value

    def call(self, name: str, callee: str, *arguments: Any) -> Any:
        """Returns the result of a call for a variable, and keeps its lines."""
        operation, how = operations()[callee], self.operation.inside.get(callee, HIDDEN)
        if self.prints(name) and how in (CALL, SHOWN) and not self.run.compact:
            given = dict(zip(operation.parameters, arguments, strict=True))
            text = [t for w in operation.call for t in (format_value(given[w[1:-1]]) if w[0] == "{" else [w])]
            self.run.show([self.operation.names[name], "=", "call(", *text, ")"])
        return self.run.call(operation, list(arguments), shown=self.shown and how == SHOWN)


@functools.cache
def _rewritten(operation: Operation) -> Any:
    body = _statements(operation.tree.body[:-1])
    lines = [f"def _run({', '.join(operation.parameters)}):", *body, f"    return {operation.returned}"]
    return compile("\n".join(lines), f"<{operation.name}>", "exec")


def _statements(statements: list[Any]) -> list[str]:
    code = []
    for s in statements:  # `language` has checked their forms
        kind, inner = type(s), _statements(getattr(s, "body", []))
        if kind is ast.Assign:
            code.append(_assignment(s.targets[0].id, s.value))
        elif kind is ast.If:
            code += [f"if {_truth(s.test)}:", *inner]
            code += ["else:", *_statements(s.orelse)] if s.orelse else []
        elif kind is ast.While:
            code += [f"while ({_truth(s.test)}) and _turn():", *inner]
        elif kind is ast.For:
            name, turns = s.target.id, _value(s.iter.args[0])
            code += [f"for {name} in range({turns}):", "    if not _turn(): break"]
            code += [f"    {name} = _keep({name!r}, {name}, 'new')", *inner]
        else:
            code.append(f"{s.value.func.value.id}.append({_value(s.value.args[0])})")
    return ["    " + line for line in code]


def _assignment(name: str, e: ast.expr) -> str:
    if isinstance(e, ast.Name):
        return f"{name} = _keep({name!r}, {e.id}, 'copy')"
    if isinstance(e, ast.Constant | ast.List):
        return f"{name} = _keep({name!r}, {ast.unparse(e)}, 'constant')"
    callee = called(e)
    if isinstance(e, ast.IfExp):
        then, otherwise = (f"({_plain(branch)})" for branch in (e.body, e.orelse))
        return f"{name} = _keep({name!r}, *({then} if {_truth(e.test)} else {otherwise}))"
    made = _made(e)
    if callee in operations():
        made = f"_call({name!r}, {callee!r}, {', '.join(map(_value, arguments(e)))})"
    return f"{name} = _keep({name!r}, {made}, 'new')"


def _plain(e: ast.expr) -> str:
    """Writes a branch of a choice: its value, and whether that is new."""
    return f"{ast.unparse(e)}, 'copy'" if isinstance(e, ast.Name | ast.Constant) else f"{_made(e)}, 'new'"


def _value(e: ast.expr) -> str:
    return ast.unparse(e) if isinstance(e, ast.Name | ast.Constant) else f"_hidden({_made(e)})"


def _made(e: ast.expr) -> str:
    if isinstance(e, ast.BinOp):
        return f"_operate({SYMBOLS[type(e.op)]!r}, {_value(e.left)}, {_value(e.right)})"
    if isinstance(e, ast.Subscript):
        return f"_read({_value(e.value)}, {_value(e.slice)})"
    return f"{called(e)}({', '.join(map(_value, arguments(e)))})"


def _truth(e: ast.expr) -> str:
    if isinstance(e, ast.UnaryOp):
        return f"not ({_truth(e.operand)})"
    if isinstance(e, ast.BoolOp):
        return (" and " if isinstance(e.op, ast.And) else " or ").join(f"({_truth(part)})" for part in e.values)
    assert isinstance(e, ast.Compare)
    return f"{_value(e.left)} {COMPARE[type(e.ops[0])]} {_value(e.comparators[0])}"
