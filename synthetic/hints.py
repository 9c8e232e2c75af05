"""Sorting and incrementing with hints, simpler questions about the same numbers, in training alone (arXiv 2310.00726).

The paper trains a model to sort and, at the same time, to answer a hint such as the successor of a number; it then
sorts longer sequences. Its text could not be read, so the layout is ours. A row is one question: the task itself, or
with the chance `hint_share` the hint. Sorting 5 2 5, and the successor of 2 among them:

    inputs    > main 5 2 5 : 2 5 5      inputs    > hint 5 2 5 : 2 5
    targets   main 5 2 5 : 2 5 5 .      targets   hint 5 2 5 : 2 5 .
    weights   0    0 0 0 0 1 1 1 1      weights   0    0 0 0 0 0 1 1

The hints: the `successor` of a number of the sequence is the smallest greater one, its `predecessor` the greatest
smaller one, and the answer is empty where there is none; `count` is how often it comes; `fill` is the number that
stands at a place of the answer, as many places after the first as the number asked; `smallest` is the smallest number,
whatever is asked, and says nothing of the order. With `none` the share of hints is still drawn but has no loss, so that
all hints are compared at the same questions of the task itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.rasp.samples import LengthTask, Sample, splice
from synthetic.task import Task, register

HINTS = ("none", "successor", "count", "fill", "predecessor", "smallest")


class HintTokens(NamedTuple):
    """Holds the ids of the tokens that are no numbers; numbers are themselves."""

    start: int
    main: int
    hint: int
    sep: int
    end: int


@pytree
class _Hinted(LengthTask):
    """A task on a sequence of numbers, with hints about it in training."""

    symbols: int = static(32, low=2, high=10**4, unit="numbers", doc="how many numbers there are, 0 the smallest")
    hint: str = static("successor", choices=HINTS, doc="what hints ask; none: they have no loss")
    hint_share: float = knob(1 / 3, low=0.0, high=1.0, unit="share", doc="share of training examples that are hints")

    splits: ClassVar[tuple[str, ...]] = ("train", "test", "hint")
    rates: ClassVar[Mapping[str, str]] = {"hint": "hint_share"}

    def made(self, word: jax.Array, n: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the answer to the task for the first n of `word`, and its length."""
        raise NotImplementedError

    def plain(self, word: list[int]) -> list[int]:
        """Returns the answer to the task by plain Python."""
        raise NotImplementedError

    @property
    def tokens(self) -> HintTokens:
        """Returns the ids after the numbers."""
        return HintTokens(*range(self.symbols, self.symbols + 5))

    @property
    def names(self) -> list[str]:
        """Returns numbers, then the marks."""
        return [*map(str, range(self.symbols)), ">", "main", "hint", ":", "."]

    @property
    def end(self) -> int:
        """Returns the token after the answer."""
        return self.tokens.end

    @property
    def sample_words(self) -> int:
        """Counts the sequence, whether it is a hint, and which number is asked."""
        return self.max_length + 2

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.hint in ("count", "fill") and self.train_length >= self.symbols:
            yield "train_length", f"below task.symbols = {self.symbols}, to say a {self.hint}, got {self.train_length}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the task itself, at lengths within and beyond training's, and the hint if there is one."""
        hint = {"hint": (self, "hint")} if self.hint != "none" else {}
        return {**super().conditions(), **hint}

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples numbers with replacement, and whether the task or the hint is asked."""
        start, main, hint, sep, end = self.tokens
        size = self.max_length
        word = below(bits[:size], self.symbols)
        answer, length = self.made(word, n)
        hinted = (unit(bits[size]) < self.hint_share) if split == "train" else jnp.bool_(split == "hint")
        query, reply, some = self._hinted(word, n, answer, bits[size + 1])
        answer = jnp.where(hinted, reply, answer)
        length = jnp.where(hinted, some, length)
        tag = jnp.where(hinted, hint, main)
        question = hinted.astype(jnp.int32)
        tokens, total = splice((start, 1), (tag, 1), (word, n), (sep, 1), (query, question), (answer, length), (end, 1))
        silent = hinted & (self.hint == "none")
        prompt = jnp.where(silent, total, n + 3 + question)
        return Sample(tokens, prompt, total, {"hint": hinted})

    def _hinted(self, word: jax.Array, n: jax.Array, answer: jax.Array, bits: jax.Array):
        """Returns (what is asked, the hint's answer, whether there is one)."""
        place = jnp.arange(self.max_length)
        inside = place < n
        index = below(bits, n)
        query = index if self.hint == "fill" else word[index]
        if self.hint == "successor":
            reply = jnp.where(inside & (word > query), word, self.symbols).min()
            some = reply < self.symbols
        elif self.hint == "predecessor":
            reply = jnp.where(inside & (word < query), word, -1).max()
            some = reply >= 0
        else:
            reply = {
                "count": (inside & (word == query)).sum(),
                "fill": answer[index],
                "smallest": jnp.where(inside, word, self.symbols).min(),
                "none": jnp.int32(0),
            }[self.hint]
            some = jnp.bool_(True)
        return query, jnp.clip(reply, 0, self.symbols - 1), some.astype(jnp.int32)

    def prompt_length(self, tokens: list[int]) -> int | None:
        """Returns how many tokens after START are the prompt, and the number that a hint asks of."""
        length = super().prompt_length(tokens)
        asks = int(bool(tokens) and tokens[0] == self.tokens.hint)
        return None if length is None or length + asks > len(tokens) else length + asks

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns the answer to the task or to the hint, and END."""
        word = prompt[1 : prompt.index(self.tokens.sep)]
        if prompt[0] == self.tokens.main:
            return [*self.plain(word), self.tokens.end]
        query = prompt[-1]
        if self.hint == "fill":
            reply = [self.plain(word)[query]]
        else:
            reply = {
                "successor": sorted(number for number in word if number > query)[:1],
                "predecessor": sorted(number for number in word if number < query)[-1:],
                "count": [word.count(query)],
                "smallest": sorted(word)[:1],
                "none": [0],
            }[self.hint]
        return [*reply, self.tokens.end]


@register("hinted_sort")
@pytree
class HintedSort(_Hinted):
    """Say numbers, some of them the same, in increasing order; in training also answer a hint about them."""

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts a hint without an answer, and START, tag, numbers, separator, numbers, END."""
        return n + 5, max(2 * n + 4, n + 6)

    def made(self, word: jax.Array, n: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the numbers in order."""
        return jnp.sort(jnp.where(jnp.arange(self.max_length) < n, word, self.symbols)), n

    def plain(self, word: list[int]) -> list[int]:
        """Returns `sorted`."""
        return sorted(word)


@register("hinted_increment")
@pytree
class HintedIncrement(_Hinted):
    """Add one to a number whose first digit is its most significant; in training also answer a hint about its digits.

    A carry through k digits has the chance of k digits that are all the highest; `symbols` is the base.
    """

    symbols: int = static(10, low=2, high=10**4, unit="digits", doc="the base: how many digits there are")

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts a hint without an answer, and START, tag, digits, separator, digits and one more, END."""
        return n + 5, max(2 * n + 5, n + 6)

    def made(self, word: jax.Array, n: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the digits after adding one: those before the last that is not the highest stay."""
        place = jnp.arange(self.max_length)
        turns = jnp.where((place < n) & (word < self.symbols - 1), place, -1).max()
        digits = jnp.where(place < turns, word, jnp.where(place == turns, word + 1, 0))
        longer = turns < 0
        digits = jnp.append(digits, 0)
        shifted = jnp.where(jnp.arange(self.max_length + 1) == 0, 1, 0)
        return jnp.where(longer, shifted, digits), n + longer

    def plain(self, word: list[int]) -> list[int]:
        """Returns the digits of the integer after the one that these digits write, with as many zeros in front."""
        number = 1
        for place, digit in enumerate(reversed(word)):
            number += digit * self.symbols**place
        digits = []
        while number:
            number, digit = divmod(number, self.symbols)
            digits.append(digit)
        return [0] * (len(word) - len(digits)) + digits[::-1]
