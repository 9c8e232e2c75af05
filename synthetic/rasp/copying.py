"""Copying and sorting (arXiv 2310.16028): easy for RASP-L if no symbol comes twice.

Copying and sorting "5 2 7":

    inputs    > 5 2 7 : 5 2 7      inputs    > 5 2 7 : 2 5 7
    targets   5 2 7 : 5 2 7 .      targets   5 2 7 : 2 5 7 .
    weights   0 0 0 0 1 1 1 1      weights   0 0 0 0 1 1 1 1
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fields import pytree, static
from synthetic.draws import below
from synthetic.rasp.samples import LengthTask, Sample, ordered, splice
from synthetic.task import register


class CopyTokens(NamedTuple):
    """Holds the ids of copying and of sorting; symbols are themselves."""

    start: int
    sep: int
    end: int


@pytree
class _Words(LengthTask):
    """Say the symbols of a word, in an order that depends on the task."""

    symbols: int = static(64, low=2, high=10**4, unit="symbols", doc="size of the alphabet")

    @property
    def tokens(self) -> CopyTokens:
        """Returns the ids after the symbols."""
        return CopyTokens(*range(self.symbols, self.symbols + 3))

    @property
    def names(self) -> list[str]:
        """Returns symbols as numbers, then `>`, `:` and `.`."""
        return [*map(str, range(self.symbols)), ">", ":", "."]

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts START, word, separator, word, END."""
        return 2 * n + 3, 2 * n + 3

    def _sample(self, word: jax.Array, answer: jax.Array, n: jax.Array) -> Sample:
        start, sep, end = self.tokens
        tokens, length = splice((start, 1), (word, n), (sep, 1), (answer, n), (end, 1))
        return Sample(tokens, n + 2, length, {})

    def _too_few(self) -> Iterator[tuple[str, str]]:
        if self.symbols < self.max_length:
            yield "symbols", f"at least task.max_length = {self.max_length}: none comes twice, got {self.symbols}"


@register("rasp_copy")
@pytree
class Copy(_Words):
    """Say a word again. Its symbols are all different, or drawn with replacement (the paper: of two symbols)."""

    unique: bool = static(True, doc="whether no symbol comes twice in a word")

    @property
    def sample_words(self) -> int:
        """Counts the order of the alphabet, or the symbols."""
        return self.symbols if self.unique else self.max_length

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.unique:
            yield from self._too_few()

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples symbols without or with replacement."""
        word = ordered(bits)[: self.max_length] if self.unique else below(bits, self.symbols)
        return self._sample(word, word, n)

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns the word itself."""
        return [*prompt[:-1], self.tokens.end]


@register("rasp_sort")
@pytree
class Sort(_Words):
    """Say the symbols of a word, all different, in increasing order."""

    @property
    def sample_words(self) -> int:
        """Counts the order of the alphabet."""
        return self.symbols

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        yield from self._too_few()

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples symbols without replacement."""
        word = ordered(bits)[: self.max_length]
        inside = jnp.arange(self.max_length) < n
        return self._sample(word, jnp.sort(jnp.where(inside, word, self.symbols)), n)

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns `sorted`."""
        return [*sorted(prompt[:-1]), self.tokens.end]
