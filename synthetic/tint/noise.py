"""Static noise of the finished text, which no computation reads; and the distance of a trace from the clean one.

The kinds are those of section 4 of arXiv 2402.04004 (characters, deletion), and two of ours (insertion, swap).
Contamination is the share of examples that any kind touches. Dynamic noise, that of the computation, is in
`synthetic.tint.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic.tint import words
from synthetic.tint.machine import Rates
from synthetic.tint.text import BESIDE, FIRST_MARK, MARKS, Lines


@dataclass(frozen=True)
class Noise:
    """Holds the probabilities of each kind; see the knobs of `synthetic.tint.task.TInt`."""

    contamination: float = 1.0
    characters: float = 0.0
    deletion: float = 0.0
    insertion: float = 0.0
    swap: float = 0.0
    dynamic: float = 0.0
    hidden: float = 0.0
    operator_errors: float = 0.0

    @property
    def rates(self) -> Rates:
        """Returns the rates for the machine; hidden numbers have a share of the dynamic rate."""
        return Rates(self.dynamic, self.dynamic * self.hidden, self.operator_errors)

    @property
    def of_lines(self) -> bool:
        """Returns whether lines come, go or move."""
        return max(self.deletion, self.insertion, self.swap) > 0

    @property
    def silent(self) -> bool:
        """Returns whether nothing can happen."""
        return self.contamination == 0 or (self.rates.silent and not self.of_lines and self.characters == 0)


CLEAN = Noise(contamination=0.0)


def rearranged(lines: Lines, keys: np.ndarray, noise: Noise) -> Lines:
    """Returns the lines after swap, insertion and deletion, in this order; keys uint64[B] are the examples'.

    From the first line on, a line changes places with the next one with probability `swap`, and both are then passed
    over. After each line a copy of one of the row's lines is put with probability `insertion`. Each line that is no
    such copy is deleted with probability `deletion`.
    """
    if lines.lengths.size == 0:
        return lines
    rows = lines.rows
    number = np.arange(rows.size)
    place = number - lines.first[rows]

    def word(stream: int) -> np.ndarray:
        return words.fold(words.fold(keys, stream)[rows], place)

    wants = words.happens(word(words.SWAP), noise.swap) & (place < lines.counts[rows] - 1)
    # In a run of lines that all want it, the first, third and so on do.
    before_run = np.maximum.accumulate(np.where(wants, -1, number))
    swaps = np.flatnonzero(wants & ((number - before_run) % 2 == 1))
    order = number.copy()
    order[swaps], order[swaps + 1] = swaps + 1, swaps
    kept = ~words.happens(word(words.DELETION), noise.deletion)
    inserted = words.happens(word(words.INSERTION), noise.insertion)
    copied = lines.first[rows] + words.below(word(words.COPIED), lines.counts[rows])
    stays = np.stack([kept, inserted], 1).reshape(-1)
    picked = np.stack([order, copied], 1).reshape(-1)[stays]
    counts = np.bincount(np.repeat(rows, 2)[stays], minlength=lines.counts.size)
    return lines.picked(picked, counts)


def with_wrong_characters(
    tokens: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    keys: np.ndarray,
    rate: float,
    spared: np.ndarray | None = None,
) -> np.ndarray:
    """Returns tokens [B, T] with digits from place `begin` to before `end` ([B]) redrawn with probability `rate`.

    Places of `spared` bool[B, T] stay.
    """
    place = np.arange(tokens.shape[1])
    word = words.fold(words.fold(keys, words.CHARACTERS)[:, None], place[None])
    eligible = (place >= begin[:, None]) & (place < end[:, None]) & (tokens < 10)
    if spared is not None:
        eligible &= ~spared
    return np.where(eligible & words.happens(word, rate), words.digit(word), tokens).astype(tokens.dtype)


def beside_brackets(tokens: np.ndarray) -> np.ndarray:
    """Returns the places of numbers before a comma or a closing bracket, bool[B, T].

    The released code spares these: it noises words that are all digits, and there such a number is one word with the
    mark behind it.
    """
    marks = np.isin(tokens, [FIRST_MARK + MARKS.index(mark) for mark in BESIDE])
    place = np.arange(tokens.shape[1])
    after = np.where(tokens < 10, tokens.shape[1] - 1, place)
    after = np.minimum.accumulate(after[:, ::-1], 1)[:, ::-1]  # the next token that is no digit
    return (tokens < 10) & np.take_along_axis(marks, after, 1)


def changed(clean: np.ndarray, lengths: np.ndarray, noised: np.ndarray, noised_lengths: np.ndarray) -> np.ndarray:
    """Returns the number of tokens by which two texts differ, int64[B].

    These are the tokens of the longer text outside a longest common subsequence. A digit redrawn counts 1, a line
    deleted or inserted its length. Texts are rows of tokens, left-aligned. The subsequence is computed by bits, 64
    places of the clean text in a word (Hyyrö, 2004): a zero marks where it grows.
    """
    batch, width = clean.shape
    size, place, rows = -(-width // 64), np.arange(width), np.arange(batch)
    nothing = int(max(clean.max(initial=0), noised.max(initial=0))) + 1
    padded = np.where(place < lengths[:, None], clean, nothing)
    masks = np.zeros((batch, nothing + 1, size), np.uint64)
    for t in range(width):
        masks[rows, padded[:, t], t // 64] |= np.uint64(1) << np.uint64(t % 64)
    masks[:, nothing] = 0
    other = np.where(np.arange(noised.shape[1]) < noised_lengths[:, None], noised, nothing)
    v = np.full((batch, size), ~np.uint64(0))
    for t in range(int(noised_lengths.max(initial=0))):
        matches = masks[rows, other[:, t]]
        carry = np.zeros(batch, np.uint64)
        for w in range(size):
            old, u = v[:, w], v[:, w] & matches[:, w]
            total = old + u
            first = total < old
            total = total + carry
            carry = (first | (total < carry)).astype(np.uint64)
            v[:, w] = total | (old & ~matches[:, w])
    common = np.bitwise_count(~v).sum(1).astype(np.int64)
    return np.maximum(lengths, noised_lengths) - common
