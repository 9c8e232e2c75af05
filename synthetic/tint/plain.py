"""The oracle of TInt: Python itself runs the traced functions, one example at a time, on plain integers.

A function's text is written anew with its assignments and operators as calls of the methods below, which print and
noise; its branches and loops stay as they are, and so do conditions. The random words are the same as in
`synthetic.tint.words`, computed here with Python's integers.
"""

from __future__ import annotations

import ast
import functools
from typing import Any

from synthetic.tint import words
from synthetic.tint.language import BASIC, CALL, HALF, HIDDEN, LIMIT, SHOWN, Operation, arguments, called, operations
from synthetic.tint.noise import CLEAN, Noise
from synthetic.tint.text import END, NEWLINE, vocabulary

_SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}

Line = list[str]  # of tokens' names


def response(
    prompt: list[int],
    style: str,
    length: int,
    fuel: int,
    noise: Noise,
    seed: int,
    split: int,
    index: int,
    *,
    operation: Operation | None = None,
) -> list[int]:
    """Returns all tokens after the prompt, the end token among them, of example `index` of a split.

    `operation` is needed if the prompt does not tell it.
    """
    names = vocabulary()
    prompted, operands = parsed(prompt)
    operation = operation or prompted
    assert operation is not None, "the prompt does not tell the operation"
    key = _word(_word(_word(0x54496E74, seed), split), index)
    noise = noise if _happens(_word(_word(key, words.CONTAMINATED), 0), noise.contamination) else CLEAN
    run = _Run(key, noise, fuel, style)
    answer = run.whole(operation, operands)
    lines = [[*line, "\n"] if style == "lines" else line for line in run.lines]
    lines = _rearranged([] if style == "none" else lines, key, noise)
    behind = ["\n"] if style == "compact" else []
    answer_tokens = _format_value(answer)[: length - len(prompt) - len(behind) - 1]
    room = length - len(prompt) - len(behind) - len(answer_tokens) - 1
    trace = []
    for line in lines:
        if len(trace) + len(line) > room:
            break
        trace += line
    tokens = [names.index(token) for token in [*trace, *behind, *answer_tokens]]
    return [_character(t, key, len(prompt) + i, noise) for i, t in enumerate(tokens)] + [END]


def parsed(prompt: list[int]) -> tuple[Operation | None, list[Any]]:
    """Parses a prompt: its operation, None if it does not tell, and its operands, integers and lists of them."""
    names = vocabulary()
    operands: list[Any] = []
    marks, items, number = [], None, ""
    for token in [*(names[t] for t in prompt if t != NEWLINE), ""]:
        if token.isdigit():
            number += token
            continue
        if number:
            (operands if items is None else items).append(int(number))
            number = ""
        if token == "[":
            items = []
        elif token == "]":
            operands.append(items)
            items = None
        elif items is None and token:
            marks.append(token)
    for operation in operations().values():
        if marks == [word for word in operation.text if not word.startswith("{")]:
            return operation, operands
    return None, operands


def numbers(operands: list[Any]) -> tuple[int, ...]:
    """Returns all numbers of operands, in order of size."""
    return tuple(sorted(n for x in operands for n in (x if isinstance(x, list) else [x])))


