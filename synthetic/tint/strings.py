"""Numbers that are strings of digits, as the operations of the style `lines` have them, in plain Python.

The code released with arXiv 2402.04004 keeps a number as the text of its digits, which may begin with zeros or have no
digit at all; it is compared by its size. So a sum that is put together digit by digit shows `0`, `0 0`, `0 0 0`,
`1 0 0 0`. Each function below makes a number, which meets dynamic noise. Some read a number's length on the way, which
meets it too. A string keeps its last `DIGITS` digits.

The oracle runs these functions; `synthetic.tint.digits` has them for many rows at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from synthetic.tint.limits import DIGITS


class Number(str):
    """A number as text; it is compared by its size, and as no digit it is 0."""

    __slots__ = ()

    def __new__(cls, digits: str | int = "") -> Number:
        """Returns the last digits of a text, or the digits of an integer."""
        return super().__new__(cls, str(digits)[-DIGITS:])

    def __int__(self) -> int:
        return int(str(self) or "0")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str | int) and int(self) == int(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: str | int) -> bool:
        return int(self) < int(other)

    def __le__(self, other: str | int) -> bool:
        return int(self) <= int(other)

    def __gt__(self, other: str | int) -> bool:
        return int(self) > int(other)

    def __ge__(self, other: str | int) -> bool:
        return int(self) >= int(other)

    __hash__ = str.__hash__


class Noising(NamedTuple):
    """Holds the noise that a function's numbers meet, and the arithmetic of its steps.

    new: noise of the number that it makes. hidden: noise of one that it reads on the way. operate: takes "+", "-" or
    "*" and two integers.
    """

    new: Callable[[Number], Number]
    hidden: Callable[[Number], Number]
    operate: Callable[[str, int, int], int]


def plus(x: Number, y: Number, *, by: Noising) -> Number:
    """Returns x + y in one step."""
    return by.new(Number(by.operate("+", int(x), int(y))))


def minus(x: Number, y: Number, *, by: Noising) -> Number:
    """Returns the difference of x and y in one step."""
    return by.new(Number(by.operate("-", int(x), int(y))))


def times(x: Number, y: Number, *, by: Noising) -> Number:
    """Returns x y in one step."""
    return by.new(Number(by.operate("*", int(x), int(y))))


def fresh(x: Number, *, by: Noising) -> Number:
    """Returns x as a new number."""
    return by.new(x)


def size(x: Number, *, by: Noising) -> Number:
    """Returns the digits of x without zeros in front; 0 has one, no digit has none."""
    return by.new(_digits(x))


def concat(x: Number, y: Number, *, by: Noising) -> Number:
    """Returns the digits of x, then those of y."""
    return by.new(Number(str(x) + str(y)))


def index(x: Number, place: Number, *, by: Noising) -> Number:
    """Returns the digit of x at `place`, counted from 0 at the right, or 0 beyond its length."""
    inside = place < by.hidden(_digits(x))
    # A length that noise has made too long counts from the left again, as Python's places below 0 do.
    return by.new(Number(str(x)[len(x) - 1 - int(place) % len(x)] if inside and len(x) else 0))


def shift(x: Number, places: Number, *, by: Noising) -> Number:
    """Returns x without its last `places` digits and without zeros in front; x itself if there are none to drop."""
    beyond = places >= by.hidden(_digits(x))
    digits = str(int(x))
    kept = by.new(Number(digits[: max(len(digits) - int(places), 0)]))
    return Number(0) if beyond else x if places == 0 else kept


def pad(x: Number, places: Number, *, by: Noising) -> Number:
    """Returns x with so many zeros behind."""
    return by.new(Number(str(x) + "0" * min(int(places), DIGITS)))


def _digits(x: Number) -> Number:
    return Number(len(str(int(x))) if str(x) else 0)


FUNCTIONS = {f.__name__: f for f in (plus, minus, times, fresh, size, concat, index, shift, pad)}
