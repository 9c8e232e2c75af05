"""Markov algorithms in plain Python: what the stepper on the device is checked against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """A rule x -> y of an algorithm; a stopping rule ends it."""

    x: str
    y: str
    stops: bool = False


def interpret(rules: Sequence[Rule], text: str, max_steps: int) -> tuple[list[str], bool]:
    """The string after each step, `max_steps` at most, and whether the algorithm came to its end within them."""
    found: list[str] = []
    while rule := next((rule for rule in rules if text.find(rule.x) >= 0), None):
        if len(found) == max_steps:
            return found, False
        text = text.replace(rule.x, rule.y, 1)
        found.append(text)
        if rule.stops:
            break
    return found, True
