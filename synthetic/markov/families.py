"""Rewriting by rules of restricted families: patterns that repeat letters or a substring, or mirror it.

Section 2.3.4 of Only-IF (arXiv 2410.04717; the same in 2402.10891, section 4.3) asks whether many rules of a restricted
kind are as good as varied ones. A constraint k divides the length n of a pattern, which then has m = n / k free
letters. For k = 3 and the free letters abc:

    repeated    each letter k times                        aaabbbccc
    periodic    the substring k times                      abcabcabc
    mirrored    the substring, every second one reversed   abccbaabc
    plain       any string, as for k = 1 of the others     9 free letters

The paper does not state whether both sides of a rule are constrained, nor its values of k. Ours: both sides have the
rule's family and k, and the ks of a family are the divisors of n from `min_k` to `max_k`, each equally often.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.markov.kinds import FAMILIES, PLAIN, Kinds, divisors, kinds
from synthetic.markov.rewriting import Markov
from synthetic.markov.sides import CHECKSUM, RULES, UNLIMITED
from synthetic.permutation import permute
from synthetic.task import Example, Task, register

_SLOTS = 256  # rules in a row among which each kind of rule has its share
# The order of the slots is their numbers with the bits reversed, so that any first few rules are of all kinds.
_ORDER = np.array([int(f"{slot:08b}"[::-1], 2) for slot in range(_SLOTS)])


def _share(default: float, name: str) -> Any:
    return knob(default, low=0.0, high=1e6, unit="weight", doc=f"weight of {name} rules among all rules")


@register("markov_families")
@pytree
class MarkovFamilies(Markov):
    """Markov rewriting by rules whose sides are both of one family and constraint k."""

    alphabet: int = static(26, low=2, high=1000, unit="symbols", doc="size of the alphabet")
    input_length: int = static(24, low=1, high=2000, unit="tokens", doc="length of z")
    search_length: int = static(12, low=1, high=500, unit="tokens", doc="length of a pattern, here of x")
    replace_length: int = static(12, low=1, high=500, unit="tokens", doc="length of y; must be search_length")
    num_rules: int = knob(1000, low=1, high=2**23, unit="rules", doc="rules in training, distinct within a kind")
    repeated: float = _share(1.0, "repeated")
    periodic: float = _share(1.0, "periodic")
    mirrored: float = _share(1.0, "mirrored")
    plain: float = _share(0.0, "unconstrained")
    min_k: int = knob(3, low=1, high=500, unit="times", doc="smallest constraint in training")
    max_k: int = knob(12, low=1, high=500, unit="times", doc="largest constraint in training")

    headline: ClassVar[str] = "unseen/plain"

    def _kinds(self, *, held_out: bool) -> Kinds:
        return kinds(self.alphabet, self.search_length, self._radices(1, held_out=held_out)[0])

    def rules_that_exist(self, *, held_out: bool = False) -> int:
        """Returns the most rules that need no more of any kind (a family with its k) than it has."""
        return self._scarcest(held_out=held_out)[0]

    def _scarcest(self, *, held_out: bool) -> tuple[int, int]:
        """Returns (the most rules that there can be, the kind that then runs out)."""
        table = self._kinds(held_out=held_out)
        of_slot = np.asarray(self._slots(table)[0])
        limits = []
        for kind in np.unique(of_slot).tolist():
            places = np.flatnonzero(of_slot == kind)
            rows, rest = divmod(table.sizes[kind], len(places))
            limits.append((rows * _SLOTS + int(places[rest]), kind))
        return min(limits)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        faults = list(self._problems())
        for key, message in faults or super().problems():
            if key == "num_rules":
                kind = self._scarcest(held_out=False)[1]
                table = self._kinds(held_out=False)
                name = FAMILIES[table.family[kind]]
                message += f"; {name} rules of k = {table.k[kind]} run out first (task.{name}, task.max_k)"
            yield key, message

    def _problems(self) -> Iterator[tuple[str, str]]:
        n, weights = self.search_length, [self.repeated, self.periodic, self.mirrored]
        if self.replace_length != n:
            yield "replace_length", f"must be task.search_length = {n}, got {self.replace_length}"
        if not any([*weights, self.plain]):
            yield "repeated", "must be above 0, or else task.periodic, task.mirrored or task.plain, got 0 for all"
        if self.min_k > self.max_k:
            yield "min_k", f"must be at most task.max_k = {self.max_k}, got {self.min_k}"
        elif any(weights) and not any(self.min_k <= k <= self.max_k for k in divisors(n)):
            fill = ", ".join(map(str, divisors(n)))
            yield (
                "min_k",
                f"must leave a k up to task.max_k = {self.max_k} that divides task.search_length = {n} ({fill}), "
                f"got {self.min_k}",
            )
        elif any(weights) and self.max_k > n:
            yield "max_k", f"at most task.search_length = {n}, got {self.max_k}"
        elif any([*weights, self.plain]):
            yield from self._without_share()

    def _without_share(self) -> Iterator[tuple[str, str]]:
        """Yields the first kind whose weight is above 0 and yet too small for any rule of it."""
        table = self._kinds(held_out=False)
        share = np.asarray(self._slots(table)[2])
        for family, k, slots in zip(table.family.tolist(), table.k.tolist(), share.tolist(), strict=True):
            in_use = family == PLAIN or self.min_k <= k <= self.max_k
            weight = getattr(self, FAMILIES[family])
            if in_use and weight > 0 and slots == 0:
                yield (
                    FAMILIES[family],
                    f"too small a weight for rules of k = {k}: with task.min_k = {self.min_k} and task.max_k = "
                    f"{self.max_k} its share must come to one rule in {_SLOTS}, got {weight}",
                )
                return

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training, fresh inputs to its rules, and unseen rules.

        Unseen rules are of training's law, of each family, of k = 2, and unconstrained.
        """
        applied = self.replace(noop_rate=0.0)
        alone = {name: applied.replace(**dict.fromkeys(FAMILIES, 0.0) | {name: 1.0}) for name in FAMILIES}
        conditions: dict[str, tuple[Task, str]] = {
            "train": (self, "train"),
            "seen/applied": (applied, "seen"),
            "unseen/applied": (applied, "unseen"),
        }
        conditions |= {f"unseen/{name}": (task, "unseen") for name, task in alone.items()}
        if self.search_length % 2 == 0:
            low = {name: alone[name].replace(min_k=2, max_k=2) for name in FAMILIES[:PLAIN]}
            conditions |= {f"unseen/{name}/k_2": (task, "unseen") for name, task in low.items()}
        return conditions

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a rule and one of its inputs as `Markov` does; unseen rules by the weights of their kinds."""
        if split != "unseen":
            return super().sample(key, split)
        rule_bits, copy_bits = jax.random.bits(key, (2,), jnp.uint32)
        return self.example(split, below(rule_bits, UNLIMITED), below(copy_bits, UNLIMITED))

    def example(self, split: str, rule: jax.Array, copy: jax.Array) -> Example:
        """Returns the example as in `Markov`, with the facts `family` (its place in FAMILIES) and `k`."""
        example, table = super().example(split, rule, copy), self._kinds(held_out=split == "unseen")
        kind, _ = self._kind(rule, table)
        return example._replace(
            facts=example.facts | {"family": jnp.asarray(table.family)[kind], "k": jnp.asarray(table.k)[kind]}
        )

    def _slots(self, table: Kinds) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns each slot's kind, how many slots before it are of that kind, and each kind's number of slots.

        The arrays are int32[_SLOTS], int32[_SLOTS] and int32[K].
        """
        in_use = (table.k >= self.min_k) & (table.k <= self.max_k) & (table.family != PLAIN)
        weight = jnp.stack([self.repeated, self.periodic, self.mirrored, 0.0]).astype(jnp.float32)[table.family]
        ks = in_use.sum() / PLAIN  # of each family but plain
        weight = jnp.where(in_use, weight / jnp.maximum(ks, 1), 0.0)
        weight = jnp.where(table.family == PLAIN, self.plain, weight)
        ends = jnp.round(_SLOTS * jnp.cumsum(weight) / weight.sum()).astype(jnp.int32)
        kind = (ends <= _ORDER[:, None]).sum(1)
        before = ((kind[:, None] == kind) & np.tri(_SLOTS, k=-1, dtype=bool)).sum(1)
        return kind, before, jnp.diff(ends, prepend=0)

    def _kind(self, rule: jax.Array, table: Kinds) -> tuple[jax.Array, jax.Array]:
        """Returns the kind of rule number `rule`, and its number among the rules of that kind."""
        of_slot, before, share = self._slots(table)
        row, slot = rule // _SLOTS, rule % _SLOTS
        kind = of_slot[slot]
        return kind, row * share[kind] + before[slot]

    def rule(self, index: jax.Array, *, held_out: bool) -> tuple[jax.Array, jax.Array]:
        """Returns rule number `index` of a side: (x int32[n], y int32[n]). Training rules of a kind are distinct.

        As in `Markov` a checksum over the letters of a string decides whether it is training's. The checksum ignores
        the kind of the string, so a string of two kinds is on the same side in both.
        """
        data, table = jax.random.key(self.seed), self._kinds(held_out=held_out)
        kind, rank = self._kind(index, table)
        if held_out:  # drawn from so many that some numbers are beyond those of a small kind
            rank %= jnp.array([min(size, UNLIMITED) for size in table.sizes], jnp.int32)[kind]
        place, radices = jnp.asarray(table.places)[kind], jnp.asarray(table.radices)[kind]
        number = jnp.where(place > 0, rank // jnp.maximum(place, 1), 0) % radices
        (x_number, y_number), (x_radices, y_radices) = jnp.split(number, 2), jnp.split(radices, 2)
        side = jax.random.fold_in(data, RULES[held_out])
        halves = permute(side, x_number, y_number, (x_radices, y_radices), tweak=kind)
        offset = self.alphabet - self._held_out if held_out else 0
        bits = jax.random.bits(jax.random.fold_in(data, CHECKSUM), (2, 2), jnp.uint32)
        x, y = (
            self._pattern(table, kind, half.at[0].add(offset), some) for half, some in zip(halves, bits, strict=True)
        )
        return x, y

    def _pattern(self, table: Kinds, kind: jax.Array, number: jax.Array, bits: jax.Array) -> jax.Array:
        """Makes the string int32[n] of a kind from digits int32[n]: the value of its keyed checksum, then free letters.

        The checksum's bias and its unit factor are made of `bits` uint32[2].
        """
        units = jnp.array([u for u in range(1, self.alphabet) if math.gcd(u, self.alphabet) == 1], jnp.int32)
        value = below(bits[0], self.alphabet) + units[below(bits[1], len(units))] * number[0]
        letters = number.at[0].set(0)[jnp.asarray(table.digits)[kind]]
        missing = (value - (jnp.asarray(table.sums)[kind] * letters).sum()) % self.alphabet
        last = jnp.asarray(table.inverse)[kind] * missing % self.alphabet
        letters = jnp.where(jnp.arange(self.search_length) == jnp.asarray(table.last)[kind], last, letters)
        return letters[jnp.asarray(table.letters)[kind]]

    def tiny(self) -> Task:
        """Returns patterns of two letters of three: the 6 of training, 2 of them doubles, and the 3 held out."""
        small = self.replace(alphabet=3, input_length=4, search_length=2, replace_length=2, min_k=1, max_k=2)
        small = small.replace(repeated=1.0, periodic=1.0, mirrored=1.0, plain=1.0)
        return small.replace(num_rules=24, rule_power=1.0, min_occurrences=1, max_occurrences=2)
