"""Arithmetic modulo p: all pairs of numbers, of which training has a share (Prieto et al. 2025, arXiv 2501.04697).

An aligned example of addition (p = 7; `.` marks no loss), as tokens and as codes of four random bits:

    inputs    5 4      [1 0 0 1] [0 1 1 0]
    targets   . 2      .         2
    weights   0 1      0         1

A permutation of the p^2 pairs, which the data seed decides, puts training's first. Pairs (a, b) and (b, a) may fall on
different sides, so that whoever knows that the operation commutes can answer some of the test: the condition `apart`
has the pairs whose mirror is held out too.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task, register

OPERATIONS = {"add": "+", "subtract": "-", "multiply": "*"}
_PAIRS, _CODES = 0x4D4F44, 0x434F44  # streams of the data seed


class Sets(NamedTuple):
    """The pairs a p + b of a data seed, as arrays, and the code of each number."""

    order: np.ndarray  # int32[p^2], all pairs: those of training, then those that are held out
    mirrored: np.ndarray  # uint8[p^2], whether training has the mirror of pair a p + b
    apart: np.ndarray  # int32[p^2], the held-out pairs whose mirror is held out; behind them zeros
    sizes: np.ndarray  # int32[2], the pairs of training, and those of `apart`
    codes: np.ndarray  # uint8[p, width], empty for tokens


@register("modular")
@pytree
class Modular(Task):
    """Say the sum, the difference or the product of two numbers modulo p; a share of all pairs is training's."""

    p: int = static(113, low=2, high=1000, doc="the modulus; the numbers are 0 to p - 1")
    operation: str = static("add", choices=tuple(OPERATIONS), doc="what is asked")
    code: str = static(
        "tokens",
        choices=("tokens", "one_hot", "binary"),
        doc="how a number is shown: a token, the one-hot vector of it, a random vector of bits; an mlp reads tokens so",
    )
    bits: int = static(14, low=1, high=30, unit="bits", doc="length of random codes, if they are binary")
    fraction: float = knob(0.4, low=0.0, high=1.0, unit="share of all pairs", doc="the share that training has")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which pairs training has, and the random codes")
    sets: Sets | None = None

    splits: ClassVar[tuple[str, ...]] = ("train", "test", "apart")
    held_out: ClassVar[tuple[str, ...]] = ("test", "apart")
    headline: ClassVar[str] = "test"

    @property
    def spec(self) -> Spec:
        """Returns the shapes: two numbers, of which the second has the answer."""
        if self.code == "tokens":
            return Spec(length=2, head=Classes(self.p), vocabulary=self.p)
        return Spec(length=2, head=Classes(self.p), width_in=self.p if self.code == "one_hot" else self.bits)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.code == "binary" and 2**self.bits < self.p:
            yield "bits", f"must give task.p = {self.p} numbers different codes, got {self.bits}"
            return
        training, apart = self._sets().sizes
        if not 0 < training < self.p**2:
            yield "fraction", f"must leave training and test a pair of the {self.p**2}, got {self.fraction}"
        elif not apart:
            yield "fraction", f"must leave a pair whose mirror is held out too (task.seed = {self.seed}), got less"

    def _sets(self) -> Sets:
        return _sets(self.p, self.bits if self.code == "binary" else 0, float(self.fraction), int(self.seed))

    def materialise(self, before: Any = None) -> Task:
        """Returns this task with its pairs in order, and the codes of numbers."""
        return self.replace(sets=self._sets())

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of pairs that training has."""
        return int(self._sets().sizes[0]) if self.sets is None else jnp.asarray(self.sets.sizes)[0]

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples any pair of the split with the same chance. Raises ValueError before `materialise`.

        Facts: a, b, and `mirrored`, whether training has (b, a).
        """
        sets = self._made()
        bits = jax.random.bits(key, (), jnp.uint32)
        if split == "apart":
            return self._show(jnp.asarray(sets.apart)[below(bits, sets.sizes[1])])
        training, every = sets.sizes[0], self.p**2
        index = below(bits, training) if split == "train" else training + below(bits, every - training)
        return self._show(jnp.asarray(sets.order)[index])

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns pair `index` of training."""
        return self._show(jnp.asarray(self._made().order)[index])

    def _made(self) -> Sets:
        if self.sets is None:
            raise ValueError("the pairs of modular are made by materialise(), before sample()")
        return self.sets

    def _show(self, pair: jax.Array) -> Example:
        """Returns the example of the pair a p + b."""
        sets = self._made()
        a, b = pair // self.p, pair % self.p
        numbers = jnp.stack([a, b])
        inputs = numbers
        if self.code == "one_hot":
            inputs = jax.nn.one_hot(numbers, self.p)
        elif self.code == "binary":
            inputs = jnp.asarray(sets.codes)[numbers].astype(jnp.float32)
        answer = {"add": a + b, "subtract": a - b, "multiply": a * b}[self.operation] % self.p
        facts = {"a": a, "b": b, "mirrored": jnp.asarray(sets.mirrored)[pair] > 0}
        return Example(inputs, jnp.stack([jnp.zeros_like(answer), answer]), jnp.array([0.0, 1.0]), facts)

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns pairs of training; held-out ones; those of them whose mirror is held out too."""
        return {split: (self, split) for split in ("train", "apart", "test")}

    def _numbers(self, example: Example) -> list[int]:
        """Returns the two numbers that the inputs show."""
        inputs = np.asarray(example.inputs)
        if self.code == "tokens":
            return inputs.tolist()
        codes = np.eye(self.p) if self.code == "one_hot" else self._sets().codes
        known = {tuple(code): number for number, code in enumerate(codes.astype(int).tolist())}
        return [known[tuple(code)] for code in inputs.astype(int).tolist()]

    def oracle(self, example: Example) -> list[int]:
        """Returns the answer by counting up, or down, from zero around the circle of numbers."""
        a, b = self._numbers(example)
        answer, times = {"add": (a, b), "subtract": (a, b), "multiply": (0, a * b)}[self.operation]
        for _ in range(times):
            if self.operation == "subtract":
                answer = answer - 1 if answer else self.p - 1
            else:
                answer = answer + 1 if answer < self.p - 1 else 0
        return [answer]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the pair, in its order."""
        return {tuple(self._numbers(example))}

    def tiny(self) -> Task:
        """Returns a task of 25 pairs."""
        return self.replace(p=5, bits=4)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("5 + 4 mod 7", "2")."""
        a, b = self._numbers(example)
        return f"{a} {OPERATIONS[self.operation]} {b} mod {self.p}", str(example.targets[1])


@functools.lru_cache(maxsize=64)  # a run asks for its own several times before it trains
def _sets(p: int, bits: int, fraction: float, seed: int) -> Sets:
    """Returns the sets of a data seed; `bits` is 0 if numbers have no codes."""
    order = np.random.default_rng([_PAIRS, seed]).permutation(p * p).astype(np.int32)
    training = int(fraction * p * p + 0.5)
    trained = np.zeros(p * p, bool)
    trained[order[:training]] = True
    mirrored = trained.reshape(p, p).T.reshape(-1)
    held = order[training:]
    alone = held[~mirrored[held]]
    apart = np.concatenate([alone, np.zeros(p * p - len(alone), np.int32)])
    codes = np.random.default_rng([_CODES, seed]).choice(2**bits, p, replace=False) if bits else np.zeros(p, np.int64)
    return Sets(
        order,
        mirrored.astype(np.uint8),
        apart,
        np.array([training, len(alone)], np.int32),
        (codes[:, None] >> np.arange(bits) & 1).astype(np.uint8),
    )
