"""Traced functions: ordinary Python functions on integers and lists, with a declaration of what they show.

    @traced("{x} + {y}", essential="digx digy", hidden="place")
    def add(x, y):
        res = 0
        while x > 0 or y > 0:
            ...
        return res

The framework is that of "Understanding the effect of noise in LLM training data with algorithmic chains of thought"
(arXiv 2402.04004): the chain of thought shows how the variables change while the function runs. A function is read
once, as a syntax tree; `synthetic.tint.machine` runs it for thousands of operands at a time, `synthetic.tint.plain` one
by one.

The language has assignments to names (`x = y`, `x += y`), `if`, `while`, `for i in range(n)`, `for item in items` (a
list that the loop does not change), `items.append(x)`, integers, lists `[]`, reading `items[i]`, `+ - * // %`,
comparisons, `and`, `or`, `not`, `len`, the functions below, other traced functions (as the whole right-hand side of an
assignment), and one `return` of a variable at the end. Numbers are natural and below `LIMIT`. No noise can make the
computation fail: differences are absolute, sums and products are taken modulo `LIMIT`, division by 0 gives 0, and
reading past a list's end gives its last item.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

DIGITS = 18
LIMIT = 10**DIGITS  # numbers fit in an int64, and so does the sum of any two
HALF = 10 ** (DIGITS // 2)  # factors are taken modulo this

SHOWN, CALL, HIDDEN = "shown", "call", "hidden"


def length(x: int) -> int:
    """Returns the number of digits of x."""
    return len(str(x))


def digit(x: int, place: int) -> int:
    """Returns the digit of x at `place`, counted from 0 at the right."""
    return x // 10**place % 10 if place < DIGITS else 0


def put(d: int, x: int, place: int) -> int:
    """Returns x with the digit d in front, at `place`."""
    return (x + d % 10 * 10 ** (place % DIGITS)) % LIMIT


def join(x: int, d: int) -> int:
    """Returns x with the digit d behind."""
    return x * 10 % LIMIT + d % 10


def without(items: list[int], index: int) -> list[int]:
    """Returns the items except the one at `index`, or except the last if there are no more than `index`."""
    index = min(index, max(len(items) - 1, 0))
    return items[:index] + items[index + 1 :]


BASIC = {f.__name__: f for f in (length, digit, put, join, without)} | {"len": len}


@dataclass(frozen=True)
class Operation:
    """Holds a traced function and what it shows.

    text: words of the prompt and of calls, arguments in braces. parameters: names of the arguments. names: variable to
    the name it is shown under, in order of appearance. essential: variables of compact traces. inside: traced function
    to how its call is shown (`SHOWN`: a call, then its lines; `CALL`: a call; `HIDDEN`, the default; then the result).
    result: the variable whose last line has the answer (of a list, its last item); digit by digit, in compact traces,
    it is the last digits of `units` and then `carry`. lists: the parameters that are lists of numbers; the others are
    numbers. larger_first, divisor: whether the two operands are ordered, whether the second is at least 1. widens:
    factor from an operand's digits to the answer's.
    """

    name: str
    function: Callable[..., Any]
    tree: ast.FunctionDef
    text: tuple[str, ...]
    parameters: tuple[str, ...]
    names: Mapping[str, str]
    essential: frozenset[str]
    inside: Mapping[str, str]
    result: str
    units: str
    carry: str
    lists: frozenset[str]
    larger_first: bool
    divisor: bool
    widens: int

    @property
    def takes_list(self) -> bool:
        """Returns whether an operand is a list."""
        return bool(self.lists)

    @property
    def returned(self) -> str:
        """Returns the name of the variable that the function returns."""
        return _returned(self.tree)

    def __hash__(self) -> int:
        return hash(self.name)


_OPERATIONS: dict[str, Operation] = {}


def operations() -> Mapping[str, Operation]:
    """Returns all traced functions by name, in the order in which they were declared."""
    return _OPERATIONS


def traced(
    text: str,
    *,
    essential: str,
    hidden: str = "",
    shown_as: Mapping[str, str] | None = None,
    inside: Mapping[str, str] | None = None,
    result: str = "",
    units: str = "",
    carry: str = "",
    lists: str = "",
    larger_first: bool = False,
    divisor: bool = False,
    widens: int = 1,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as an operation under its name, and returns it as it is.

    See `Operation`. `essential`, `hidden` and `lists` are names apart by spaces; `shown_as` renames variables for the
    reader. Raises SyntaxError, one line, if the function is not of the language, and ValueError if its name is taken or
    its parameters are not as declared.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        if name in _OPERATIONS or name in BASIC:
            raise ValueError(f"operation {name} is registered twice")
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        if isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant):
            tree.body.pop(0)  # the docstring
        tree = ast.fix_missing_locations(_Plainer().visit(tree))
        _check(tree)
        parameters = tuple(a.arg for a in tree.args.args)
        _check_operands(name, parameters, lists.split(), text.split(), ordered=larger_first or divisor)
        assigned = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        unseen = {*hidden.split(), *(v for v in assigned if v.startswith("_"))}
        names = {v: (shown_as or {}).get(v, v) for v in (*parameters, *assigned) if v not in unseen}
        _OPERATIONS[name] = Operation(
            name=name,
            function=function,
            tree=tree,
            text=tuple(text.split()),
            parameters=parameters,
            names=names,
            essential=frozenset(essential.split()),
            inside=dict(inside or {}),
            result=result or _returned(tree),
            units=units,
            carry=carry,
            lists=frozenset(lists.split()),
            larger_first=larger_first,
            divisor=divisor,
            widens=widens,
        )
        return function

    return register


_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


class _Plainer(ast.NodeTransformer):
    """Writes `x += y` as `x = x + y`, and `for item in items` as a loop over places, whose variable is hidden."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if not isinstance(node.target, ast.Name):
            return node
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.iter, ast.Name) and isinstance(node.target, ast.Name)):
            return node
        place = f"_place_of_{node.target.id}"
        item = ast.Subscript(node.iter, ast.Name(place, ast.Load()), ast.Load())
        size = ast.Call(ast.Name("len", ast.Load()), [node.iter], [])
        turns = ast.Call(ast.Name("range", ast.Load()), [size], [])
        body = [ast.copy_location(ast.Assign([node.target], item), node), *node.body]
        return ast.copy_location(ast.For(ast.Name(place, ast.Store()), turns, body, node.orelse), node)


