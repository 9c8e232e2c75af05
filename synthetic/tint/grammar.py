"""The grammar of traced functions: which Python they may be, read as a syntax tree. See `synthetic.tint.language`."""

from __future__ import annotations

import ast
from collections.abc import Container
from typing import NoReturn

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


class Plainer(ast.NodeTransformer):
    """Writes `x += y` as `x = x + y`, and `for item in items` as a loop over places, whose variable is hidden."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Returns a plain assignment."""
        if not isinstance(node.target, ast.Name):
            return node
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """Returns a loop over places, if it is one over items."""
        self.generic_visit(node)
        if not (isinstance(node.iter, ast.Name) and isinstance(node.target, ast.Name)):
            return node
        place = f"_place_of_{node.target.id}"
        item = ast.Subscript(node.iter, ast.Name(place, ast.Load()), ast.Load())
        size = ast.Call(ast.Name("len", ast.Load()), [node.iter], [])
        turns = ast.Call(ast.Name("range", ast.Load()), [size], [])
        body = [ast.copy_location(ast.Assign([node.target], item), node), *node.body]
        return ast.copy_location(ast.For(ast.Name(place, ast.Store()), turns, body, node.orelse), node)


def called(node: ast.expr) -> str:
    """Returns the name of the function that an expression calls, or an empty text."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def arguments(node: ast.expr) -> list[ast.expr]:
    """Returns the arguments of a call."""
    return node.args if isinstance(node, ast.Call) else []


def returned(tree: ast.FunctionDef) -> str:
    """Returns the name of the variable that a function returns at its end, or an empty text."""
    last = tree.body[-1]
    return last.value.id if isinstance(last, ast.Return) and isinstance(last.value, ast.Name) else ""


def _appends(call: ast.expr) -> bool:
    """Returns whether an expression is `items.append(item)`."""
    method = call.func if isinstance(call, ast.Call) and len(call.args) == 1 else None
    return isinstance(method, ast.Attribute) and method.attr == "append" and isinstance(method.value, ast.Name)


class Grammar:
    """Checks functions that may call `basic` functions anywhere and `traced` ones as a whole right-hand side.

    strings: whether a number may also be no digit at all, written "".
    """

    def __init__(self, basic: Container[str], traced: Container[str], *, strings: bool):
        self._basic, self._traced, self._strings = basic, traced, strings

    def check(self, tree: ast.FunctionDef) -> None:
        """Raises SyntaxError, one line, for the first thing that is not of the language."""
        if not returned(tree):
            _refuse(tree, tree.body[-1], "the last statement must return a variable")
        for statement in tree.body[:-1]:
            self._statement(tree, statement)

    def _statement(self, tree: ast.FunctionDef, s: ast.stmt) -> None:
        if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name):
            self._assigned(tree, s.value)
        elif isinstance(s, ast.If | ast.While) and not (isinstance(s, ast.While) and s.orelse):
            self._truth(tree, s.test)
        elif isinstance(s, ast.For) and isinstance(s.target, ast.Name) and called(s.iter) == "range" and not s.orelse:
            if len(arguments(s.iter)) != 1:
                _refuse(tree, s, "range takes one argument here")
            self._value(tree, arguments(s.iter)[0])
        elif isinstance(s, ast.Expr) and _appends(s.value):
            self._value(tree, arguments(s.value)[0])
        else:
            _refuse(tree, s, "not a statement of traced functions")
        for inner in (*getattr(s, "body", ()), *getattr(s, "orelse", ())):
            self._statement(tree, inner)

    def _assigned(self, tree: ast.FunctionDef, e: ast.expr) -> None:
        if called(e) in self._traced:
            for argument in arguments(e):
                self._value(tree, argument)
        elif isinstance(e, ast.IfExp):
            self._truth(tree, e.test)
            self._value(tree, e.body)
            self._value(tree, e.orelse)
        elif not (isinstance(e, ast.List) and not e.elts):
            self._value(tree, e)

    def _value(self, tree: ast.FunctionDef, e: ast.expr) -> None:
        if isinstance(e, ast.BinOp) and isinstance(e.op, _OPERATORS):
            parts = [e.left, e.right]
        elif isinstance(e, ast.Subscript) and isinstance(e.value, ast.Name):
            parts = [e.slice]
        elif called(e) in self._basic:
            parts = arguments(e)
        elif isinstance(e, ast.Name) or (isinstance(e, ast.Constant) and self._constant(e.value)):
            parts = []
        else:
            whole = "only as the whole right-hand side of an assignment"
            _refuse(tree, e, f"{whole if called(e) in self._traced else 'not an expression'} of traced functions")
        for part in parts:
            self._value(tree, part)

    def _constant(self, value: object) -> bool:
        return type(value) is int or (self._strings and value == "")

    def _truth(self, tree: ast.FunctionDef, e: ast.expr) -> None:
        if isinstance(e, ast.BoolOp):
            for part in e.values:
                self._truth(tree, part)
        elif isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.Not):
            self._truth(tree, e.operand)
        elif isinstance(e, ast.Compare) and len(e.ops) == 1 and isinstance(e.ops[0], _COMPARISONS):
            self._value(tree, e.left)
            self._value(tree, e.comparators[0])
        else:
            _refuse(tree, e, "not a condition of traced functions")


def _refuse(tree: ast.FunctionDef, node: ast.AST, why: str) -> NoReturn:
    raise SyntaxError(f"{tree.name}, line {getattr(node, 'lineno', 1)}: {why}: {ast.unparse(node).splitlines()[0]}")
