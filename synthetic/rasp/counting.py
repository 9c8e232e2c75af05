"""Counting up, and the most frequent symbol: two tasks with a short RASP-L program (arXiv 2310.16028).

Counting from 3 to 6, and the mode of "dbd":

    inputs    > 3 6 3 4 5 6      inputs    > d b d : d
    targets   3 6 3 4 5 6 .      targets   d b d : d .
    weights   0 0 1 1 1 1 1      weights   0 0 0 0 1 1

With a scratchpad the mode's answer begins with the count of each distinct symbol: `1 b 2 d d` in increasing order of
count (the paper's section 5), or `d 2 b 1 d` in order of appearance (its appendix).
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fields import pytree, static
from synthetic.draws import below
from synthetic.rasp.samples import LengthTask, Sample, ordered, splice
from synthetic.task import register

_DISTINCT = 5  # number of distinct symbols in a word of the paper's `Mode`


class CountTokens(NamedTuple):
    """Holds the ids of counting; integers are themselves."""

    start: int
    end: int


@register("rasp_count")
@pytree
class Count(LengthTask):
    """Given two integers, say all from the first to the second. The length is how many these are."""

    symbols: int = static(64, low=1, high=10**4, unit="symbols", doc="integers in the vocabulary, 0 the smallest")

    @property
    def tokens(self) -> CountTokens:
        """Returns the ids after the integers."""
        return CountTokens(self.symbols, self.symbols + 1)

    @property
    def names(self) -> list[str]:
        """Returns integers, then `>` and `.`."""
        return [*map(str, range(self.symbols)), ">", "."]

    @property
    def sample_words(self) -> int:
        """Counts the first integer."""
        return 1

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts START, two integers, n integers, END."""
        return n + 4, n + 4

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.symbols < self.max_length:
            yield "symbols", f"at least task.max_length = {self.max_length} integers to count, got {self.symbols}"

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples the first integer uniformly over those from which n can be counted."""
        first = below(bits[0], self.symbols - n + 1)
        counted = first + jnp.arange(self.max_length)
        ends = jnp.stack([first, first + n - 1])
        tokens, length = splice((self.tokens.start, 1), (ends, 2), (counted, n), (self.tokens.end, 1))
        return Sample(tokens, jnp.int32(3), length, {})

    def prompt_length(self, tokens: list[int]) -> int | None:
        """Returns 2, for two integers; no separator follows them."""
        return 2 if len(tokens) >= 2 else None

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns `range`."""
        return [*range(prompt[0], prompt[1] + 1), self.tokens.end]


class ModeTokens(NamedTuple):
    """Holds the ids of the mode's task; symbols are themselves.

    Count c is `number` + c, in the vocabulary with a scratchpad.
    """

    start: int
    sep: int
    end: int
    number: int


@register("rasp_mode")
@pytree
class Mode(LengthTask):
    """Say which symbol of a word is the most frequent; it is the only one with that frequency.

    A word's letters are uniform over five symbols (fewer if the word is short), themselves a random set of the
    alphabet. A tie is broken by turning one occurrence of a most frequent symbol into another one.
    """

    distinct: int = static(
        _DISTINCT, low=2, high=52, unit="symbols", silent=True, doc="symbols that the letters of a word are drawn from"
    )

    symbols: int = static(26, low=_DISTINCT, high=52, unit="symbols", doc="size of the alphabet")
    scratchpad: str = static(
        "none",
        choices=("none", "by_count", "by_appearance"),
        doc="whether the answer has counts before the mode, and their order",
    )

    @property
    def tokens(self) -> ModeTokens:
        """Returns the ids after the symbols."""
        return ModeTokens(*range(self.symbols, self.symbols + 4))

    @property
    def names(self) -> list[str]:
        """Returns letters, then `>`, `:`, `.` and the counts from 0."""
        counts = range(self.max_length + 1 if self.scratchpad != "none" else 0)
        return [*string.ascii_letters[: self.symbols], ">", ":", ".", *map(str, counts)]

    @property
    def sample_words(self) -> int:
        """Counts the order of the alphabet, and letters."""
        return self.symbols + self.max_length

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts START, word, separator, two tokens for each distinct symbol if there is a scratchpad, mode, END."""
        pad = 2 * (self.scratchpad != "none")
        return n + 4 + pad, n + 4 + pad * min(n, self.distinct)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.distinct > self.symbols:
            yield "distinct", f"at most task.symbols = {self.symbols}, got {self.distinct}"

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples a word of n letters; see the class."""
        palette, bits = ordered(bits[: self.symbols])[: self.distinct], bits[self.symbols :]
        letter, place = below(bits, self.distinct), jnp.arange(self.max_length)
        letter = jnp.where(place < n, letter, self.distinct)  # beyond the word: none
        count = (letter[:, None] == jnp.arange(self.distinct)).sum(0)
        tied = count == count.max()
        mode = jnp.argmax(tied)
        other = jnp.argmax(tied & (jnp.arange(self.distinct) != mode))
        # Any of the other's occurrences is turned: the largest of `bits` among them is a matter of chance.
        turned = jnp.argmax(jnp.where(letter == other, bits, 0))
        letter = jnp.where((tied.sum() > 1) & (place == turned), mode, letter)
        answer, answer_length = self._answer(palette, letter, mode)
        word = jnp.append(palette, 0)[letter]
        start, sep, end, _ = self.tokens
        tokens, length = splice((start, 1), (word, n), (sep, 1), (answer, answer_length), (end, 1))
        return Sample(tokens, n + 2, length, {})

    def _answer(self, palette: jax.Array, letter: jax.Array, mode: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the answer int32[11] or int32[1] without END, and its length.

        `letter` is a word of indices into the palette.
        """
        if self.scratchpad == "none":
            return palette[mode][None], jnp.int32(1)
        occurs = letter[:, None] == jnp.arange(self.distinct)
        count, first = occurs.sum(0), jnp.argmax(occurs, 0)
        rank = first + self.max_length * (count if self.scratchpad == "by_count" else 0)
        order = jnp.argsort(jnp.where(count > 0, rank, jnp.iinfo(jnp.int32).max))
        pair = [self.tokens.number + count[order], palette[order]]
        pairs = jnp.stack(pair if self.scratchpad == "by_count" else pair[::-1], 1).reshape(-1)
        return splice((pairs, 2 * (count > 0).sum()), (palette[mode], 1))

    def answer(self, prompt: list[int]) -> list[int]:
        """Uses `Counter`, which keeps the order of appearance; `sorted` keeps it among equals."""
        counts = Counter(prompt[:-1])
        tokens = [max(counts, key=counts.__getitem__), self.tokens.end]
        if self.scratchpad == "by_appearance":
            tokens = [t for symbol, c in counts.items() for t in (symbol, self.tokens.number + c)] + tokens
        elif self.scratchpad == "by_count":
            by_count = sorted(counts.items(), key=lambda item: item[1])
            tokens = [t for symbol, c in by_count for t in (self.tokens.number + c, symbol)] + tokens
        return tokens
