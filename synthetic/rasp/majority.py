"""Majority of bits, of one word or of several that are interleaved (the re-run of RASP-L's tasks, arXiv 2410.02140).

Majority of 01101, and of the three words 001, 111 and 010, which take turns:

    inputs    > 0 1 1 0 1 : 1      inputs    > 0 1 0 0 1 1 1 1 0 : 0 1 0
    targets   0 1 1 0 1 : 1 .      targets   0 1 0 0 1 1 1 1 0 : 0 1 0 .
    weights   0 0 0 0 0 0 1 1      weights   0 0 0 0 0 0 0 0 0 0 1 1 1 1
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from fields import pytree, static
from synthetic.draws import below
from synthetic.rasp.samples import LengthTask, Sample, chosen, splice
from synthetic.task import register


class MajorityTokens(NamedTuple):
    """Holds the ids of the majority's task; the bits are 0 and 1."""

    start: int = 2
    sep: int = 3
    end: int = 4


@register("rasp_majority")
@pytree
class Majority(LengthTask):
    """Say which bit is the more frequent one in each of the interleaved words. No word has as many zeros as ones.

    The number of zeros is uniform over those that are no tie, and their places are uniform (the re-run's law). Each of
    several words has a part of the length, rounded, but no more than training's longest and no less than its
    shortest allows.
    """

    interleaved: int = static(1, low=1, high=20, unit="words", doc="words that take turns")

    few: ClassVar[tuple[str, ...]] = ("train", "test")  # words that are nearly all zeros or ones are few

    @property
    def tokens(self) -> MajorityTokens:
        """Returns the same ids for all lengths."""
        return MajorityTokens()

    @property
    def names(self) -> list[str]:
        """Returns bits and marks."""
        return ["0", "1", ">", ":", "."]

    @property
    def _longest(self) -> int:
        """Returns the length of the longest word."""
        return -(-self.max_length // self.interleaved)

    @property
    def sample_words(self) -> int:
        """Counts for each word its number of zeros, and their places."""
        return self.interleaved * (1 + self._longest)

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts START, words, separator, a bit for each word, END."""
        more, count = self.interleaved + 3, self.interleaved
        return count * max(n // count, 1) + more, count * -(-n // count) + more

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples each word's number of zeros, then their places."""
        count = self.interleaved
        length = (2 * n + count) // (2 * count)
        length -= length * count > self.train_length
        length = jnp.maximum(length + (length * count < self.min_length), 1)
        draws = bits.reshape(count, 1 + self._longest)
        half = length // 2
        zeros = below(draws[:, 0], length + length % 2)
        zeros += (length % 2 == 0) & (zeros >= half)
        word = 1 - jax.vmap(chosen, (0, None, 0))(draws[:, 1:], length, zeros).astype(jnp.int32)
        majority = (2 * zeros < length).astype(jnp.int32)
        start, sep, end = self.tokens
        whole = count * length
        tokens, size = splice((start, 1), (word.T.reshape(-1), whole), (sep, 1), (majority, count), (end, 1))
        return Sample(tokens, whole + 2, size, {})

    def answer(self, prompt: list[int]) -> list[int]:
        """Compares the sum of each word with half its length."""
        words = [prompt[:-1][first :: self.interleaved] for first in range(self.interleaved)]
        return [*(int(2 * sum(word) > len(word)) for word in words), self.tokens.end]
