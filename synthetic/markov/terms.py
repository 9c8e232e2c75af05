"""Rewriting an expression by an identity, in plain Python: the oracle of `abstraction`.

Expressions are nested tuples (operator, left, right), or a letter; in identities a letter may be a variable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

Term = Any  # a string, or (operator, Term, Term)


def parse(tokens: Sequence[str], operators: Collection[str]) -> Term:
    """Parses `tokens` in prefix notation into an expression.

    Raises ValueError unless they are exactly one expression.
    """
    rest = iter(tokens)

    def read() -> Term:
        token = next(rest, None)
        if token is None:
            raise ValueError(f"the expression {' '.join(tokens)} is cut")
        return (token, read(), read()) if token in operators else token

    term = read()
    if left := list(rest):
        raise ValueError(f"{' '.join(left)} follows the expression in {' '.join(tokens)}")
    return term


def format_term(term: Term) -> list[str]:
    """Formats the expression as tokens in prefix notation."""
    return [term] if isinstance(term, str) else [term[0], *format_term(term[1]), *format_term(term[2])]


def match(pattern: Term, term: Term, variables: Collection[str]) -> dict[str, Term] | None:
    """Returns the value of each variable if `pattern` is `term`, the same wherever it stands; None if it is not."""
    if isinstance(pattern, str):
        if pattern in variables:
            return {pattern: term}
        return {} if pattern == term else None
    if isinstance(term, str) or pattern[0] != term[0]:
        return None
    sides = [match(p, t, variables) for p, t in zip(pattern[1:], term[1:], strict=True)]
    bound: dict[str, Term] = {}
    for side in sides:
        if side is None or any(bound.get(name, value) != value for name, value in side.items()):
            return None
        bound |= side
    return bound


def put(term: Term, bound: dict[str, Term]) -> Term:
    """Returns `term` with its variables replaced by their values."""
    if isinstance(term, str):
        return bound.get(term, term)
    return (term[0], put(term[1], bound), put(term[2], bound))


def matches(pattern: Term, term: Term, variables: Collection[str]) -> Iterator[Term]:
    """Yields the sub-trees of `term` that `pattern` matches, in prefix order."""
    if match(pattern, term, variables) is not None:
        yield term
    if not isinstance(term, str):
        yield from matches(pattern, term[1], variables)
        yield from matches(pattern, term[2], variables)


def rewrite(term: Term, left: Term, right: Term, variables: Collection[str]) -> Term | None:
    """Returns `term` with the first sub-tree in prefix order that `left` matches made `right`.

    It is None if `left` matches no sub-tree.
    """
    bound = match(left, term, variables)
    if bound is not None:
        return put(right, bound)
    if isinstance(term, str):
        return None
    for i in (1, 2):
        changed = rewrite(term[i], left, right, variables)
        if changed is not None:
            return (*term[:i], changed, *term[i + 1 :])
    return None
