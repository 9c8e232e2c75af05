"""Markov algorithms in plain Python, against which the stepper on the device is checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """A rule x -> y of an algorithm; a stopping rule ends it."""

    x: str
    y: str
    stops: bool = False


def interpret(rules: Sequence[Rule], text: str, max_steps: int) -> tuple[list[str], bool]:
    """Returns the string after each step, `max_steps` at most, and whether the algorithm reached its end."""
    strings: list[str] = []
    while rule := next((rule for rule in rules if text.find(rule.x) >= 0), None):
        if len(strings) == max_steps:
            return strings, False
        text = text.replace(rule.x, rule.y, 1)
        strings.append(text)
        if rule.stops:
            break
    return strings, True
