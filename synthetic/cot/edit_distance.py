"""The edit distance of two strings, at once or after a dynamic program's table (arXiv 2305.15408).

Inserting or deleting a letter costs 2, substituting one 3. As in the code released with the paper, a string has 3 to 10
letters of the alphabet; the other is random with probability 0.4, else made of it by random edits; their lengths differ
by 3 at most, and the shorter comes first. The table is written row by row, for each letter of the first string the
distances of its beginning to the beginnings of the second. Two strings, as a trace:

    inputs    a b | b b ;  3 5 , 2 3 | 3
    targets   b | b b ; 3  5 , 2 3 | 3 .
    weights   0 0 0 0 0 1  1 1 1 1 1 1 1

A prompt is held out by a keyed checksum of its first string, which decides that string's last letter.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterator

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.cot.dynamic import MARK, DynamicProgram
from synthetic.draws import below, unit
from synthetic.prompts import END, Text, on_side
from synthetic.rasp.samples import ordered, splice
from synthetic.task import Example, Task, register

COMMA, ASK = 2, 3
_MARKS = (".", "|", ",", ";")
_APART = 3  # the most by which lengths differ
_GAP, _SUBSTITUTE = 2, 3
_RANDOM = 0.4  # share of second strings that have nothing to do with the first


@register("edit_distance")
@pytree
class EditDistance(DynamicProgram):
    """Say the edit distance of two strings, after the table of the distances of their beginnings."""

    max_letters: int = static(6, low=2, high=100, unit="letters", doc="letters of the longest first string")
    alphabet: int = static(26, low=3, high=26, unit="letters", doc="size of the alphabet")
    letters: int = knob(6, low=2, high=100, unit="letters", doc="letters of the string that is drawn first")

    @property
    def _most(self) -> int:
        """Returns the letters of the longest string."""
        return self.max_letters + _APART

    @property
    def _top(self) -> int:
        """Returns the largest number in a table."""
        return _GAP * (self.max_letters + self._most)

    @property
    def names(self) -> list[str]:
        """Returns marks, letters, numbers."""
        letters = "abcdefghijklmnopqrstuvwxyz"[: self.alphabet]
        return [*_MARKS, *letters, *map(str, range(self._top + 1))]

    @property
    def longest(self) -> int:
        """Counts both strings and their marks, the rows with what closes each, the answer and END."""
        strings = self.max_letters + self._most + 2
        return strings + (self.max_letters * (self._most + 1) + 2 if self.answer_as == "trace" else 1)

    @property
    def end(self) -> int | None:
        """Returns END for traces; a direct answer is one token."""
        return END if self.answer_as == "trace" else None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.letters > self.max_letters:
            yield "letters", f"at most task.max_letters = {self.max_letters}, got {self.letters}"

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples two strings and fills the table. Facts: letters of the first string, and the distance."""
        bits = jax.random.bits(key, (3 + self.alphabet + 2 * self._most + 3 * self.max_letters,), jnp.uint32)
        of_side, bits = bits[0], bits[1:]
        first, m, second, k = self._strings(bits)
        size = self.max_letters
        place = jnp.arange(size)
        free = jnp.where(place < m - 1, first[:size], 0)
        decided = on_side(of_side, free, self.alphabet, self.seed, held_out=split == "unseen")[-1]
        first = jnp.where(place == m - 1, decided, first[:size])
        table = self._table(first, second)
        distance = table[m - 1, k - 1]
        numbers = len(_MARKS) + self.alphabet
        prompt = (len(_MARKS) + first, m), (MARK, 1), (len(_MARKS) + second, k), (ASK, 1)
        if self.answer_as == "direct":
            tokens, length = splice(*prompt, (numbers + distance, 1))
        else:
            index = jnp.arange(size * (self._most + 1))
            row, column = index // (k + 1), index % (k + 1)
            shown = numbers + table[jnp.minimum(row, size - 1), jnp.minimum(column, self._most - 1)]
            rows = jnp.where(column == k, jnp.where(row == m - 1, MARK, COMMA), shown)
            tokens, length = splice(*prompt, (rows, m * (k + 1)), (numbers + distance, 1), (END, 1))
        return Text(tokens, m + k + 2, length, {"letters": m, "distance": distance})

    def _strings(self, bits: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """Returns (shorter string, its length, longer string, its length)."""
        size, n = self._most, jnp.asarray(self.letters)
        of_random, of_count = bits[:2]
        of_letters, of_first, of_second, of_edits = jnp.split(
            bits[2:], (self.alphabet, self.alphabet + size, self.alphabet + 2 * size)
        )
        used = ordered(of_letters)
        count = jnp.minimum(3 + below(of_count, 8), self.alphabet)
        first = used[below(of_first, count)]
        unlike = used[below(of_second, count)]
        # The lengths of a random string are as likely as those that edits may give.
        shortest = jnp.maximum(n - _APART, 1)
        random_length = shortest + below(of_edits[0], n + _APART - shortest + 1)
        edits = 1 + below(of_edits[1], n)

        def edit(state: tuple[jax.Array, jax.Array], step_bits: tuple[jax.Array, jax.Array]):
            (string, length), (step, b) = state, step_bits
            kind = below(b[0], 3)  # 0 inserts, 1 deletes, 2 substitutes
            kind = jnp.where((kind == 0) & (length >= n + _APART) | (kind == 1) & (length <= shortest), 2, kind)
            at = below(b[1], length + (kind == 0))
            letter = used[below(b[2], count)]
            place = jnp.arange(size)
            source = jnp.where(kind == 0, place - (place > at), place + (kind == 1) * (place >= at))
            moved = string[jnp.clip(source, 0, size - 1)]
            edited = jnp.where((place == at) & (kind != 1), letter, moved)
            new = (
                jnp.where(step < edits, edited, string),
                length + jnp.where(step < edits, (kind == 0) - 1 * (kind == 1), 0),
            )
            return new, None

        step_bits = jnp.arange(self.max_letters), of_edits.reshape(self.max_letters, 3)
        (edited, length), _ = jax.lax.scan(edit, (first, n), step_bits)
        is_random = unit(of_random) < _RANDOM
        second = jnp.where(is_random, unlike, edited)
        length = jnp.where(is_random, random_length, length)
        swap = length < n
        pair = jnp.where(swap, second, first), jnp.where(swap, first, second)
        return pair[0], jnp.minimum(length, n), pair[1], jnp.maximum(length, n)

    def _table(self, first: jax.Array, second: jax.Array) -> jax.Array:
        """Returns the distances of beginnings of one letter and more, int32[max_letters, most]."""
        gaps = _GAP * jnp.arange(self._most + 1)

        def row(above: jax.Array, letter: jax.Array) -> tuple[jax.Array, jax.Array]:
            substituted = above[:-1] + jnp.where(second == letter, 0, _SUBSTITUTE)
            best = jnp.append(above[0] + _GAP, jnp.minimum(substituted, above[1:] + _GAP))
            # Insertions go along the row: the least of what stands before, plus the way from it.
            below_it = jax.lax.cummin(best - gaps) + gaps
            return below_it, below_it[1:]

        return jax.lax.scan(row, gaps, first)[1]

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns distances by recursion from the end with a memory."""
        first, second = prompt[: prompt.index(MARK)], prompt[prompt.index(MARK) + 1 : -1]

        @functools.cache
        def distance(i: int, j: int) -> int:
            if i == 0 or j == 0:
                return _GAP * (i + j)
            substituted = distance(i - 1, j - 1) + _SUBSTITUTE * (first[i - 1] != second[j - 1])
            return min(substituted, distance(i - 1, j) + _GAP, distance(i, j - 1) + _GAP)

        numbers = len(_MARKS) + self.alphabet
        answer = numbers + distance(len(first), len(second))
        if self.answer_as == "direct":
            return [answer]
        rows: list[int] = []
        for i in range(1, len(first) + 1):
            rows += [*(numbers + distance(i, j) for j in range(1, len(second) + 1)), COMMA]
        return [*rows[:-1], MARK, answer, END]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the first string, which no training prompt begins with if it is held out."""
        prompt = self.prompt(example)
        return {tuple(prompt[: prompt.index(MARK)])}

    def tiny(self) -> Task:
        """Returns first strings of one letter or two, out of three letters."""
        return self.replace(max_letters=2, alphabet=3, letters=2)
