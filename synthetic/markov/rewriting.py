"""Single-step Markov rewriting: one rule, one input, the leftmost occurrence replaced.

The task is that of "Only-IF" (arXiv 2410.04717, section 2.1; same set-up in 2402.10891 and 2405.19787): given a rule x
-> y and a string z, answer z with the leftmost x replaced by y, or z unchanged if x is absent (a no-op).

An aligned example (alphabet 16, input 8, patterns of 2; the rule is "gc -> ab"; `.` marks no loss):

    inputs    g c a b f a g c p g c e = f a a b p g c
    targets   . . . . . . . . . . . . f a a b p g c e
    weights   0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1

The papers state neither alphabet, template, nor how z is filled around x. Ours: one token a letter in the fixed order x
y z = answer, loss on the answer, and an end token only if |x| != |y| makes the answer's length vary.
"""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Hashable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.heads import Classes
from synthetic.markov.fill import fill
from synthetic.markov.sides import CHECKSUM, RULES, UNLIMITED, with_checksum
from synthetic.permutation import digits, permute
from synthetic.task import Example, Spec, Task, register

_INPUTS = {"train": 3, "seen": 4, "unseen": 5}  # streams of the data seed, by split


@register("markov")
@pytree
class Markov(Task):
    """Apply one rewrite rule x -> y once, leftmost, to z; test rules share neither x nor y with training."""

    alphabet: int = static(26, low=2, high=1000, unit="symbols", doc="size of the alphabet")
    input_length: int = static(50, low=1, high=2000, unit="tokens", doc="length of z")
    search_length: int = static(20, low=1, high=500, unit="tokens", doc="length of x, the pattern to search for")
    replace_length: int = static(20, low=1, high=500, unit="tokens", doc="length of y, the replacement")
    num_rules: int = knob(1000, low=1, high=2**23, unit="rules", doc="distinct rules in the training set")
    examples_per_rule: int = knob(
        0,
        low=0,
        high=2**31 - 1,
        unit="examples",
        doc="mean number of inputs per training rule; 0 is unlimited",
    )
    noop_rate: float = knob(0.0, low=0.0, high=1.0, unit="share", doc="share of inputs in which x is absent")
    min_occurrences: int = knob(1, low=1, high=2000, unit="times", doc="least number of x in z, except in a no-op")
    max_occurrences: int = knob(1, low=1, high=2000, unit="times", doc="largest number of x in z")
    occurrence_step: int = knob(
        1, low=1, high=2000, unit="times", doc="numbers of x in z are multiples of this, and min_occurrences"
    )
    rule_power: float = knob(
        1.0,
        low=0.001,
        high=100.0,
        unit="shape",
        doc="a of the rules' frequency a u^(a-1); 1 is uniform, less is peaked",
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the rules, what is held out and the finite set")

    splits: ClassVar[tuple[str, ...]] = ("train", "seen", "unseen")
    headline: ClassVar[str] = "unseen/applied"
    rates: ClassVar[Mapping[str, str]] = {"noop": "noop_rate"}
    # Number of letters between the rule and z that change y (see `put`).
    keys: ClassVar[int] = 0

    @property
    def spec(self) -> Spec:
        """Returns the shapes; tokens are the letters, then `=`, then (if answers vary in length) the end token."""
        vocabulary = self.alphabet + 1 + self._varies
        return Spec(length=self._prompt + self._answer - 1, head=Classes(vocabulary), vocabulary=vocabulary)

    @property
    def _varies(self) -> bool:
        return self.search_length != self.replace_length

    @property
    def _prompt(self) -> int:
        return self.search_length + self.replace_length + self.keys + self.input_length + 1

    @property
    def _answer(self) -> int:
        return self.input_length + max(0, self.replace_length - self.search_length) + self._varies

    @property
    def _held_out(self) -> int:
        """Returns the number of checksum values, of `alphabet`, that are kept for testing: a quarter, at least one."""
        return max(1, self.alphabet // 4)

    def _radices(self, length: int, *, held_out: bool) -> list[int]:
        """Returns the radices of a pattern's digits: its checksum's value within its side, then its free letters."""
        values = self._held_out if held_out else self.alphabet - self._held_out
        return [values] + [self.alphabet] * (length - 1)

    def rules_that_exist(self, *, held_out: bool = False) -> int:
        """Returns the number of distinct rules (x, y) on the training side, or on the held-out side."""
        radices = self._radices(self.search_length, held_out=held_out)
        return math.prod(radices + self._radices(self.replace_length, held_out=held_out))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.search_length > self.input_length:
            yield (
                "search_length",
                f"at most task.input_length = {self.input_length}, got {self.search_length}",
            )
            return
        if self.num_rules > self.rules_that_exist():
            yield (
                "num_rules",
                f"at most {self.rules_that_exist()} rules exist for alphabet {self.alphabet}, search_length "
                f"{self.search_length} and replace_length {self.replace_length} (not counting those held out for "
                f"testing), got {self.num_rules}",
            )
        if self.min_occurrences > self.max_occurrences:
            yield (
                "min_occurrences",
                f"at most task.max_occurrences = {self.max_occurrences}, got {self.min_occurrences}",
            )
        fits = self.input_length // self.search_length
        if self.max_occurrences > fits:
            yield (
                "max_occurrences",
                f"at most {fits} patterns of {self.search_length} fit in an input of {self.input_length}, "
                f"got {self.max_occurrences}",
            )

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the training set itself; fresh inputs to its rules; unseen rules; the last two by no-op or not.

        Fresh inputs are drawn anew from the law of the inputs: if that law has few, some were in training too. In
        `unseen/mixed` the number of x in z may differ from training's: it is any number that fits, each equally often.
        """
        applied, noop = self.replace(noop_rate=0.0), self.replace(noop_rate=1.0)
        fits = self.input_length // self.search_length
        return {
            "train": (self, "train"),
            "seen/applied": (applied, "seen"),
            "seen/noop": (noop, "seen"),
            "unseen/applied": (applied, "unseen"),
            "unseen/noop": (noop, "unseen"),
            "unseen/mixed": (applied.replace(min_occurrences=1, max_occurrences=fits), "unseen"),
        }

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a rule by its frequency and one of its inputs: see `example`."""
        rule_bits, copy_bits = jax.random.bits(key, (2,), jnp.uint32)
        if split == "unseen":
            rule = below(rule_bits, min(self.rules_that_exist(held_out=True), UNLIMITED))
        else:
            rule = (self.num_rules * unit(rule_bits) ** (1 / self.rule_power)).astype(jnp.int32)
            rule = jnp.minimum(rule, self.num_rules - 1)  # where float32 rounds the product up
        copies = jnp.int32(UNLIMITED)
        if split == "train":
            copies = jnp.where(self.examples_per_rule > 0, self._copies(rule), copies)
        return self.example(split, rule, below(copy_bits, copies))

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of training examples, if all rules have equally many."""
        return self.num_rules * self.examples_per_rule * (self.rule_power == 1)

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns an input of a rule: rules by turns, each with all its inputs."""
        return self.example(split, index // self.examples_per_rule, index % self.examples_per_rule)

    def _copies(self, rule: jax.Array) -> jax.Array:
        """Returns the size of a rule's finite set: its share of the whole, so examples are about equally frequent."""
        rule_ = rule.astype(jnp.float32)
        # ((r+1)/I)^a - (r/I)^a, written so that float32 does not cancel for large r.
        ratio = jnp.expm1(self.rule_power * jnp.log1p(1 / jnp.maximum(rule_, 1.0)))
        low = (jnp.maximum(rule_, 1.0) / self.num_rules) ** self.rule_power
        share = low * jnp.where(rule == 0, 1.0, ratio)
        return jnp.maximum(jnp.round(share * self.num_rules * self.examples_per_rule), 1).astype(jnp.int32)

    def example(self, split: str, rule: jax.Array, copy: jax.Array) -> Example:
        """Returns input number `copy` of rule number `rule`, a pure function of (data seed, split, rule, copy)."""
        data = jax.random.key(self.seed)
        x, y = self.rule(rule, held_out=split == "unseen")
        key = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(data, _INPUTS[split]), rule), copy)
        bits = jax.random.bits(key, (2 + 3 * self.input_length + self.keys,), jnp.uint32)
        fill_bits, key_bits = jnp.split(bits[2:], (3 * self.input_length,))
        noop = unit(bits[0]) < self.noop_rate
        count = jnp.where(noop, 0, self._occurrences(bits[1]))
        z, first = fill(fill_bits.reshape(3, -1), x, count, self.alphabet)
        keys, y_put = self.put(y, key_bits)
        answer, length = self._rewrite(y_put, z, first, noop)
        equals = jnp.full((1,), self.alphabet, jnp.int32)
        text = jnp.concatenate([x, y, keys, z, equals, answer])
        place = jnp.arange(self.spec.length)
        answered = (place >= self._prompt - 1) & (place < self._prompt - 1 + length)
        facts = {"rule": rule, "noop": noop, "occurrences": count, "position": first}
        return Example(text[:-1], text[1:], answered.astype(jnp.float32), facts)

    def _occurrences(self, bits: jax.Array) -> jax.Array:
        """Returns how often x stands in z.

        With a step of 5, from 1 to 20, it is one of 1, 5, 10, 15 and 20, each equally often.
        """
        first, last = (jnp.int32(n) // self.occurrence_step for n in (self.min_occurrences, self.max_occurrences))
        return jnp.maximum(self.occurrence_step * (first + below(bits, last - first + 1)), self.min_occurrences)

    def rule(self, index: jax.Array, *, held_out: bool) -> tuple[jax.Array, jax.Array]:
        """Returns rule number `index` of a side: (x int32[|x|], y int32[|y|]). Distinct indices are distinct rules.

        Strings are divided by a keyed checksum, a linear form over the letters modulo the alphabet: some of its values
        are training's, the others the test's, so a test rule's x and y are unseen in training for every seed.
        """
        data = jax.random.key(self.seed)
        lengths = (self.search_length, self.replace_length)
        radices = [self._radices(n, held_out=held_out) for n in lengths]
        number = digits(index, radices[0] + radices[1])
        side = jax.random.fold_in(data, RULES[held_out])
        halves = permute(side, number[: lengths[0]], number[lengths[0] :], (radices[0], radices[1]))
        offset = self.alphabet - self._held_out if held_out else 0
        checksum_bits = jax.random.bits(jax.random.fold_in(data, CHECKSUM), (sum(lengths),), jnp.uint32)
        x, y = (
            with_checksum(bits, half[1:], half[0] + offset, self.alphabet)
            for bits, half in zip(jnp.split(checksum_bits, lengths[:1]), halves, strict=True)
        )
        return x, y

    def put(self, y: jax.Array, bits: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the prompt's keys int32[keys], made of `bits` uint32[keys], and the letters put for x: here y."""
        return below(bits, self.alphabet), y

    def _rewrite(self, y: jax.Array, z: jax.Array, first: jax.Array, noop: jax.Array):
        """Returns the answer int32[answer], ended if lengths vary, and the number of its positions that count."""
        place = jnp.arange(self._answer)
        after = place - self.replace_length + self.search_length
        rest = z[jnp.clip(jnp.where((place < first) | noop, place, after), 0, self.input_length - 1)]
        inside = (place >= first) & (place < first + self.replace_length) & ~noop
        answer = jnp.where(inside, y[jnp.clip(place - first, 0, self.replace_length - 1)], rest)
        length = self.input_length + jnp.where(noop, 0, self.replace_length - self.search_length)
        if self._varies:
            answer = jnp.where(place >= length, self.alphabet + 1, answer)
        return answer, length + self._varies

    def oracle(self, example: Example) -> list[int]:
        """Applies `str.replace(x, y, 1)` to the example's own text."""
        letters = [chr(0x4E00 + int(token)) for token in np.asarray(example.inputs)]
        x = "".join(letters[: self.search_length])
        y = "".join(letters[self.search_length : self.search_length + self.replace_length])
        z = "".join(letters[self.search_length + self.replace_length : self._prompt - 1])
        answer = [ord(letter) - 0x4E00 for letter in z.replace(x, y, 1)]
        return answer + [self.alphabet + 1] * self._varies

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the rule's two sides: neither x nor y of a test rule is met in training."""
        tokens = tuple(np.asarray(example.inputs).tolist())
        x, y = tokens[: self.search_length], tokens[self.search_length :][: self.replace_length]
        return {("x", x), ("y", y)}

    def tiny(self) -> Task:
        """Returns a task with all 36 training rules of three letters.

        9 rules have both sides held out.
        """
        small = self.replace(alphabet=3, input_length=4, search_length=2, replace_length=2)
        return small.replace(num_rules=36, rule_power=1.0, min_occurrences=1, max_occurrences=2)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns ("x -> y : z", answer), letters as a-z if the alphabet allows, else numbers."""
        inputs, targets = np.asarray(example.inputs), np.asarray(example.targets)
        y, z = self.search_length, self.search_length + self.replace_length
        x_text, y_text, z_text = map(self._format, (inputs[:y], inputs[y:z], inputs[z : self._prompt - 1]))
        return f"{x_text} -> {y_text} : {z_text}", self._format(targets[np.asarray(example.weights) > 0])

    @property
    def names(self) -> list[str]:
        """Returns letters a-z if the alphabet allows, else numbers; then the two marks."""
        return _names(self.alphabet)

    def _format(self, tokens: np.ndarray) -> str:
        if self.alphabet <= 26:  # by bytes, because an export renders 10^5 examples in a second
            return tokens.astype(np.uint8).tobytes().translate(_letters(self.alphabet)).decode()
        names = self.names
        return " ".join([names[t] for t in tokens.tolist()])


@functools.cache
def _names(alphabet: int) -> list[str]:
    """Returns the text of each token."""
    letters = string.ascii_lowercase[:alphabet] if alphabet <= 26 else map(str, range(alphabet))
    return [*letters, "=", "."]


@functools.cache
def _letters(alphabet: int) -> bytes:
    """Returns the same as a table for `bytes.translate`, in which every name is one letter."""
    return "".join(_names(alphabet)).encode().ljust(256, b"?")
