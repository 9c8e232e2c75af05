"""Whole Markov algorithms: an ordered list of rules, applied again and again, with the steps as a trace.

"Only-IF" (arXiv 2410.04717, section 2.1 and App. A) motivates its single rewriting step by Markov algorithms, but runs
none; the questions, the laws and the format here are ours. Given a list of rules and a string, the trace has the string
after each step, up to the end of the algorithm (`.`) or until `max_steps` steps are done (no `.`).

An aligned example (alphabet 16, 2 of 3 rule slots, patterns of 1, input 4; the rules are "c -> a" and, a stopping one,
"f -> b"; the third slot is blank; `:` marks no loss):

    inputs    c a , f b ! _ _ _ f c a c = f a a c = f a a a = b a a a
    targets   : : : : : : : : : : : : = f a a c = f a a a = b a a a .
    weights   0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1

Unseen lists are of rules whose sides x and y are both unseen in training, as in `Markov`. So no list of rules, nor a
part of one, is met in both.
"""

from __future__ import annotations

import math
import string
from collections.abc import Hashable, Iterator
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.heads import Classes
from synthetic.markov.interpreter import Rule, interpret
from synthetic.markov.sides import CHECKSUM, RULES, UNLIMITED, with_checksum
from synthetic.markov.stepper import Algorithm, run
from synthetic.permutation import digits, permute
from synthetic.task import Example, Spec, Task, register

STEP, END, GO, STOP, BLANK = range(5)  # tokens after the letters
SIGNS = "=.,!_"
_KINDS = {False: 6, True: 7}  # streams of the data seed, by whether held out: number of rules, which of them stop


