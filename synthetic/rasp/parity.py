"""Two functions of bits (arXiv 2310.16028): parity, which has no short program, and AND, which has one.

Parity of 0110, plain and with the paper's scratchpad (its index hint before every bit; then for each 1 its hint and the
parity so far, from even `+` on), and the AND of 1101:

    inputs    > 0 1 1 0 : +      > h4 0 h5 1 h6 1 h7 0 : + h5 - h6 +      > 1 1 0 1 : 0
    targets   0 1 1 0 : + .      h4 0 h5 1 h6 1 h7 0 : + h5 - h6 + .      1 1 0 1 : 0 .
    weights   0 0 0 0 0 1 1      0  0 0  0 0  0 0  0 0 1 1  1 1  1 1      0 0 0 0 0 1 1
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.rasp.min_degree import Polynomial, interpolate
from synthetic.rasp.samples import LengthTask, Sample, SampleTask, chosen, splice
from synthetic.task import Example, Task, register


class ParityTokens(NamedTuple):
    """Holds the ids of parity; the bits are 0 and 1. Hint i is `hint` + i, in the vocabulary with a scratchpad."""

    start: int = 2
    sep: int = 3
    end: int = 4
    even: int = 5
    odd: int = 6
    hint: int = 7


@register("rasp_parity")
@pytree
class Parity(LengthTask):
    """Say whether the number of ones among bits is even or odd.

    Bits are uniformly random, or their number of ones is uniform in 0 .. n (the law of arXiv 2410.02140). With that law
    bins of lengths are tested three times more: with uniformly random bits (`/fair`), with as many ones as training has
    at most (`/seen`), and with more (`/new`), so that a rule for numbers seen in training shows.
    """

    ones: str = static(
        "fair",
        choices=("fair", "uniform"),
        silent=True,
        doc="law of bits: each uniform, or their number of ones uniform",
    )
    fewest: int | None = knob(
        None, low=0, high=1000, silent=True, unit="ones", doc="with ones=uniform: the fewest ones"
    )
    most: int | None = knob(None, low=0, high=1000, silent=True, unit="ones", doc="with ones=uniform: the most ones")
    scratchpad: bool = static(True, doc="whether bits have index hints and the answer has the parity after every 1")
    hint_range: int = static(
        0,
        low=0,
        high=10**4,
        unit="hints",
        doc="number of hints; a problem has a stretch of them; 0 is as many as the longest needs",
    )

    @property
    def tokens(self) -> ParityTokens:
        """Returns the same ids for all lengths."""
        return ParityTokens()

    @property
    def _hints(self) -> int:
        return self.hint_range or self.max_length

    @property
    def names(self) -> list[str]:
        """Returns bits, marks, `+` for even, `-` for odd, hints."""
        hints = range(self._hints if self.scratchpad else 0)
        return ["0", "1", ">", ":", ".", "+", "-", *(f"h{i}" for i in hints)]

    @property
    def sample_words(self) -> int:
        """Counts the first hint, bits, and the number of ones where that is drawn."""
        return 1 + self.max_length + (self.ones == "uniform")

    @property
    def splits(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Returns the splits; with another law of bits also uniformly random ones."""
        return ("train", "test", *(("fair",) if self.ones == "uniform" else ()))

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the conditions of any `LengthTask`, and with uniform numbers of ones those of the class."""
        if self.ones == "fair":
            return super().conditions()
        longest = self.train_length
        whole = self.replace(fewest=0, most=self.max_length)
        conditions = {name: (task, split) for name, (task, split) in super(Parity, whole).conditions().items()}
        for name, (task, _) in whole.in_bins("lengths_", "test").items():
            if not name.startswith("lengths_1_"):
                conditions[f"{name}/fair"] = task, "fair"
                conditions[f"{name}/seen"] = task.replace(most=longest), "test"
                conditions[f"{name}/new"] = task.replace(fewest=longest + 1), "test"
        return conditions

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts START, bits, separator, even or odd, END; with hints before bits, and two tokens more for every 1."""
        return (2 * n + 4, 4 * n + 4) if self.scratchpad else (n + 4, n + 4)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if 0 < self.hint_range < self.max_length:
            yield "hint_range", f"must be 0 or at least task.max_length = {self.max_length}, got {self.hint_range}"
        for name in ("fewest", "most"):
            if getattr(self, name) is not None and self.ones == "fair":
                yield name, f"must be null with task.ones = fair, got {getattr(self, name)}"
        if self.bins and self.ones == "uniform" and self.train_length > self.bins:
            yield "bins", f"at least task.train_length = {self.train_length} with task.ones = uniform, got {self.bins}"

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples bits.

        With a scratchpad their hints follow one another from a random place in the hints' range.
        """
        place = jnp.arange(self.max_length)
        if self.ones == "uniform" and split != "fair":
            fewest = jnp.minimum(0 if self.fewest is None else self.fewest, n)
            most = jnp.minimum(self.max_length if self.most is None else self.most, n)
            number = fewest + below(bits[-1], jnp.maximum(most - fewest, 0) + 1)
            bit = chosen(bits[1:-1], n, number).astype(jnp.int32)
        else:
            bit = jnp.where(place < n, below(bits[1 : 1 + self.max_length], 2), 0)
        ones, parity, (start, sep, end, even, odd, hint) = bit.sum(), bit.sum() % 2, self.tokens
        if not self.scratchpad:
            tokens, length = splice((start, 1), (bit, n), (sep, 1), (even + parity * (odd - even), 1), (end, 1))
            return Sample(tokens, n + 2, length, {})
        first = hint + below(bits[0], self._hints - n + 1)
        hinted = jnp.stack([first + place, bit], 1).reshape(-1)
        of_ones = jnp.sort(jnp.where(bit == 1, place, self.max_length))
        steps = jnp.stack([first + of_ones, jnp.where(place % 2 == 0, odd, even)], 1).reshape(-1)
        tokens, length = splice((start, 1), (hinted, 2 * n), (sep, 1), (even, 1), (steps, 2 * ones), (end, 1))
        return Sample(tokens, 2 * n + 2, length, {})

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns running sums modulo 2."""
        mark, end = self.tokens[3:5], self.tokens.end
        if not self.scratchpad:
            return [mark[sum(prompt[:-1]) % 2], end]
        hints, bits = prompt[:-1:2], prompt[1::2]
        steps = [(h, mark[s % 2]) for h, b, s in zip(hints, bits, accumulate(bits), strict=True) if b]
        return [mark[0], *(token for step in steps for token in step), end]


