"""The longest increasing subsequence, at once or after a dynamic program's table (arXiv 2305.15408).

As in the code released with the paper, one to three sorted runs are planted at random places and the other numbers are
uniform, all above those that count; the table has, at each place, the longest increasing subsequence that ends there.
Five numbers, as a trace and direct:

    inputs    9 7 12 8 15 |  1 1 2 2 3 | 3      inputs    9 7 12 8 15 |
    targets   7 12 8 15 | 1  1 2 2 3 | 3 .      targets   7 12 8 15 | 3
    weights   0 0  0  0 0 1  1 1 1 1 1 1 1      weights   0 0 0   0 0 1

A prompt is held out by a keyed checksum of its numbers, which decides the last one; that is never planted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.cot.dynamic import MARK, DynamicProgram
from synthetic.draws import below
from synthetic.prompts import END, Text, on_side
from synthetic.rasp.samples import ordered
from synthetic.task import Example, Task, register

_COUNTS = 1  # the token of the number 0 is that of `|`, which no count is


@register("lis")
@pytree
class Lis(DynamicProgram):
    """Say how long the longest increasing subsequence is, after the length of that which ends at each number."""

    max_items: int = static(10, low=2, high=500, unit="numbers", doc="numbers of the longest sequence")
    numbers: int = static(32, low=3, high=10**4, unit="numbers", doc="how many numbers there are to draw from")
    items: int = knob(10, low=2, high=500, unit="numbers", doc="numbers of a sequence")

    @property
    def names(self) -> list[str]:
        """Returns marks, the lengths that count, then the numbers of sequences, all greater."""
        return [".", "|", *map(str, range(1, self.max_items + self.numbers + 1))]

    @property
    def longest(self) -> int:
        """Counts the numbers, their mark, the table with its mark, the answer, END."""
        return 2 * self.max_items + 4 if self.answer_as == "trace" else self.max_items + 2

    @property
    def end(self) -> int | None:
        """Returns END for traces; a direct answer is one token."""
        return END if self.answer_as == "trace" else None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.items > self.max_items:
            yield "items", f"at most task.max_items = {self.max_items}, got {self.items}"

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples numbers and fills the table. Facts: items, and the `longest` subsequence."""
        size, n = self.max_items, jnp.asarray(self.items)
        bits = jax.random.bits(key, (5 + 2 * size,), jnp.uint32)
        word = self._planted(bits[1:], n)
        last = jnp.arange(size) == n - 1
        free = jnp.where(last, 0, word)
        # The checksum reads the places in order and decides the last number, wherever that is.
        decided = on_side(bits[0], free, self.numbers, self.seed, held_out=split == "unseen")[-1]
        word = jnp.where(last, decided, word)
        inside = jnp.arange(size) < n

        def fill(table: jax.Array, i: jax.Array) -> tuple[jax.Array, None]:
            before = jnp.where((jnp.arange(size) < i) & (word < word[i]), table, 0)
            return table.at[i].set(1 + before.max()), None

        table, _ = jax.lax.scan(fill, jnp.zeros(size, jnp.int32), jnp.arange(size))
        best = jnp.where(inside, table, 0).max()
        place = jnp.arange(self.longest)
        shown = _COUNTS + 1 + self.max_items + word[jnp.clip(place, 0, size - 1)]
        tokens = jnp.where(place == n, MARK, shown)
        if self.answer_as == "direct":
            tokens = jnp.where(place == n + 1, _COUNTS + best, tokens)
            length = n + 2
        else:
            tokens = jnp.where(place > n, _COUNTS + table[jnp.clip(place - n - 1, 0, size - 1)], tokens)
            tokens = jnp.where(place == 2 * n + 1, MARK, jnp.where(place == 2 * n + 2, _COUNTS + best, tokens))
            tokens = jnp.where(place == 2 * n + 3, END, tokens)
            length = 2 * n + 4
        return Text(tokens, n + 1, length, {"items": n, "longest": best})

    def _planted(self, bits: jax.Array, n: jax.Array) -> jax.Array:
        """Returns uniform numbers with one to three sorted runs at random places, all but the last of n."""
        size = self.max_items
        of_runs, of_total, *of_cuts = bits[:4]
        place = jnp.arange(size)
        word = below(bits[4 : 4 + size], self.numbers)
        room = n - 1
        least = jnp.minimum(3, room)
        total = least + below(of_total, room - least + 1)
        groups = 1 + below(of_runs, 3)
        # A random set of `total` places below n - 1: those of the smallest ranks.
        rank = jnp.where(place < room, jnp.argsort(ordered(bits[4 + size :])), size)
        planted = (rank[:, None] > jnp.where(place < room, rank, size)[None]).sum(1) < total
        planted &= place < room
        within = jnp.cumsum(planted) - planted
        cuts = jnp.stack([below(cut, jnp.maximum(total, 1)) for cut in of_cuts])
        cuts = jnp.where(jnp.arange(2) < groups - 1, cuts, size)
        group = (within[:, None] >= cuts[None]).sum(1)
        # Numbers of one run change places until they are sorted; all others keep theirs.
        group = jnp.where(planted, group, 3 + place)
        order = jnp.argsort(group * size + place)
        values = jnp.sort(group * self.numbers + word) % self.numbers
        return jnp.zeros(size, jnp.int32).at[order].set(values)

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the lengths by patience sorting: a number goes on the first pile whose top is not smaller."""
        tops: list[int] = []
        lengths = []
        for number in prompt[:-1]:
            pile = bisect_left(tops, number)
            tops[pile : pile + 1] = [number]
            lengths.append(pile + 1)
        best = _COUNTS + len(tops)
        table = [_COUNTS + length for length in lengths]
        return [best] if self.answer_as == "direct" else [*table, MARK, best, END]

    def tiny(self) -> Task:
        """Returns pairs of five numbers."""
        return self.replace(max_items=2, numbers=5, items=2)
