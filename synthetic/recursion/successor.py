"""The successor of a binary number defined recursively, where carries reach far in few examples (arXiv 2401.12947).

A number is a leading one, 01, to which X0 and X1 append a bit. Three equations define the successor:

    s(01) = X0 01        s(X0 b) = X1 b        s(X1 b) = X0 s(b)

so that the recursive call is the carry, and its depth is the number of X1 before the first X0 or 01. The paper's text
could not be read: the layout is ours. The successor of X1 X0 01, which is 5, as its value and in steps:

    inputs    s X1 X0 01 =  X0 X1 01     inputs    s X1 X0 01 =  X0 s  X0 01 =  X0 X1 01
    targets   X1 X0 01 = X0 X1 01 .      targets   X1 X0 01 = X0 s  X0 01 =  X0 X1 01 .
    weights   0  0  0  0 1  1  1  1      weights   0  0  0  0 1  1  1  1  1  1  1  1  1

With the most significant bit first, every line is written backwards.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.prompts import END, PromptTask, Text, side_key
from synthetic.task import Example, Task, register

_NAMES = (".", "=", "s", "X0", "X1", "01")
EQUALS, CALL, ZERO, ONE, LEADING = range(1, 6)
_FREE = 3  # bits by which a number is held out or not
LOOKS = (1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 14, 16)  # bits at which the programs of `judge` look


@register("successor")
@pytree
class Successor(PromptTask):
    """Say the successor of a binary number, or write down how its recursive definition unfolds.

    The three bits below the leading one decide, with a keyed parity of the others for each, whether a number is held
    out; one in eight is. Numbers that have fewer than three bits above their carry are never held out.
    """

    max_length: int = static(30, low=5, high=64, unit="symbols", doc="length of the longest number ever tested")
    test_length: int = static(
        20, low=5, high=64, unit="symbols", doc="length of the numbers that are tested by the depth of their carry"
    )
    test_every: int = static(4, low=1, high=64, unit="bits", doc="the multiples of this are tested as depths")
    order: str = static("least", choices=("least", "most"), doc="which bit comes first: the least or most significant")
    answer_as: str = static("value", choices=("value", "steps"), doc="the successor alone, or all steps to it")
    min_length: int = knob(1, low=1, high=64, unit="symbols", doc="length of the shortest training number")
    train_length: int = knob(20, low=1, high=64, unit="symbols", doc="length of the longest training number")
    edge_share: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of edge cases: carries of a depth uniform in the edge's range"
    )
    min_edge: int = knob(0, low=0, high=64, unit="bits", doc="smallest depth of an edge case")
    max_edge: int = knob(64, low=0, high=64, unit="bits", doc="largest depth of an edge case; no number's is greater")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which numbers are held out")

    headline: ClassVar[str] = "longer"
    rates: ClassVar[Mapping[str, str]] = {"edge": "edge_share"}

    @property
    def names(self) -> list[str]:
        """Returns the end, the equals sign, the call and the three constructors."""
        return list(_NAMES)

    @property
    def longest(self) -> int:
        """Counts prompt and successor, or all lines, of a number of ones."""
        n = self.max_length
        return 2 * n + 4 if self.answer_as == "value" else (n + 1) * (n + 2)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        for name in ("test_length", "train_length"):
            if getattr(self, name) > self.max_length:
                yield name, f"at most task.max_length = {self.max_length}, got {getattr(self, name)}"
        if self.min_length > self.train_length:
            yield "min_length", f"at most task.train_length = {self.train_length}, got {self.min_length}"
        if self.min_edge > self.max_edge:
            yield "min_edge", f"at most task.max_edge = {self.max_edge}, got {self.min_edge}"

    @property
    def depths(self) -> list[int]:
        """Returns the depths that are tested one by one; the last is that of ones alone."""
        return [*range(0, self.test_length - 1, self.test_every), self.test_length - 1]

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns held-out numbers as in training; carries by depth at one length; all lengths beyond training's.

        Carries have each depth by itself, and any from half the length on, `deep`. The deepest carries leave too few
        bits to hold any number out: these are drawn as in training, and are not among `deep`.
        """
        plain = self.replace(edge_share=0.0)
        at_length = self.replace(min_length=self.test_length, train_length=self.test_length, edge_share=1.0)
        deep = {
            f"depth_{depth}": (
                at_length.replace(min_edge=depth, max_edge=depth),
                "unseen" if depth <= self.test_length - 2 - _FREE else "train",
            )
            for depth in self.depths
        }
        held = self.test_length - 2 - _FREE  # the deepest carry of which numbers are held out
        any_deep = at_length.replace(min_edge=min(self.test_length // 2, held), max_edge=held)
        longer = plain.replace(min_length=self.max_length, train_length=self.max_length)
        return {
            "within": (plain, "unseen"),
            **deep,
            "deep": (any_deep, "unseen"),
            "longer": (longer, "unseen"),
        }

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples length, depth and bits, and writes the lines.

        Facts: length, depth of the carry, and whether the example was drawn as an edge case.
        """
        size = self.max_length
        bits = jax.random.bits(key, (5 + size,), jnp.uint32)
        of_length, of_edge, of_edge_depth, of_depth, of_side = bits[:5]
        least = jnp.maximum(self.min_length, 2 + _FREE) if split == "unseen" else self.min_length
        n = least + below(of_length, jnp.maximum(self.train_length - least, 0) + 1)
        deepest = n - 2 - _FREE if split == "unseen" else n - 1
        edge = unit(of_edge) < self.edge_share
        high = jnp.minimum(self.max_edge, n - 1)
        low = jnp.minimum(self.min_edge, high)
        # Uniform bits have a carry of depth k as often as random bits begin with k ones.
        natural = jax.lax.population_count((of_depth & ~(of_depth + 1)).astype(jnp.uint32)).astype(jnp.int32)
        depth = jnp.minimum(jnp.where(edge, low + below(of_edge_depth, high - low + 1), natural), deepest)
        place = jnp.arange(size)
        number = jnp.where(place < depth, 1, jnp.where(place == depth, 0, below(bits[5:], 2)))
        number = jnp.where(place < n - 1, number, 0)
        number = self._on_side(number, n, depth, of_side, held_out=split == "unseen")
        facts = {"length": n, "depth": depth, "edge": edge}
        return self._lines(number, n, depth, facts)

    def _on_side(self, number: jax.Array, n: jax.Array, depth: jax.Array, bits: jax.Array, *, held_out: bool):
        """Sets the three bits below the leading one so that the number is on its side, if the carry leaves them."""
        keyed = jax.random.bits(side_key(self.seed), (_FREE, 1 + self.max_length), jnp.uint32)
        place, first = jnp.arange(self.max_length), n - 1 - _FREE
        parity = ((keyed[:, 1:] & 1).astype(jnp.int32) * jnp.where(place < first, number, 0)).sum(1)
        pattern = (parity + below(keyed[:, 0], 2)) % 2
        offset = jnp.int32(0) if held_out else 1 + below(bits, 2**_FREE - 1)
        pattern ^= (offset >> jnp.arange(_FREE)) & 1
        set_bits = pattern[jnp.clip(place - first, 0, _FREE - 1)]
        above = (place >= first) & (place < n - 1) & (depth < first)
        return jnp.where(above, set_bits, number)

    def _lines(self, number: jax.Array, n: jax.Array, depth: jax.Array, facts: dict[str, jax.Array]) -> Text:
        """Writes the lines of a number's bits, least significant first: its call, the steps if wanted, its value."""
        place = jnp.arange(self.longest)
        run, at = place // (n + 2), place % (n + 2)
        steps = jnp.where(self.answer_as == "steps", depth, 0)  # lines between the first and the last
        last, width = run > steps, jnp.where(run > steps, n + (depth == n - 1), n + 1)
        backwards = self.order == "most"
        at = jnp.where(backwards & (at < width), width - 1 - at, at)
        symbols = jnp.where(jnp.arange(self.max_length) == n - 1, LEADING, ZERO + number)

        def symbol(index: jax.Array) -> jax.Array:
            return symbols[jnp.clip(index, 0, self.max_length - 1)]

        call = jnp.where(at < run, ZERO, jnp.where(at == run, CALL, symbol(at - 1)))
        # Ones alone become zeros and a leading one, which is one symbol more.
        risen = jnp.where(depth == n - 1, jnp.where(at < n, ZERO, LEADING), jnp.where(at == depth, ONE, symbol(at)))
        value = jnp.where(at < depth, ZERO, risen)
        tokens = jnp.where(at < width, jnp.where(last, value, call), EQUALS)
        length = (steps + 1) * (n + 2) + n + (depth == n - 1) + 1
        tokens = jnp.where(place == length - 1, END, tokens)
        return Text(tokens, n + 2, length, facts)

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the successor of the integer, or all lines to it by rewriting the text by the three equations."""
        line = self._least_first(prompt[:-1])
        if self.answer_as == "value":
            bits = format(
                sum((symbol == ONE) << i for i, symbol in enumerate(line[1:-1])) + (1 << len(line) - 2) + 1, "b"
            )
            return [*self._least_first([ONE if b == "1" else ZERO for b in bits[:0:-1]] + [LEADING]), END]
        lines = []
        while CALL in line:
            at = line.index(CALL)
            rest = line[at + 1 :]
            if rest[0] == LEADING:
                line = [*line[:at], ZERO, LEADING]
            elif rest[0] == ZERO:
                line = [*line[:at], ONE, *rest[1:]]
            else:
                line = [*line[:at], ZERO, CALL, *rest[1:]]
            lines += [*self._least_first(line), EQUALS]
        return [*lines[:-1], END]

    def _least_first(self, line: list[int]) -> list[int]:
        return line[::-1] if self.order == "most" else line

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the number, if it is one that may be held out; others are training's and the test's alike."""
        line = self._least_first(self.prompt(example)[:-1])[1:]
        carried = next(i for i, symbol in enumerate(line) if symbol != ONE)
        return {tuple(line)} if carried <= len(line) - 2 - _FREE else set()

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges a decoded value: is it a wrong one that a program gives which looks at few bits?

        stops_K: the carry stops after K bits. window_K: a bit turns over if the K bits below it are ones, or all if
        there are fewer. Both are right on shallow carries; a score is 1 where the program and the answer are wrong
        alike, so that the mean over the share of wrong answers is the share that the program explains.
        """
        if self.answer_as == "steps":
            return {}
        place = jnp.arange(self.longest)
        n, depth = example.facts["length"], example.facts["depth"]
        text = jnp.append(example.inputs, END)
        index = jnp.arange(self.max_length)
        line = text[jnp.clip(jnp.where(self.order == "most", n - 1 - index, 1 + index), 0, self.longest - 1)]
        number = ((line == ONE) & (index < n - 1)).astype(jnp.int32)
        answered = example.weights > 0
        wrong = ((decoded != example.targets) & answered).any()
        ones = jnp.cumsum(number)
        scores = {}
        for look in LOOKS:
            stops = jnp.where(
                index < jnp.minimum(depth, look), 0, jnp.where(index == jnp.minimum(depth, look), 1, number)
            )
            below_it = ones - number - jnp.where(index > look, (ones - number)[jnp.maximum(index - look, 0)], 0)
            turns = below_it == jnp.minimum(index, look)
            for name, guess in (("stops", stops), ("window", number ^ turns)):
                guess = jnp.where(index < n - 1, guess, 0)
                guessed = self._lines(guess, n, jnp.int32(-1), {})  # a line without a carry says the number itself
                same = ((guessed.tokens[1:] == decoded) | (place[1:] < n + 2) | (place[1:] >= guessed.length)).all()
                scores[f"{name}_{look}"] = (wrong & same).astype(jnp.float32)
        return scores

    def tiny(self) -> Task:
        """Returns numbers of up to 6 symbols."""
        return self.replace(max_length=6, test_length=6, min_length=5, train_length=6)
