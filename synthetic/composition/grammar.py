"""The grammars of SCAN commands: the full one, and a small one of the same kind.

A phrase is a unit, perhaps repeated. A unit is a word alone or with a form; `turn` is a unit with a form alone, and has
no action of its own. The full grammar has six forms and repetitions twice and thrice, the small one left, right and
twice. A command is a phrase, or two joined by `and` or `after`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

LEFT, RIGHT, ACT = range(3)  # kinds of actions of a unit
_SIDES = ("left", "right")


class Grammar(NamedTuple):
    """Holds a grammar.

    forms: (word before the side or "", side or "") of each form of a word; those of `turn` are all but the first.
    repeats: how often a phrase may be said. lengths, actions: the number and the kinds of a unit's actions by form;
    turns: the same of `turn`.
    """

    forms: tuple[tuple[str, str], ...]
    repeats: tuple[int, ...]

    @property
    def words(self) -> list[str]:
        """Returns the words that are no primitives."""
        manners = [manner for manner in ("opposite", "around") if any(form[0] == manner for form in self.forms)]
        times = ["twice", "thrice"][: len(self.repeats) - 1]
        return ["turn", *_SIDES, *manners, *times, "and", "after"]

    def actions(self, *, turn: bool) -> tuple[np.ndarray, np.ndarray]:
        """Returns (int32[forms] lengths, int32[forms, 8] kinds) of the actions of a word's unit, or of `turn`'s."""
        rows = [_kinds(manner, side, turn=turn) for manner, side in self.forms]
        kinds = np.array([row + [0] * (8 - len(row)) for row in rows], np.int32)
        return np.array([len(row) for row in rows], np.int32), kinds

    @property
    def most_actions(self) -> int:
        """Returns the largest number of actions of a phrase."""
        return int(self.actions(turn=False)[0].max()) * max(self.repeats)

    @property
    def most_words(self) -> int:
        """Returns the largest number of words of a phrase."""
        return 2 + any(manner for manner, _ in self.forms) + 1

    def phrases(self, primitives: int) -> int:
        """Returns the number of phrases with so many primitives."""
        return len(self.repeats) * (len(self.forms) * primitives + len(self.forms) - 1)


def _kinds(manner: str, side: str, *, turn: bool) -> list[int]:
    act = [] if turn else [ACT]
    if not side:
        return act
    turned = [_SIDES.index(side)]
    if manner == "around":
        return (turned + act) * 4
    return turned * (1 + (manner == "opposite")) + act


GRAMMARS = {
    "small": Grammar((("", ""), ("", "left"), ("", "right")), (1, 2)),
    "full": Grammar(
        (("", ""), *((manner, side) for manner in ("", "opposite", "around") for side in _SIDES)), (1, 2, 3)
    ),
}


def interpret(command: str, actions: dict[str, str]) -> str:
    """Returns the actions of a command by rewriting its text; `actions` has that of each primitive.

    Each rule replaces a phrase by what it means, innermost first, until only actions are left.
    """
    for side in _SIDES:
        turn = f"TURN_{side.upper()}"
        for word, act in (*actions.items(), ("turn", "")):
            command = re.sub(rf"\b{word} around {side}\b", " ".join([turn, act] * 4), command)
            command = re.sub(rf"\b{word} opposite {side}\b", f"{turn} {turn} {act}", command)
            command = re.sub(rf"\b{word} {side}\b", f"{turn} {act}", command)
    for word, act in actions.items():
        command = re.sub(rf"\b{word}\b", act, command)
    parts = re.split(r"\b(and|after)\b", command)
    for name, times in (("twice", 2), ("thrice", 3)):
        parts = [re.sub(rf"^(.*) {name}\s*$", " ".join([r"\1"] * times), part) for part in parts]
    if "after" in parts:
        parts = parts[::-1]
    return " ".join(" ".join(part for part in parts if part not in ("and", "after")).split())