def _word(key: int, n: int) -> int:
    """Returns output n of splitmix64 from `key`."""
    x = (key + (n + 1) * 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def _happens(word: int, rate: float) -> bool:
    return word >> 40 < round(rate * 2**24)


def _digit(word: int) -> int:
    return word % 2**32 * 10 >> 32


def _character(token: int, key: int, place: int, noise: Noise) -> int:
    word = _word(_word(key, words.CHARACTERS), place)
    return _digit(word) if token < 10 and _happens(word, noise.characters) else token


def _rearranged(lines: list[Line], key: int, noise: Noise) -> list[Line]:
    swap, insertion, copied, deletion = (
        _word(key, stream) for stream in (words.SWAP, words.INSERTION, words.COPIED, words.DELETION)
    )
    order, place = list(lines), 0
    while place < len(lines) - 1:
        if _happens(_word(swap, place), noise.swap):
            order[place : place + 2] = order[place + 1], order[place]
            place += 1
        place += 1
    result = []
    for place, line in enumerate(order):
        if not _happens(_word(deletion, place), noise.deletion):
            result.append(line)
        if _happens(_word(insertion, place), noise.insertion):
            result.append(lines[_word(copied, place) % len(lines)])
    return result


def _format_value(value: int | list[int]) -> Line:
    if isinstance(value, list):
        items = [token for item in value for token in [",", *str(item)]]
        return ["[", *items[1:], "]"]
    return list(str(value))


class _Run:
    """Runs one computation: its lines, its noise, and the turns of loops that are left."""

    def __init__(self, key: int, noise: Noise, fuel: int, style: str):
        self.lines: list[Line] = []
        self.key, self.noise, self.fuel, self.compact = key, noise, fuel, style != "lines"
        self.hidden_rate = noise.dynamic * noise.hidden
        self.drawn = {words.DYNAMIC: 0, words.OPERATORS: 0}

    def whole(self, operation: Operation, operands: list[Any]) -> Any:
        answer = self.call(operation, operands, shown=True)
        if isinstance(answer, list):
            return [self.hidden(item) for item in answer]
        return self.hidden(answer)

    def call(self, operation: Operation, arguments: list[Any], *, shown: bool) -> Any:
        if shown and not self.compact:
            line: Line = []
            for name, value in zip(operation.parameters, arguments, strict=True):
                line += [*([","] if line else []), name, "=", *_format_value(value)]
            self.show(line)
        frame = _Frame(self, operation, shown)
        scope = dict(BASIC) | {
            "_keep": frame.keep,
            "_call": frame.call,
            "_hidden": self.hidden,
            "_operate": self.operate,
            "_read": lambda items, i: items[max(min(i, len(items) - 1), 0)] if items else 0,
            "_turn": self.turn,
        }
        exec(_rewritten(operation), scope)
        return scope["_run"](*arguments)

    def show(self, line: Line) -> None:
        if self.compact or not self.lines or self.lines[-1] != line:
            self.lines.append(line)

    def turn(self) -> bool:
        self.fuel -= 1
        return self.fuel >= 0

    def draw(self, stream: int) -> int:
        self.drawn[stream] += 1
        return _word(_word(self.key, stream), self.drawn[stream] - 1)

    def noised(self, value: Any, rate: float) -> Any:
        if rate == 0 or isinstance(value, list):
            return value
        key, digits = self.draw(words.DYNAMIC), list(str(value))
        for place in range(len(digits) if value else 0):
            word = _word(key, place)
            if _happens(word, rate):
                digits[-1 - place] = str(_digit(word))
        return int("".join(digits))

    def hidden(self, value: Any) -> Any:
        return self.noised(value, self.hidden_rate)

    def operate(self, symbol: str, x: int, y: int) -> int:
        if symbol in "//%":
            return 0 if y == 0 else x // y if symbol == "//" else x % y
        if self.noise.operator_errors:
            word = self.draw(words.OPERATORS)
            if _happens(word, self.noise.operator_errors):
                symbol = "+-*"[("+-*".index(symbol) + 1 + word % 2**32 % 2) % 3]
        return {"+": (x + y) % LIMIT, "-": abs(x - y), "*": (x % HALF) * (y % HALF)}[symbol]


class _Frame:
    """Holds the variables of one call of an operation, as far as they are shown."""

    def __init__(self, run: _Run, operation: Operation, shown: bool):
        self.run, self.operation, self.shown = run, operation, shown

    def prints(self, name: str) -> bool:
        return self.shown and name in (self.operation.essential if self.run.compact else self.operation.names)

    def keep(self, name: str, value: Any, kind: str) -> Any:
        """Returns the value that the variable gets, noised if it is new, and prints it."""
        prints = self.prints(name)
        if kind == "new":
            value = self.run.noised(value, self.run.noise.dynamic if prints else self.run.hidden_rate)
        if prints and not (kind == "constant" and self.run.compact):
            equals = [] if self.run.compact else ["="]
            self.run.show([self.operation.names[name], *equals, *_format_value(value)])
        return value

    def call(self, name: str, callee: str, *arguments: Any) -> Any:
        operation, how = operations()[callee], self.operation.inside.get(callee, HIDDEN)
        if self.prints(name) and how in (CALL, SHOWN) and not self.run.compact:
            given = dict(zip(operation.parameters, arguments, strict=True))
            text = [t for w in operation.text for t in (_format_value(given[w[1:-1]]) if w[0] == "{" else [w])]
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
    made = _made(e)
    if callee in operations():
        made = f"_call({name!r}, {callee!r}, {', '.join(map(_value, arguments(e)))})"
    return f"{name} = _keep({name!r}, {made}, 'new')"


def _value(e: ast.expr) -> str:
    return ast.unparse(e) if isinstance(e, ast.Name | ast.Constant) else f"_hidden({_made(e)})"


def _made(e: ast.expr) -> str:
    if isinstance(e, ast.BinOp):
        return f"_operate({_SYMBOLS[type(e.op)]!r}, {_value(e.left)}, {_value(e.right)})"
    if isinstance(e, ast.Subscript):
        return f"_read({_value(e.value)}, {_value(e.slice)})"
    return f"{called(e)}({', '.join(map(_value, arguments(e)))})"


def _truth(e: ast.expr) -> str:
    if isinstance(e, ast.UnaryOp):
        return f"not ({_truth(e.operand)})"
    if isinstance(e, ast.BoolOp):
        return (" and " if isinstance(e.op, ast.And) else " or ").join(f"({_truth(part)})" for part in e.values)
    assert isinstance(e, ast.Compare)
    return f"{_value(e.left)} {_COMPARE[type(e.ops[0])]} {_value(e.comparators[0])}"
