"""Expressions modulo a prime in plain Python: evaluated by recursive descent, and reduced in all right ways.

Nothing here is shared with the sampler. A line is a list of words: numbers are ints, all else is text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

Word = int | str
_PRIME = 10**9 + 7


class Unreadable(ValueError):
    """A line that is no expression, or divides by zero."""


def evaluate(line: list[Word], modulus: int) -> int:
    """Returns the value of an expression, where * and / bind more strongly than + and -, all from the left."""
    value, rest = _sum(list(line), modulus)
    if rest:
        raise Unreadable(f"{rest[0]} stands where the expression should end")
    return value


def _sum(words: list[Word], modulus: int) -> tuple[int, list[Word]]:
    value, words = _product(words, modulus)
    while words and words[0] in ("+", "-"):
        sign = 1 if words[0] == "+" else -1
        term, words = _product(words[1:], modulus)
        value = (value + sign * term) % modulus
    return value, words


def _product(words: list[Word], modulus: int) -> tuple[int, list[Word]]:
    value, words = _atom(words, modulus)
    while words and words[0] in ("*", "/"):
        factor, rest = _atom(words[1:], modulus)
        if words[0] == "/":
            if factor == 0:
                raise Unreadable("it divides by zero")
            factor = pow(factor, -1, modulus)
        value, words = value * factor % modulus, rest
    return value, words


def _atom(words: list[Word], modulus: int) -> tuple[int, list[Word]]:
    if words and isinstance(words[0], int):
        return words[0], words[1:]
    if words and words[0] == "(":
        value, rest = _sum(words[1:], modulus)
        if rest and rest[0] == ")":
            return value, rest[1:]
    raise Unreadable("a number or a bracket is missing")


def successors(line: list[Word], modulus: int) -> Iterator[list[Word]]:
    """Yields the lines after one reduction of two adjacent operands, from the left.

    A reduction is right if the line means the same with brackets about the two operands, whatever the numbers are.
    """
    for i in range(len(line) - 2):
        a, operator, b = line[i : i + 3]
        if not (isinstance(a, int) and isinstance(b, int) and operator in ("+", "-", "*", "/")):
            continue
        if not _same_for_all(line, [*line[:i], "(", a, operator, b, ")", *line[i + 3 :]]):
            continue
        start, end = i, i + 3
        if start and line[start - 1] == "(" and end < len(line) and line[end] == ")":
            start, end = start - 1, end + 1
        yield [*line[:start], evaluate([a, operator, b], modulus), *line[end:]]


def _same_for_all(line: list[Word], other: list[Word]) -> bool:
    """Returns whether two lines with the same numbers have one value for other numbers in their place.

    Two rational functions that agree on three draws of numbers modulo a large prime are the same.
    """
    return all(_with_others(line, draw) == _with_others(other, draw) for draw in range(3))


def _with_others(line: list[Word], draw: int) -> int:
    """Returns the value of a line modulo a large prime, with numbers that depend on their place and on `draw`."""
    numbers = itertools.count(1)
    words = [pow(1234 + 77 * next(numbers), 3 + draw, _PRIME) if isinstance(word, int) else word for word in line]
    return evaluate(words, _PRIME)
