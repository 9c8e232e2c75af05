"""Arithmetic expressions modulo a prime, answered at once or by a chain of thought (arXiv 2305.15408).

An expression of n operators is made backwards, as in the code released with the paper: from an answer, n times some
number becomes `a operator b` of the same value, with brackets where precedence needs them. Its chain of thought is the
lines of this in reverse, each with one operator fewer. Modulo 7, as a trace and direct:

    inputs    ( 2 + 3 ) * 4 = 5 * 4 = 6      inputs    ( 2 + 3 ) * 4 =
    targets   2 + 3 ) * 4 = 5 * 4 = 6 .      targets   2 + 3 ) * 4 = 6
    weights   0 0 0 0 0 0 0 1 1 1 1 1 1      weights   0 0 0 0 0 0 0 1

A prompt is held out by a keyed hash of its tokens and drawn again until it is on its side; in the released code whole
traces are told apart, so that a test's prompt may be in training with another order of reductions. Expressions of one
operator are few, and so training's are tested too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.cot import plain
from synthetic.cot.expansions import Lines, expanded
from synthetic.cot.reductions import (
    DIVIDE,
    EQUALS,
    MINUS,
    NAMES,
    NUMBERS,
    PLUS,
    TIMES,
    computed,
    is_reduction,
    reduced,
    reducible,
)
from synthetic.draws import below, unit
from synthetic.prompts import END, PromptTask, Text, is_held, redrawn, same_answer, same_last_part, side_key
from synthetic.rasp.samples import runs
from synthetic.task import Example, Task, register

_SIZE = 0x53495A45  # the stream of an example's key that draws all but the expression
_FEW = 11  # up to this modulus it is checked that both sides have prompts of one operator


@register("expressions")
@pytree
class Expressions(PromptTask):
    """Say the value of an arithmetic expression modulo a prime, at once or after all lines of its reduction."""

    modulus: int = static(7, low=2, high=97, unit="numbers", doc="a prime, modulo which is computed")
    max_operators: int = static(3, low=1, high=30, unit="operators", doc="operators of the longest tested expression")
    answer_as: str = static("trace", choices=("trace", "direct"), doc="all lines to the answer, or the answer alone")
    order: str = static(
        "random", choices=("random", "leftmost"), doc="which operator goes first: any that can, or the leftmost"
    )
    min_operators: int = knob(1, low=1, high=30, unit="operators", doc="operators of the shortest training expression")
    train_operators: int = knob(3, low=1, high=30, unit="operators", doc="operators of the longest training expression")
    size_power: float = knob(
        1.0, low=0.0, high=10.0, unit="power", doc="sizes are as frequent as this power of their operators; 0: alike"
    )
    skipped: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of training traces of two operators or more that lack a line"
    )
    wrong: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of training traces in which one number is another"
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which prompts are held out")

    headline: ClassVar[Any] = property(lambda self: f"size_{self.max_operators}")
    rates: ClassVar[Mapping[str, str]] = {"wrong": "wrong"}

    @property
    def names(self) -> list[str]:
        """Returns marks, then numbers."""
        return [*NAMES, *map(str, range(self.modulus))]

    @property
    def line(self) -> int:
        """Returns the number of tokens of the longest line."""
        return 4 * self.max_operators - 1

    @property
    def longest(self) -> int:
        """Counts the lines and what closes each."""
        n = self.max_operators
        return 2 * n * n + 2 * n + 2 if self.answer_as == "trace" else self.line + 2

    @property
    def end(self) -> int | None:
        """Returns END for traces; a direct answer is one token."""
        return END if self.answer_as == "trace" else None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if any(self.modulus % factor == 0 for factor in range(2, self.modulus)):
            yield "modulus", f"must be a prime, got {self.modulus}"
            return
        if self.train_operators > self.max_operators:
            yield "train_operators", f"at most task.max_operators = {self.max_operators}, got {self.train_operators}"
        if self.min_operators > self.train_operators:
            yield "min_operators", f"at most task.train_operators = {self.train_operators}, got {self.min_operators}"
        for name in ("skipped", "wrong"):
            if getattr(self, name) and self.answer_as == "direct":
                yield name, f"must be 0 with task.answer_as = direct, which has no lines, got {getattr(self, name)}"
        if self.modulus <= _FEW and len(set(self._sides_of_one_operator())) < 2:
            yield "seed", f"all expressions of one operator are on one side, got {self.seed}: take another"

    def _sides_of_one_operator(self) -> Iterator[bool]:
        keyed = np.asarray(self._keyed())
        numbers = range(self.modulus)
        for a in numbers:
            for operator in (PLUS, MINUS, TIMES, DIVIDE):
                for b in numbers if operator != DIVIDE else numbers[1:]:
                    prompt = np.zeros(self.line, np.uint32)
                    prompt[:3] = NUMBERS + a, operator, NUMBERS + b
                    with np.errstate(over="ignore"):
                        yield bool(is_held(prompt, keyed))

    def _keyed(self) -> jax.Array:
        # A prompt's side is the same in tasks of any size: the bits of a place depend on the place alone.
        each = jax.vmap(lambda i: jax.random.bits(jax.random.fold_in(side_key(self.seed), i), (), jnp.uint32))
        return each(jnp.arange(self.line + 1))

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's prompts; held-out ones of its largest size and of each size; all with right traces."""
        clean = self.replace(skipped=0.0, wrong=0.0)
        sizes = range(1, self.max_operators + 1)
        at_size = {n: clean.replace(min_operators=n, train_operators=n) for n in sizes}
        return {
            "train": (clean, "train"),
            "unseen": (clean.replace(min_operators=self.train_operators), "unseen"),
            "train_size_1": (at_size[1], "train"),
            **{f"size_{n}": (at_size[n], "unseen") for n in sizes},
        }

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples a size and an expression on the split's side, and writes its lines.

        Facts: `operators`, and whether the trace has a `skipped` line or a `wrong` number.
        """
        sizes = jnp.arange(1, self.max_operators + 1)
        allowed = (sizes >= self.min_operators) & (sizes <= self.train_operators)
        ends = jnp.cumsum(jnp.where(allowed, sizes.astype(jnp.float32) ** self.size_power, 0.0))
        bits = jax.random.bits(jax.random.fold_in(key, _SIZE), (6,), jnp.uint32)
        n = 1 + (unit(bits[0]) * ends[-1] >= ends[:-1]).sum()
        keyed = self._keyed()

        def fits(lines: Lines) -> jax.Array:
            return is_held(lines.tokens[n], keyed) == (split == "unseen")

        lines = redrawn(key, lambda each: expanded(each, n, self.modulus, self.max_operators), fits)
        if self.order == "leftmost" and self.answer_as == "trace":
            lines = self._leftmost(lines, n)
        return self._written(lines, n, bits[1:])

    def _leftmost(self, lines: Lines, n: jax.Array) -> Lines:
        """Returns the lines by which the expression is reduced from the left."""

        def step(line: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            can = reducible(line)
            line = jnp.where(can.any(), reduced(line, jnp.argmax(can), self.modulus), line)
            return line, line

        first = lines.tokens[n]
        _, later = jax.lax.scan(step, first, None, self.max_operators)
        tokens = jnp.concatenate([first[None], later])[jnp.maximum(n - jnp.arange(self.max_operators + 1), 0)]
        return Lines(tokens, (tokens != END).sum(1))

    def _written(self, lines: Lines, n: jax.Array, bits: jax.Array) -> Text:
        """Writes the lines from the longest, or the longest and the answer; some with errors."""
        order = n - jnp.arange(self.max_operators + 1)  # of the lines, the expression first
        place = jnp.arange(self.longest)
        of_skip, of_line, of_wrong, of_place, of_number = bits
        skipped = (unit(of_skip) < self.skipped) & (n > 1)
        dropped = jnp.where(skipped, 1 + below(of_line, n - 1), -1)
        if self.answer_as == "direct":
            length = lines.lengths[n] + 2
            tokens = lines.tokens[n][jnp.minimum(place, self.line - 1)]
            tokens = jnp.where(place == length - 2, EQUALS, jnp.where(place == length - 1, lines.tokens[0, 0], tokens))
            wrong = jnp.bool_(False)
        else:
            ran = jnp.arange(self.max_operators + 1)
            shown = (order >= 0) & (ran != dropped)
            counts = jnp.where(shown, lines.lengths[jnp.maximum(order, 0)] + 1, 0)
            run, at = runs(counts, self.longest)
            length = counts.sum()
            source = jnp.maximum(order, 0)[jnp.minimum(run, self.max_operators)]
            tokens = lines.tokens[source, jnp.minimum(at, self.line - 1)]
            closes = at == lines.lengths[source]
            tokens = jnp.where(closes, jnp.where(place == length - 1, END, EQUALS), tokens)
            wrong = unit(of_wrong) < self.wrong
            traced = (tokens >= NUMBERS) & (place > lines.lengths[n]) & (place < length)
            chosen = traced & (jnp.cumsum(traced) == 1 + below(of_place, jnp.maximum(traced.sum(), 1)))
            other = (tokens - NUMBERS + 1 + below(of_number, self.modulus - 1)) % self.modulus
            tokens = jnp.where(wrong & chosen, NUMBERS + other, tokens)
        return Text(tokens, lines.lengths[n] + 1, length, {"operators": n, "skipped": skipped, "wrong": wrong})

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the value by recursive descent, after lines each of which is a right reduction of the one before.

        Where several reductions are right and any may be wanted, it follows the example as long as that makes right
        ones.
        """
        line = self._words(prompt[:-1])
        if self.answer_as == "direct":
            return [NUMBERS + plain.evaluate(line, self.modulus)]
        targets = np.asarray(example.targets)[np.asarray(example.weights) > 0].tolist()
        lines: list[plain.Word] = []
        while len(line) > 1:
            right = list(plain.successors(line, self.modulus))
            told = self._words(targets[len(lines) :])
            told = told[: next((i for i, word in enumerate(told) if word in ("=", ".")), len(told))]
            line = told if self.order == "random" and told in right else right[0]
            lines += [*line, "="]
        if line != [plain.evaluate(self._words(prompt[:-1]), self.modulus)]:
            raise plain.Unreadable("the last line is not the value of the expression")
        names = self.names
        return [names.index(str(word)) for word in lines[:-1]] + [END]

    def _words(self, tokens: list[int]) -> list[plain.Word]:
        return [token - NUMBERS if token >= NUMBERS else NAMES[token] for token in tokens]

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges what was decoded: `answer`, whether the last line is right, and of a trace `steps`, whether all are.

        A line is right if it is the line before after one reduction.
        """
        if self.answer_as == "direct":
            return {"answer": same_answer(example, decoded)}
        text = jnp.append(example.inputs, END)
        begin = jnp.argmax(example.weights > 0) + 1
        place = jnp.arange(self.longest)
        answered = jnp.append(jnp.int32(END), decoded)
        text = jnp.where(place < begin, text, answered)
        ends = jnp.where((text == END) & (place >= begin), place, self.longest).min()
        text = jnp.where(place < ends, text, END)
        marks = (text == EQUALS) & (place < ends)
        rank = jnp.cumsum(marks) - marks

        def line(number: jax.Array) -> jax.Array:
            inside = (rank == number) & ~marks & (place < ends)
            start, length = jnp.argmax(inside), inside.sum()
            index = jnp.arange(self.line)
            cut = text[jnp.minimum(start + index, self.longest - 1)]
            return jnp.where(length > self.line, EQUALS, jnp.where(index < length, cut, END))

        lines = jax.vmap(line)(jnp.arange(self.max_operators + 1))
        follows = jax.vmap(is_reduction, (0, 0, None))(lines[:-1], lines[1:], self.modulus)
        n = example.facts["operators"]
        right = (follows | (jnp.arange(self.max_operators) >= n)).all() & (marks.sum() == n) & (ends < self.longest)
        return {"answer": same_last_part(example, decoded, EQUALS), "steps": right.astype(jnp.float32)}

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns, for direct answers, a reader from left to right who minds neither precedence nor brackets."""
        if self.answer_as == "trace":
            return {}

        def left_to_right(example: Example) -> jax.Array:
            def read(state: tuple[jax.Array, jax.Array], token: jax.Array):
                value, operator = state
                number = computed(value, operator, token - NUMBERS, self.modulus)
                value = jnp.where(token >= NUMBERS, number, value)
                is_operator = (token >= PLUS) & (token <= DIVIDE)
                return (value, jnp.where(is_operator, token, operator)), NUMBERS + value

            return jax.lax.scan(read, (jnp.int32(0), jnp.int32(PLUS)), example.inputs)[1]

        return {"left to right": left_to_right}

    def tiny(self) -> Task:
        """Returns the sums, differences, products and quotients of numbers modulo 3."""
        small = self.replace(modulus=3, max_operators=1, order="leftmost")
        return small.replace(min_operators=1, train_operators=1, skipped=0.0, wrong=0.0)
