"""The oracle of TInt: Python itself runs the traced functions, one example at a time, on plain integers or strings.

The random words are the same as in `synthetic.tint.words`, computed here with Python's integers.
"""

from __future__ import annotations

from typing import Any

from synthetic.tint import words
from synthetic.tint.language import COMPACT, LINES, NONE, STEPS, Operation, operations
from synthetic.tint.noise import CLEAN, Noise
from synthetic.tint.plain_run import Line, Run, digit, format_value, happens, word
from synthetic.tint.plain_strings import StringsRun
from synthetic.tint.text import END, NEWLINE, vocabulary


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
    names = vocabulary(style)
    prompted, operands = parsed(prompt, style)
    operation = operation or prompted
    assert operation is not None, "the prompt does not tell the operation"
    key = word(word(word(0x54496E74, seed), split), index)
    noise = noise if happens(word(word(key, words.CONTAMINATED), 0), noise.contamination) else CLEAN
    run = (StringsRun if style == LINES else Run)(key, noise, fuel, compact=style in (COMPACT, NONE))
    answer = run.whole(operation, operands)
    lines = [[*line, "\n"] if style in (LINES, STEPS) else line for line in run.lines]
    lines = _rearranged([] if style == NONE else lines, key, noise)
    behind = ["\n"] if style == COMPACT else []
    answer_tokens = format_value(answer)[: length - len(prompt) - len(behind) - 1]
    room = length - len(prompt) - len(behind) - len(answer_tokens) - 1
    trace = []
    for line in lines:
        if len(trace) + len(line) > room:
            break
        trace += line
    whole = [*trace, *behind, *answer_tokens]
    spared = _spared(whole) if style == LINES else set()
    tokens = [
        names.index(token) if i in spared else _character(names.index(token), key, len(prompt) + i, noise)
        for i, token in enumerate(whole)
    ]
    return [*tokens, END]


def _spared(tokens: Line) -> set[int]:
    """Returns the places of numbers that stand before a comma or a closing bracket."""
    places, number = set(), []
    for i, token in enumerate(tokens):
        if token.isdigit():
            number.append(i)
        else:
            places |= set(number) if token in (",", "]", ")") else set()
            number = []
    return places


def parsed(prompt: list[int], style: str = COMPACT) -> tuple[Operation | None, list[Any]]:
    """Parses a prompt: its operation, None if it does not tell, and its operands, integers and lists of them."""
    names = vocabulary(style)
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
    for operation in operations(style).values():
        if marks == [word for word in operation.text if not word.startswith("{")]:
            return operation, operands
    return None, operands


def numbers(operands: list[Any]) -> tuple[int, ...]:
    """Returns all numbers of operands, in order of size."""
    return tuple(sorted(n for x in operands for n in (x if isinstance(x, list) else [x])))


def _character(token: int, key: int, place: int, noise: Noise) -> int:
    drawn = word(word(key, words.CHARACTERS), place)
    return digit(drawn) if token < 10 and happens(drawn, noise.characters) else token


def _rearranged(lines: list[Line], key: int, noise: Noise) -> list[Line]:
    swap, insertion, copied, deletion = (
        word(key, stream) for stream in (words.SWAP, words.INSERTION, words.COPIED, words.DELETION)
    )
    order, place = list(lines), 0
    while place < len(lines) - 1:
        if happens(word(swap, place), noise.swap):
            order[place : place + 2] = order[place + 1], order[place]
            place += 1
        place += 1
    result = []
    for place, line in enumerate(order):
        if not happens(word(deletion, place), noise.deletion):
            result.append(line)
        if happens(word(insertion, place), noise.insertion):
            result.append(lines[word(copied, place) % len(lines)])
    return result
