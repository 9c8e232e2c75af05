"""Documents of worked examples: several of one operation, one behind the other; the last is the question."""

from __future__ import annotations

import numpy as np

from synthetic.tint import words
from synthetic.tint.generate import SPLITS, Form, generate, needed
from synthetic.tint.noise import Noise
from synthetic.tint.operands import Laws
from synthetic.tint.text import END, within


def documents(
    form: Form,
    length: int,
    laws: Laws,
    noises: tuple[Noise, Noise],
    seed: int,
    split: str,
    count: int,
    shots: int,
    *,
    all_asked: bool,
    shifts: int = 1,
) -> dict[str, np.ndarray]:
    """Returns `count` documents, one a row, of `shots` worked examples and a question; `noises` are those of the two.

    Example k of document i is example i (shots + 1) + k of the split. If they do not fit in `length` tokens the first
    ones are left out, never the question. All digits of a document's responses, noise included, are written higher by a
    number below `shifts`, modulo 10.

    tokens uint8[count, length], end tokens behind. scored uint8[count, length]: 1 at each place before a token of the
    question's response, or of any response if `all_asked`. Facts: operation, its number; shots, the number of worked
    examples present; label, the share of these with a true answer; kept, the share of the tokens of their responses (of
    each or of its clean example's, whichever is longer) that noise has left; and shift, by how much digits are written
    higher, where there is more than one.
    """
    size, group = needed(form).tokens, shots + 1
    numbers = np.arange(count * group)
    is_question = numbers % group == shots
    made: dict[str, np.ndarray] = {}
    for which, noise in zip((~is_question, is_question), noises, strict=True):
        some = generate(form, size, laws, noise, seed, split, numbers[which], group=group)
        for name, values in some.items():
            made.setdefault(name, np.zeros((numbers.size, *values.shape[1:]), values.dtype))[which] = values
    begin, end = made["begin"].astype(np.int64), made["end"].astype(np.int64)
    lengths = (end + 1).reshape(count, group)
    left = length - lengths[:, ::-1].cumsum(1)[:, ::-1]  # by the example and those behind it
    fits = left >= 0
    first = np.where(fits, lengths, 0)
    at = (np.arange(count)[:, None] * length + first.cumsum(1) - first)[fits]
    rows = np.flatnonzero(fits)
    tokens = np.full(count * length, END, np.uint8)
    tokens[within(at, end[rows] + 1)] = made["tokens"].reshape(-1)[within(rows * size, end[rows] + 1)]
    keys = words.fold(words.root(seed, SPLITS.index(split)), np.arange(count))
    shift = words.digit(words.fold(words.fold(keys, words.SHIFT), 0), shifts)
    written = within(at + begin[rows], (end - begin)[rows])
    by = np.repeat(shift[rows // group], (end - begin)[rows])
    tokens[written] = np.where(tokens[written] < 10, (tokens[written] + by) % 10, tokens[written])
    scored = np.zeros(count * length, np.uint8)
    counted = is_question[rows] | all_asked
    scored[within(at + begin[rows] - 1, (end - begin + 1)[rows])[np.repeat(counted, (end - begin + 1)[rows])]] = 1
    shown = fits & ~is_question.reshape(count, group)
    right, changed, longer = (
        np.where(shown, values.reshape(count, group), 0).sum(1)
        for values in (made["right"], made["changed"], made["longer"])
    )
    present = shown.sum(1)
    return {
        "tokens": tokens.reshape(count, length),
        "scored": scored.reshape(count, length),
        "operation": made["operation"][is_question],
        "shots": present.astype(np.uint8),
        "label": (right / np.maximum(present, 1)).astype(np.float32),
        "kept": (1 - changed / np.maximum(longer, 1)).astype(np.float32),
    } | ({"shift": shift.astype(np.uint8)} if shifts > 1 else {})
