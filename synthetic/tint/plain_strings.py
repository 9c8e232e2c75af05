"""Runs a traced function on strings of digits in Python, for the oracle of the style `lines`.

Numbers are `synthetic.tint.strings.Number`, places in lists are integers, and lists hold integers.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection
from typing import Any

from synthetic.tint import words
from synthetic.tint.grammar import arguments, called
from synthetic.tint.language import HIDDEN, LINES, OF_LISTS, SHOWN, Operation, operations
from synthetic.tint.limits import LIMIT
from synthetic.tint.plain_run import COMPARE, SYMBOLS, Line, Run, digit, format_value, happens, read, word
from synthetic.tint.strings import FUNCTIONS, Noising, Number


class StringsRun(Run):
    """Runs one computation on strings of digits."""

    def whole(self, operation: Operation, operands: list[Any]) -> Any:
        """Returns the answer, without zeros in front but those that noise makes."""
        frame = StringsFrame(self, operation, operands, shown=True)
        frame.show(operation.parameters, {})
        answer = frame.run()
        if isinstance(answer, list):
            return [int(self.hidden(Number(item))) for item in answer]
        return self.hidden(Number(int(answer)))

    def noised(self, value: Any, rate: float) -> Any:
        """Returns a number whose digits from the first that is not 0 on are redrawn in 0..8 with this probability."""
        if rate == 0:
            return value
        key, digits = self.draw(words.DYNAMIC), list(str(value))
        for place in range(len(str(value).lstrip("0"))):
            drawn = word(key, place)
            if happens(drawn, rate):
                digits[-1 - place] = str(digit(drawn, 9))
        return Number("".join(digits))


class StringsFrame:
    """Holds the variables of one call."""

    def __init__(self, run: StringsRun, operation: Operation, given: list[Any], *, shown: bool):
        self.machine, self.operation, self.shown = run, operation, shown
        self.values = dict(zip(operation.parameters, given, strict=True))

    def run(self) -> Any:
        """Returns what the operation returns."""
        scope = dict(OF_LISTS) | {
            "_keep": self.keep,
            "_call": self.call,
            "_string": self.string,
            "_operate": _operate,
            "_read": read,
            "_turn": self.machine.turn,
            "Number": Number,
        }
        exec(_rewritten(self.operation), scope)
        return scope["_run"](*self.values.values())

    def show(self, names: Collection[str], known: dict[str, Any], also: str = "") -> None:
        """Shows those variables whose value is not in `known` under their name, and the one in `also`."""
        line: Line = []
        for name in names:
            value = self.values[name]
            if name == also or name not in known or int(known[name]) != int(value):
                line += [*([","] if line else []), self.operation.names[name], "=", *format_value(value)]
        if line:
            self.machine.show(line)

    def keep(self, name: str, value: Any) -> Any:
        """Returns the value that a variable gets, and prints it."""
        self.values[name] = value
        if self.shown and name in self.operation.names:
            self.machine.show([self.operation.names[name], "=", *format_value(value)])
        return value

    def string(self, function: str, name: str, *numbers: Any) -> Number:
        """Returns what a function of strings makes for a variable, or inside of an expression if it has no name."""
        shown = self.shown and name in self.operation.names
        rate = self.machine.noise.dynamic if shown else self.machine.hidden_rate
        by = Noising(lambda x: self.machine.noised(x, rate), self.machine.hidden, self.machine.operate)
        return FUNCTIONS[function](*map(Number, numbers), by=by)

    def call(self, name: str, callee: str, *given: Any) -> Any:
        """Returns the result of a call for a variable, and prints what is shown of it."""
        operation, how = operations(LINES)[callee], self.operation.inside.get(callee, HIDDEN)
        if self.shown and how != HIDDEN:
            named = dict(zip(operation.parameters, given, strict=True))
            text = [t for w in operation.call for t in (format_value(named[w[1:-1]]) if w[0] == "{" else [w])]
            self.machine.show([self.operation.names[name], "=", "call(", *text, ")"])
        frame = StringsFrame(self.machine, operation, list(given), shown=self.shown and how == SHOWN)
        if not frame.shown:
            return self.keep(name, frame.run())
        frame.show(operation.parameters, self.values, also=name)
        self.values[name] = frame.run()
        self.show([each for each in self.operation.names if each in self.values], frame.values)
        return self.values[name]


def _operate(symbol: str, x: Any, y: Any) -> int:
    """Returns Python's result on integers, as places in lists are."""
    x, y = int(x), int(y)
    results = {"+": (x + y) % LIMIT, "-": abs(x - y), "*": x * y % LIMIT}
    return results[symbol] if symbol in results else 0 if y == 0 else x // y if symbol == "//" else x % y


@functools.cache
def _rewritten(operation: Operation) -> Any:
    body = _statements(operation.tree.body[:-1])
    lines = [f"def _run({', '.join(operation.parameters)}):", *body, f"    return {operation.returned}"]
    return compile("\n".join(lines), f"<{operation.name}>", "exec")


def _statements(statements: list[Any]) -> list[str]:
    code = []
    for s in statements:  # `grammar` has checked their forms
        kind, inner = type(s), _statements(getattr(s, "body", []))
        if kind is ast.Assign:
            code.append(f"{s.targets[0].id} = {_assigned(s.targets[0].id, s.value)}")
        elif kind is ast.If:
            code += [f"if {_truth(s.test)}:", *inner]
            code += ["else:", *_statements(s.orelse)] if s.orelse else []
        elif kind is ast.While:
            code += [f"while ({_truth(s.test)}) and _turn():", *inner]
        elif kind is ast.For:
            name = s.target.id
            code += [f"for {name} in range(int({_value(s.iter.args[0])})):", "    if not _turn(): break"]
            code += [f"    {name} = _keep({name!r}, {name})", *inner]
        else:
            code.append(f"{s.value.func.value.id}.append(int({_value(s.value.args[0])}))")
    return ["    " + line for line in code]


def _assigned(name: str, e: ast.expr) -> str:
    if called(e) in operations(LINES):
        return f"_call({name!r}, {called(e)!r}, {', '.join(map(_value, arguments(e)))})"
    if isinstance(e, ast.IfExp):
        return f"_keep({name!r}, {_value(e.body, name)} if {_truth(e.test)} else {_value(e.orelse, name)})"
    return f"_keep({name!r}, {_value(e, name)})"


def _value(e: ast.expr, name: str = "") -> str:
    if called(e) in FUNCTIONS:
        return f"_string({called(e)!r}, {name!r}, {', '.join(map(_value, arguments(e)))})"
    if isinstance(e, ast.Constant):
        return f"Number({e.value!r})" if e.value == "" else str(e.value)
    if isinstance(e, ast.BinOp):
        return f"_operate({SYMBOLS[type(e.op)]!r}, {_value(e.left)}, {_value(e.right)})"
    if isinstance(e, ast.Subscript):
        return f"_read({_value(e.value)}, int({_value(e.slice)}))"
    if called(e):
        return f"{called(e)}({', '.join(map(_value, arguments(e)))})"
    return ast.unparse(e)


def _truth(e: ast.expr) -> str:
    if isinstance(e, ast.UnaryOp):
        return f"not ({_truth(e.operand)})"
    if isinstance(e, ast.BoolOp):
        return (" and " if isinstance(e.op, ast.And) else " or ").join(f"({_truth(part)})" for part in e.values)
    assert isinstance(e, ast.Compare)
    return f"int({_value(e.left)}) {COMPARE[type(e.ops[0])]} int({_value(e.comparators[0])})"
