"""Addition of two numbers, digit by digit (arXiv 2310.16028). Index hints and the answer's order decide how hard it is.

With hints and the answer reversed, as the paper's variant that generalises; 97 + 5 with hints from 3 on:

    inputs    > h3 0 h4 9 h5 7 + h3 0 h4 0 h5 5 = h5 2 h4 0 h3 1
    targets   h3 0 h4 9 h5 7 + h3 0 h4 0 h5 5 = h5 2 h4 0 h3 1 .
    weights   0  0 0  0 0  0 0 0  0 0  0 0  0 1  1 1  1 1  1 1

Both operands are padded with zeros to the problem's length and one digit more, and the answer has that many digits.
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

# All pairs of digits, by their sum: 45 that cannot carry, 10 that pass a carry on, 45 that carry by themselves.
_PAIRS = sorted(((a, b) for a in range(10) for b in range(10)), key=sum)
_STOPS, _PASSES, _STARTS = range(3)
_FIRST, _COUNT = (0, 45, 55), (45, 10, 45)


class AdditionTokens(NamedTuple):
    """Holds the ids of addition; digits are themselves. Hint i is `hint` + i, in the vocabulary with hints."""

    start: int = 10
    plus: int = 11
    equals: int = 12
    end: int = 13
    hint: int = 14


@register("rasp_addition")
@pytree
class Addition(LengthTask):
    """Add two numbers of equally many digits, the length.

    Standard operands have uniform digits, so that long carry chains are rare. Balanced ones have one chain, of a length
    uniform in 0 .. n and somewhere: a pair that carries, then pairs of sum 9; no other pair carries. Each is uniform
    among the pairs of its kind. Hard problems have one chain through all digits.
    """

    order: str = static(
        "reverse", choices=("forward", "reverse"), doc="order of the answer's digits; forward begins with the highest"
    )
    hints: bool = static(True, doc="whether index hints precede the digits")
    hint_range: int = static(
        0,
        low=0,
        high=10**4,
        unit="hints",
        doc="number of hints; a problem has a stretch of them; 0 is as many as the longest needs",
    )
    carries: float = knob(1.0, low=0.0, high=1.0, unit="share", doc="share of training problems with balanced carries")

    splits: ClassVar[tuple[str, ...]] = ("train", "test", "hard")
    rates: ClassVar[Mapping[str, str]] = {"balanced": "carries"}

    @property
    def tokens(self) -> AdditionTokens:
        """Returns the same ids for all lengths."""
        return AdditionTokens()

    @property
    def _hints(self) -> int:
        return self.hint_range or self.max_length + 1

    @property
    def names(self) -> list[str]:
        """Returns digits, marks, hints."""
        hints = range(self._hints if self.hints else 0)
        return [*map(str, range(10)), ">", "+", "=", ".", *(f"h{i}" for i in hints)]

    @property
    def sample_words(self) -> int:
        """Counts the law, the chain's length and place, the first hint, and pairs of digits."""
        return 4 + self.max_length

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Counts four marks and three numbers of n + 1 digits."""
        tokens = 4 + 3 * (n + 1) * (1 + self.hints)
        return tokens, tokens

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if 0 < self.hint_range <= self.max_length:
            needed = f"task.max_length + 1 = {self.max_length + 1}: numbers have one digit more"
            yield "hint_range", f"must be 0 or at least {needed}, got {self.hint_range}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the conditions of any `LengthTask`, and single lengths with a carry chain through all digits.

        All have standard carries, except `within`: it keeps the carry law of training, so that it shows whether
        training is fitted.
        """
        standard = self.replace(carries=0.0)
        usual = super(Addition, standard).conditions()
        return usual | {"within": (self, "test"), **standard.at_lengths("hard/length_", "hard")}

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Samples two operands of n digits and a leading zero each."""
        hard, (law, chain, begin, first_hint) = split == "hard", bits[:4]
        balanced = jnp.bool(True) if hard else unit(law) < self.carries
        chain = n if hard else below(chain, n + 1)
        begin = below(begin, n - chain + 1)
        place = jnp.arange(self.max_length)  # from the lowest digit
        inside = (place >= begin) & (place < begin + chain)
        kind = jnp.where(inside, jnp.where(place == begin, _STARTS, _PASSES), _STOPS)
        first = jnp.where(balanced, jnp.array(_FIRST)[kind], 0)
        count = jnp.where(balanced, jnp.array(_COUNT)[kind], len(_PAIRS))
        pairs = jnp.array(_PAIRS, jnp.int32)[first + below(bits[4:], count)]
        pairs = jnp.pad(jnp.where(place[:, None] < n, pairs, 0), ((0, 1), (0, 0)))
        chains = carry_chains(pairs.sum(1))
        carry = jnp.roll(chains > 0, 1)  # none leaves the last place
        operands = [self._number(digits, n, first_hint, reverse=False) for digits in pairs.T]
        answer = (pairs.sum(1) + carry) % 10
        answer = self._number(answer, n, first_hint, reverse=self.order == "reverse")
        start, plus, equals, end, _ = self.tokens
        tokens, length = splice((start, 1), operands[0], (plus, 1), operands[1], (equals, 1), answer, (end, 1))
        facts = {"chain": chains.max(), "balanced": balanced}
        return Sample(tokens, length - answer[1] - 1, length, facts)

    def _number(
        self, digits: jax.Array, n: jax.Array, bits: jax.Array, *, reverse: bool
    ) -> tuple[jax.Array, jax.Array]:
        """Returns digits int32[max_length + 1], lowest first, as tokens in the wanted order, and their number."""
        place = jnp.arange(self.max_length + 1)
        turned = jnp.maximum(n - place, 0)
        written = digits if reverse else digits[turned]
        if not self.hints:
            return written, n + 1
        hints = self.tokens.hint + below(bits, self._hints - n) + (turned if reverse else place)
        return jnp.stack([hints, written], 1).reshape(-1), 2 * (n + 1)

    def prompt_length(self, tokens: list[int]) -> int | None:
        """Returns the length up to the equals sign."""
        return tokens.index(self.tokens.equals) + 1 if self.tokens.equals in tokens else None

    def answer(self, prompt: list[int]) -> list[int]:
        """Adds with Python's integers, and writes the sum with the first operand's hints."""
        plus = prompt.index(self.tokens.plus)
        a, b = ("".join(str(t) for t in part if t < 10) for part in (prompt[:plus], prompt[plus:]))
        groups = [[int(digit)] for digit in str(int(a) + int(b)).zfill(len(a))]
        if self.hints:
            groups = [[hint, *digit] for hint, digit in zip(prompt[:plus:2], groups, strict=True)]
        return [token for group in (groups[::-1] if self.order == "reverse" else groups) for token in group] + [
            self.tokens.end
        ]


def carry_chains(sums: jax.Array) -> jax.Array:
    """Returns the number of places that the carry out of each place has come through, int32[n]; 0 if none leaves it.

    `sums` int32[n] are those of pairs of digits, the lowest first. A place of sum 9 passes a carry on. Any other sum
    decides by itself, and one of 10 or more begins a chain anew.
    """
    place = jnp.arange(sums.shape[0])
    begin = jax.lax.cummax(jnp.where(sums != 9, place, -1))
    return jnp.where((begin >= 0) & (sums[begin] >= 10), place - begin + 1, 0)
