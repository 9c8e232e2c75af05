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

The language has assignments to names (`x = y`, `x += y`, `x = y if y > z else z`), `if`, `while`, `for i in range(n)`,
`for item in items` (a list that the loop does not change), `items.append(x)`, integers, lists `[]`, reading `items[i]`,
`+ - * // %`, comparisons, `and`, `or`, `not`, `len`, the functions below, other traced functions (as the whole
right-hand side of an assignment), and one `return` of a variable at the end. Numbers are natural and below `LIMIT`. No
noise can make the computation fail: differences are absolute, sums and products are taken modulo `LIMIT`, division by 0
gives 0, and reading past a list's end gives its last item.

The operations of the style `lines` are in `synthetic.tint.authors`; their numbers are strings of digits, see
`synthetic.tint.strings`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthetic.tint import strings as digit_strings
from synthetic.tint.grammar import Grammar, Plainer, returned
from synthetic.tint.limits import DIGITS, LIMIT

SHOWN, CALL, HIDDEN = "shown", "call", "hidden"
LINES, STEPS, COMPACT, NONE = "lines", "steps", "compact", "none"  # styles of a trace


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


OF_LISTS = {"without": without, "len": len}
BASIC = {f.__name__: f for f in (length, digit, put, join)} | OF_LISTS


@dataclass(frozen=True)
class Operation:
    """Holds a traced function and what it shows.

    text: words of the prompt, arguments in braces; call: those of a call. parameters: names of the arguments. names:
    variable to the name it is shown under, in order of appearance. essential: variables of compact traces. inside:
    traced function to how its call is shown (`SHOWN`: a call, then its lines; `CALL`: a call; `HIDDEN`, the default;
    then the result). result: the variable whose last line has the answer (of a list, its last item); digit by digit,
    in compact traces, it is the last digits of `units` and then `carry`. lists: the parameters that are lists of
    numbers; the others are numbers. larger_first, divisor: whether the two operands are ordered, whether the second
    is at least 1. widens: factor from an operand's digits to the answer's. strings: whether its numbers are strings
    of digits.
    """

    name: str
    function: Callable[..., Any]
    tree: ast.FunctionDef
    text: tuple[str, ...]
    call: tuple[str, ...]
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
    strings: bool

    @property
    def takes_list(self) -> bool:
        """Returns whether an operand is a list."""
        return bool(self.lists)

    @property
    def returned(self) -> str:
        """Returns the name of the variable that the function returns."""
        return returned(self.tree)

    def __hash__(self) -> int:
        return hash(self.name)


_OPERATIONS: dict[str, Operation] = {}
_STRINGS: dict[str, Operation] = {}  # those of the style `lines`


def operations(style: str = COMPACT) -> Mapping[str, Operation]:
    """Returns all traced functions of a style by name, in the order in which they were declared.

    The style `lines` has the operations of the paper's code; the other styles share ours.
    """
    return _STRINGS if style == LINES else _OPERATIONS


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
    call: str = "",
    strings: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as an operation under its name, and returns it as it is.

    See `Operation`. `essential`, `hidden` and `lists` are names apart by spaces; `shown_as` renames variables for the
    reader; a call has the words of the prompt if `call` gives no others. Raises SyntaxError, one line, if the function
    is not of the language, and ValueError if its name is taken or its parameters are not as declared.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        others = _STRINGS if strings else _OPERATIONS
        basic = {**digit_strings.FUNCTIONS, **OF_LISTS} if strings else BASIC
        if name in others or name in basic:
            raise ValueError(f"operation {name} is registered twice")
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        if isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant):
            tree.body.pop(0)  # the docstring
        tree = ast.fix_missing_locations(Plainer().visit(tree))
        Grammar(basic, others, strings=strings).check(tree)
        parameters = tuple(a.arg for a in tree.args.args)
        _check_operands(name, parameters, lists.split(), text.split(), ordered=larger_first or divisor)
        assigned = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        unseen = {*hidden.split(), *(v for v in assigned if v.startswith("_"))}
        names = {v: (shown_as or {}).get(v, v) for v in (*parameters, *assigned) if v not in unseen}
        others[name] = Operation(
            name=name,
            function=function,
            tree=tree,
            text=tuple(text.split()),
            call=tuple((call or text).split()),
            parameters=parameters,
            names=names,
            essential=frozenset(essential.split()),
            inside=dict(inside or {}),
            result=result or returned(tree),
            units=units,
            carry=carry,
            lists=frozenset(lists.split()),
            larger_first=larger_first,
            divisor=divisor,
            widens=widens,
            strings=strings,
        )
        return function

    return register


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