@register("markov_algorithms")
@pytree
class MarkovAlgorithms(Task):
    """Run an ordered list of rewrite rules to its end; test lists share no side of a rule with training."""

    alphabet: int = static(16, low=2, high=1000, unit="symbols", doc="size of the alphabet")
    rule_slots: int = static(3, low=1, high=100, unit="rules", doc="most rules that a list can have")
    search_length: int = static(
        1, low=1, high=100, unit="tokens", doc="length of x, the pattern that a rule searches for"
    )
    replace_length: int = static(1, low=1, high=100, unit="tokens", doc="length of y, the replacement")
    input_length: int = static(4, low=1, high=1000, unit="tokens", doc="length of the string at the start")
    buffer: int = static(4, low=1, high=10000, unit="tokens", doc="longest string that fits")
    step_slots: int = static(4, low=1, high=1000, unit="steps", doc="most steps that a run can have")
    trace: bool = static(True, doc="true: the answer has every step; false: the last string alone")
    min_rules: int = knob(1, low=1, high=100, unit="rules", doc="fewest rules of a list")
    max_rules: int = knob(2, low=1, high=100, unit="rules", doc="most rules of a list")
    max_steps: int = knob(3, low=1, high=1000, unit="steps", doc="steps after which a run is cut off")
    stop_rate: float = knob(0.1, low=0.0, high=1.0, unit="share", doc="share of stopping rules")
    min_planted: int = knob(0, low=0, high=1000, unit="times", doc="fewest sides x put into a string at the start")
    max_planted: int = knob(4, low=0, high=1000, unit="times", doc="most sides x put into a string at the start")
    lists: int = knob(
        0,
        low=0,
        high=2**31 - 1,
        unit="lists",
        doc="rule lists in training, of which short ones may be alike; 0 is unlimited",
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the lists and what is held out")

    headline: ClassVar[str] = "unseen/applied"

    @property
    def spec(self) -> Spec:
        """Returns the shapes; tokens are the letters and `SIGNS`."""
        vocabulary = self.alphabet + len(SIGNS)
        return Spec(length=self._prompt + self._answer - 1, head=Classes(vocabulary), vocabulary=vocabulary)

    @property
    def _slot(self) -> int:
        return self.search_length + self.replace_length + 1

    @property
    def _prompt(self) -> int:
        return self.rule_slots * self._slot + self.input_length

    @property
    def _answer(self) -> int:
        return (self.step_slots if self.trace else 1) * (self.buffer + 1) + 1

    @property
    def _held_out(self) -> int:
        """Returns the number of checksum values, of `alphabet`, that are kept for testing: a quarter, at least one."""
        return max(1, self.alphabet // 4)

    def _radices(self, *, held_out: bool) -> tuple[list[int], list[int]]:
        """Returns the radices of the digits of a list's x, and of its y."""
        values = self._held_out if held_out else self.alphabet - self._held_out
        x, y = ([values] + [self.alphabet] * (n - 1) for n in (self.search_length, self.replace_length))
        return x * self.rule_slots, y * self.rule_slots

    def lists_that_exist(self, *, held_out: bool = False) -> int:
        """Returns the number of distinct lists of `rule_slots` rules on the training side, or on the held-out side."""
        x, y = self._radices(held_out=held_out)
        return math.prod(x + y)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.search_length > self.input_length:
            yield "search_length", f"must be at most task.input_length = {self.input_length}, got {self.search_length}"
            return
        grown = self.input_length + self.step_slots * max(0, self.replace_length - self.search_length)
        if self.buffer < grown:
            yield (
                "buffer",
                f"must be at least {grown}: an input of task.input_length = {self.input_length} can grow to it in "
                f"task.step_slots = {self.step_slots} steps with task.search_length = {self.search_length} and "
                f"task.replace_length = {self.replace_length}, got {self.buffer}",
            )
        for name, other, most in (
            ("max_rules", "rule_slots", self.rule_slots),
            ("min_rules", "max_rules", self.max_rules),
            ("max_steps", "step_slots", self.step_slots),
            ("min_planted", "max_planted", self.max_planted),
        ):
            if getattr(self, name) > most:
                yield name, f"must be at most task.{other} = {most}, got {getattr(self, name)}"
        if self.max_planted > self._fits:
            yield (
                "max_planted",
                f"must be at most {self._fits}: so many of task.search_length = {self.search_length} fit in "
                f"task.input_length = {self.input_length}, got {self.max_planted}",
            )
        if self.lists > (exist := self.lists_that_exist()):
            yield (
                "lists",
                f"must be at most {exist}: so many lists of task.rule_slots = {self.rule_slots} rules exist for "
                f"task.alphabet = {self.alphabet} (not counting those held out for testing), got {self.lists}",
            )

    @property
    def _fits(self) -> int:
        return self.input_length // self.search_length

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's lists and unseen ones on fresh inputs, of four kinds.

        They are the plain law; `applied`, where the input holds a left side, so that there is a step; the first k
        steps; and lists of k rules. The first k steps are those of long runs: no rule stops them and the input is full
        of left sides, so that nearly all have k. Steps and rules go beyond training's `max_steps` and `max_rules`, as
        far as there are slots.
        """
        applied = self.replace(min_planted=1, max_planted=self._fits)
        long = self.replace(stop_rate=0.0, min_planted=self._fits, max_planted=self._fits)
        conditions: dict[str, tuple[Task, str]] = {}
        for name, split in (("seen", "train"), ("unseen", "unseen")):
            conditions |= {name: (self, split), f"{name}/applied": (applied, split)}
            steps = range(1, self.step_slots + 1)
            conditions |= {f"{name}/steps_{k}": (long.replace(max_steps=k), split) for k in steps}
        rules = range(1, self.rule_slots + 1)
        return conditions | {f"unseen/rules_{k}": (applied.replace(min_rules=k, max_rules=k), "unseen") for k in rules}

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a list and an input for it; facts: steps, halted, rules, length (of the last string) and list."""
        bits = jax.random.bits(key, (2 + 3 * self.input_length,), jnp.uint32)
        lists = jnp.int32(min(self.lists_that_exist(held_out=split == "unseen"), UNLIMITED))
        if split == "train":
            lists = jnp.where(self.lists > 0, self.lists, lists)
        return self._example(below(bits[0], lists), bits, split)

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of training lists."""
        return self.lists

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns a list of training with an input drawn from `key`."""
        return self._example(index, jax.random.bits(key, (2 + 3 * self.input_length,), jnp.uint32), split)

    def _example(self, index: jax.Array, bits: jax.Array, split: str) -> Example:
        """Returns list number `index` of a side with an input made of all bits but the first."""
        algorithm = self.algorithm(index, held_out=split == "unseen")
        start = self._input(algorithm.search, algorithm.used, bits[1], bits[2:].reshape(3, -1))
        padded = jnp.pad(start, (0, self.buffer - self.input_length))
        # One step more than there are slots for shows whether the last string is the end.
        trajectory = run(algorithm, padded, jnp.int32(self.input_length), self.step_slots + 1)
        fired = (trajectory.fired >= 0).sum()
        steps, halted = jnp.minimum(fired, self.max_steps), fired <= self.max_steps
        strings = jnp.concatenate([padded[None], trajectory.strings[:-1]])
        lengths = jnp.append(self.input_length, trajectory.lengths[:-1])
        if self.trace:
            answer, used = self._answered(strings[1:], lengths[1:], steps, halted)
        else:
            answer, used = self._answered(strings[steps][None], lengths[steps][None], jnp.int32(1), halted)
        text = jnp.concatenate([self._listed(algorithm), start, answer])
        place = jnp.arange(self.spec.length) - (self._prompt - 1)
        weights = ((place >= 0) & (place < used)).astype(jnp.float32)
        facts = {"steps": steps, "halted": halted, "rules": algorithm.used, "length": lengths[steps], "list": index}
        return Example(text[:-1], text[1:], weights, facts)

    def algorithm(self, index: jax.Array, *, held_out: bool) -> Algorithm:
        """Returns list number `index` of a side. Distinct indices differ in the rules of all slots, used or not.

        Sides are divided by keyed checksums, as in `Markov.rule`: those of a test list are unseen in training.
        """
        data = jax.random.key(self.seed)
        slots, n, m = self.rule_slots, self.search_length, self.replace_length
        radices = self._radices(held_out=held_out)
        number = digits(index, radices[0] + radices[1])
        side = jax.random.fold_in(data, RULES[held_out])
        halves = permute(side, number[: slots * n], number[slots * n :], radices)
        checksum_bits = jax.random.bits(jax.random.fold_in(data, CHECKSUM), (n + m,), jnp.uint32)
        offset = self.alphabet - self._held_out if held_out else 0

        def whole(bits: jax.Array, digits: jax.Array) -> jax.Array:
            return with_checksum(bits, digits[1:], digits[0] + offset, self.alphabet)

        x, y = (
            jax.vmap(whole, (None, 0))(bits, half.reshape(slots, -1))
            for bits, half in zip(jnp.split(checksum_bits, [n]), halves, strict=True)
        )
        kind = jax.random.fold_in(jax.random.fold_in(data, _KINDS[held_out]), index)
        kind_bits = jax.random.bits(kind, (1 + slots,), jnp.uint32)
        count = self.min_rules + below(kind_bits[0], self.max_rules - self.min_rules + 1)
        of_x, of_y = (jnp.full(slots, length, jnp.int32) for length in (n, m))
        return Algorithm(x, of_x, y, of_y, unit(kind_bits[1:]) < self.stop_rate, count)

    def _input(self, x_RxN: jax.Array, rules: jax.Array, bits: jax.Array, more_3xL: jax.Array) -> jax.Array:
        """Returns uniform letters with copies of sides x in uniformly random places.

        Each copy is of any of the first `rules` rules.
        """
        length, n = self.input_length, self.search_length
        copies = self.min_planted + below(bits, self.max_planted - self.min_planted + 1)
        items = length - copies * (n - 1)  # copies and single letters
        item = jnp.arange(length)
        order = jnp.where(item < items, more_3xL[0] >> 1, jnp.uint32(2**32 - 1))
        earlier = (order < order[:, None]) | ((order == order[:, None]) & (item < item[:, None]))
        copied = earlier.sum(1) < copies
        after = (item[:, None] >= item) & copied
        start = item + (n - 1) * (after.sum(1) - copied)
        # Each place shows the last item that starts at it or before it.
        shown = ((start <= item[:, None]) & (item < items)).sum(1) - 1
        letters = x_RxN[below(more_3xL[1], rules)[shown], jnp.clip(item - start[shown], 0, n - 1)]
        return jnp.where(copied[shown], letters, below(more_3xL[2], self.alphabet)[shown])

    def _listed(self, algorithm: Algorithm) -> jax.Array:
        """Returns the rules as tokens int32[R (n + m + 1)]: x, y and the rule's kind; blank in unused slots."""
        kind = self.alphabet + jnp.where(algorithm.stops, STOP, GO)[:, None]
        rows = jnp.concatenate([algorithm.search, algorithm.replace, kind], 1)
        used = jnp.arange(self.rule_slots)[:, None] < algorithm.used
        return jnp.where(used, rows, self.alphabet + BLANK).reshape(-1)

    def _answered(self, strings_SxB: jax.Array, lengths_S: jax.Array, count: jax.Array, halted: jax.Array):
        """Returns the first `count` strings, each after `=`, and the end if `halted`: int32[answer].

        The second result is the number of positions that count.
        """
        ends = jnp.cumsum(lengths_S + 1)
        place = jnp.arange(self._answer)
        row = (place[:, None] >= ends).sum(1)
        before = jnp.append(0, ends)[row]
        letter = strings_SxB[jnp.clip(row, 0, len(strings_SxB) - 1), jnp.clip(place - before - 1, 0, self.buffer - 1)]
        text = jnp.where(place == before, self.alphabet + STEP, letter)
        last = jnp.append(0, ends)[count]
        rest = jnp.where((place == last) & halted, self.alphabet + END, self.alphabet + BLANK)
        return jnp.where(place < last, text, rest), last + halted

    def oracle(self, example: Example) -> list[int]:
        """Runs the interpreter (`str.find` and `str.replace`) on the example's own text."""
        rules, text = self.read(example)
        strings, halted = interpret(rules, text, int(self.max_steps))
        shown = strings if self.trace else [strings[-1] if strings else text]
        answer = "".join(chr(self.alphabet + STEP) + string for string in shown)
        return [ord(letter) for letter in answer] + [self.alphabet + END] * halted

    def read(self, example: Example) -> tuple[list[Rule], str]:
        """Reads the rules and the string of an example's prompt; a token becomes the character of that code."""
        letters = "".join(map(chr, np.asarray(example.inputs)[: self._prompt].tolist()))
        n, blank = self.search_length, chr(self.alphabet + BLANK)
        slots = [letters[i : i + self._slot] for i in range(0, self.rule_slots * self._slot, self._slot)]
        stop = chr(self.alphabet + STOP)
        rules = [Rule(slot[:n], slot[n:-1], slot[-1] == stop) for slot in slots if slot[0] != blank]
        return rules, letters[self.rule_slots * self._slot :]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the sides of all rules: those of a test list are met in no list of training."""
        rules, _ = self.read(example)
        return {side for rule in rules for side in (("x", rule.x), ("y", rule.y))}

    def tiny(self) -> Task:
        """Returns lists of up to two rules of three letters.

        Six strings are training's sides and three are the test's.
        """
        small = self.replace(alphabet=3, rule_slots=2, search_length=2, replace_length=2, input_length=4, buffer=4)
        return small.replace(step_slots=2, min_rules=1, max_rules=2, max_steps=2, min_planted=0, max_planted=2, lists=0)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns ("x -> y, x -> y! : z", answer), letters as a-z if the alphabet allows, else numbers."""
        inputs, targets = np.asarray(example.inputs), np.asarray(example.targets)
        n, slot, listed = self.search_length, self._slot, self.rule_slots * self._slot
        slots = [inputs[i : i + slot] for i in range(0, listed, slot)]
        shown = [
            f"{self._format(s[:n])} -> {self._format(s[n:-1])}{self._format(s[-1:])}"
            for s in slots
            if (s != self.alphabet + BLANK).any()
        ]
        prompt = f"{' '.join(shown)} : {self._format(inputs[listed : self._prompt])}"
        return prompt, self._format(targets[np.asarray(example.weights) > 0])

    @property
    def names(self) -> list[str]:
        """Returns letters a-z if the alphabet allows, else numbers; then `SIGNS`."""
        letters = string.ascii_lowercase[: self.alphabet] if self.alphabet <= 26 else map(str, range(self.alphabet))
        return [*letters, *SIGNS]

    def _format(self, tokens: np.ndarray) -> str:
        names = self.names
        return ("" if self.alphabet <= 26 else " ").join(names[t] for t in tokens.tolist())