def _check_operands(
    name: str, parameters: Sequence[str], lists: Sequence[str], text: Sequence[str], *, ordered: bool
) -> None:
    """Raises ValueError, one line, if operands cannot be drawn or the text does not show each of them once."""
    if unknown := [each for each in lists if each not in parameters]:
        raise ValueError(f"{name}: lists names {unknown[0]}, which is no parameter; there are {', '.join(parameters)}")
    if ordered and (len(parameters) != 2 or lists):
        raise ValueError(f"{name}: larger_first and divisor are for two numbers, got {', '.join(parameters)}")
    shown = [word[1:-1] for word in text if word.startswith("{")]
    if not parameters or shown != list(parameters):
        raise ValueError(
            f"{name}: its text must show its parameters in order, {', '.join(parameters) or 'one or more'}"
        )


def called(node: ast.expr) -> str:
    """Returns the name of the function that an expression calls, or an empty text."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def arguments(node: ast.expr) -> list[ast.expr]:
    """Returns the arguments of a call."""
    return node.args if isinstance(node, ast.Call) else []


def _appends(call: ast.expr) -> bool:
    """Returns whether an expression is `items.append(item)`."""
    method = call.func if isinstance(call, ast.Call) and len(call.args) == 1 else None
    return isinstance(method, ast.Attribute) and method.attr == "append" and isinstance(method.value, ast.Name)


def _returned(tree: ast.FunctionDef) -> str:
    last = tree.body[-1]
    return last.value.id if isinstance(last, ast.Return) and isinstance(last.value, ast.Name) else ""


def _check(tree: ast.FunctionDef) -> None:
    if not _returned(tree):
        _refuse(tree, tree.body[-1], "the last statement must return a variable")
    for statement in tree.body[:-1]:
        _check_statement(tree, statement)


def _check_statement(tree: ast.FunctionDef, s: ast.stmt) -> None:
    if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name):
        if called(s.value) in _OPERATIONS:
            for argument in arguments(s.value):
                _check_value(tree, argument)
        elif not (isinstance(s.value, ast.List) and not s.value.elts):
            _check_value(tree, s.value)
    elif isinstance(s, ast.If | ast.While) and not (isinstance(s, ast.While) and s.orelse):
        _check_truth(tree, s.test)
    elif isinstance(s, ast.For) and isinstance(s.target, ast.Name) and called(s.iter) == "range" and not s.orelse:
        if len(arguments(s.iter)) != 1:
            _refuse(tree, s, "range takes one argument here")
        _check_value(tree, arguments(s.iter)[0])
    elif isinstance(s, ast.Expr) and _appends(s.value):
        _check_value(tree, arguments(s.value)[0])
    else:
        _refuse(tree, s, "not a statement of traced functions")
    for inner in (*getattr(s, "body", ()), *getattr(s, "orelse", ())):
        _check_statement(tree, inner)


def _check_value(tree: ast.FunctionDef, e: ast.expr) -> None:
    if isinstance(e, ast.BinOp) and isinstance(e.op, _OPERATORS):
        parts = [e.left, e.right]
    elif isinstance(e, ast.Subscript) and isinstance(e.value, ast.Name):
        parts = [e.slice]
    elif called(e) in BASIC:
        parts = arguments(e)
    elif isinstance(e, ast.Name) or (isinstance(e, ast.Constant) and type(e.value) is int):
        parts = []
    else:
        where = (
            "only as the whole right-hand side of an assignment" if called(e) in _OPERATIONS else "not an expression"
        )
        _refuse(tree, e, f"{where} of traced functions")
    for part in parts:
        _check_value(tree, part)


def _check_truth(tree: ast.FunctionDef, e: ast.expr) -> None:
    if isinstance(e, ast.BoolOp):
        for part in e.values:
            _check_truth(tree, part)
    elif isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.Not):
        _check_truth(tree, e.operand)
    elif isinstance(e, ast.Compare) and len(e.ops) == 1 and isinstance(e.ops[0], _COMPARISONS):
        _check_value(tree, e.left)
        _check_value(tree, e.comparators[0])
    else:
        _refuse(tree, e, "not a condition of traced functions")


def _refuse(tree: ast.FunctionDef, node: ast.AST, why: str) -> NoReturn:
    raise SyntaxError(f"{tree.name}, line {getattr(node, 'lineno', 1)}: {why}: {ast.unparse(node).splitlines()[0]}")