class AndTokens(NamedTuple):
    """Holds the ids of AND; the bits are 0 and 1."""

    start: int = 2
    sep: int = 3
    end: int = 4


@register("rasp_and")
@pytree
class And(SampleTask):
    """Say whether all bits are 1. Half of all inputs are ones only, and half have one 0, in a random place.

    In training the 0 is never among the last bits. This is the paper's counterexample to a preference for low degrees:
    if the 0 is among those bits a transformer is right, and the interpolator of least degree profile (`min_degree`)
    wrong.
    """

    packing: bool = static(False, doc="true: a training row is a stretch of samples; false: one sample from its start")
    bits: int = static(20, low=2, high=1000, unit="bits", doc="length of the input")
    fixed: int = static(5, low=1, high=999, unit="bits", doc="number of last bits that are always 1 in training")

    splits: ClassVar[tuple[str, ...]] = ("train", "test", "varied", "uniform")
    few: ClassVar[tuple[str, ...]] = splits
    headline: ClassVar[str] = "varied"

    @property
    def tokens(self) -> AndTokens:
        """Returns the same ids for all lengths."""
        return AndTokens()

    @property
    def names(self) -> list[str]:
        """Returns bits and marks."""
        return ["0", "1", ">", ":", "."]

    @property
    def extent(self) -> tuple[int, int]:
        """Counts START, bits, separator, answer, END."""
        return self.bits + 4, self.bits + 4

    @property
    def words(self) -> int:
        """Counts whether there is a 0, and where."""
        return 2

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.fixed >= self.bits:
            yield "fixed", f"must be less than task.bits = {self.bits}, got {self.fixed}"
        two = 2 * self.extent[1] - 2
        if self.packing and self.spec.length < two:
            yield "context", f"must be at least {two} with task.packing, to hold a whole sample, got {self.context}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns three conditions: the 0 is where it is in training; among the bits fixed there; anywhere."""
        return {"within": (self, "test"), "varied": (self, "varied"), "uniform": (self, "uniform")}

    def sample_from(self, bits: jax.Array, split: str) -> Sample:
        """Samples ones, or ones except for one 0."""
        low = self.bits - self.fixed if split == "varied" else 0
        high = self.bits if split in ("varied", "uniform") else self.bits - self.fixed
        zero = jnp.where(bits[0] % 2 == 0, -1, low + below(bits[1], high - low))
        x = (jnp.arange(self.bits) != zero).astype(jnp.int32)
        start, sep, end = self.tokens
        tokens, length = splice((start, 1), (x, self.bits), (sep, 1), (x.min(), 1), (end, 1))
        return Sample(tokens, jnp.int32(self.bits + 2), length, {"zero": zero})

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns `all`."""
        return [int(all(prompt[:-1])), self.tokens.end]

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns `min_degree`: the sign of the least-degree-profile interpolator of all training data, then END."""
        polynomial = _interpolator(self.bits, self.fixed)

        def min_degree(example: Example) -> jax.Array:
            x = 2 * example.inputs[1 : self.bits + 1] - 1
            answer = jnp.full_like(example.targets, self.tokens.end)
            return answer.at[self.bits + 1].set((polynomial(x) > 0).astype(jnp.int32))

        return {"min_degree": min_degree}


@functools.cache
def _interpolator(bits: int, fixed: int) -> Polynomial:
    """Returns the interpolator of AND, as -1 and 1, at every input of training.

    These are ones only, and one 0 in each place where it may be.
    """
    points = np.ones((1 + bits - fixed, bits))
    points[np.arange(1, len(points)), np.arange(bits - fixed)] = -1
    return interpolate(points, np.where(np.arange(len(points)) == 0, 1.0, -1.0))
