"""Bags of vectors, some of which decide the label: the unit tests of multiple-instance learning.

The laws are those of "Reproducibility in multiple instance learning: a case for algorithmic unit tests" (arXiv
2310.17867) and its published notebook. A bag is positive if it has the right kinds of instances, whatever else is in
it. In training something else goes with the label; in the flipped law it goes with the other label, or its number
misleads.

    test       negative bags, training   positive bags, training      flipped
    cue        a poison, 1-9 plain       1-3 cues, 1-4 plain          the poison is in the positive bags
    concepts   a poison, an A or a C,    1-4 A, 1-4 C, 1-4 plain      the poison is in the positive bags
               1-4 plain
    frequency  an A or a C, 1-9 plain    an A, a C, 1-9 plain         negative bags have 35-39 A or as many C

Each instance is a vector of independent normal coordinates: plain N(0, 1), poison N(-10, 0.1), a cue N(0, 3) or
N(1, 1), A and C N(2, 0.1) and N(3, 0.1), or N(-2, 0.1) and N(2, 0.1) in the last test. Coordinates are standardised by
the mean and spread of all instances of the training law, and each instance has a 1 behind them. Two bags of two
coordinates, the first of them with a cue:

    inputs    [.3 -.1 1] [2.1 -3 1] [0 0 0]    [-2.8 -2.8 1] [.6 .2 1] [.1 .4 1]
    targets       .          .         1             .           .         0
    weights       0          0         1             0           0         1
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, normal, unit
from synthetic.heads import Classes
from synthetic.measures import Measure, Measured
from synthetic.task import Example, Spec, Task, register

_DATA = 0x42414753  # keeps the data seed's stream apart from a run's if both seeds are the same number
_COUNTS = 8  # random numbers that decide how many instances of each kind a bag has
KINDS = ("plain", "poison", "wide", "shifted", "first", "second")
PLAIN, POISON, WIDE, SHIFTED, FIRST, SECOND = range(6)
# The places of a bag: as many as the largest bag of a test has.
PLACES = {"cue": 10, "concepts": 13, "frequency": 48}
CENTRES = {"cue": (0.0, 0.0), "concepts": (2.0, 3.0), "frequency": (-2.0, 2.0)}  # of A and C
AUC = Measure("auc", lost=0.5, doc="area under the curve: share of pairs of a positive and a negative bag in order")


def area(surplus: jax.Array, label: jax.Array) -> jax.Array:
    """Returns the area under the curve of receiver operation, of scores and labels; equal scores count half."""
    pairs = (label[:, None] == 1) & (label[None] == 0)
    ahead = jnp.sign(surplus[:, None] - surplus[None]) / 2 + 0.5
    return (pairs * ahead).sum() / jnp.maximum(pairs.sum(), 1)


@register("bags")
@pytree
class Bags(Task):
    """Say whether a bag has the instances that make it positive; the flipped law punishes those who look elsewhere."""

    test: str = static("cue", choices=tuple(PLACES), doc="the unit test: one concept, two concepts, false frequency")
    dimensions: int = static(16, low=1, high=1000, unit="coordinates", doc="coordinates of an instance")
    examples: int = knob(2000, low=2, high=2**30, unit="bags", doc="bags in the training set")
    poison_rate: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of positive training bags that have a poison as well"
    )
    shifted_rate: float = knob(0.5, low=0.0, high=1.0, unit="share", doc="share of cues that are N(1, 1), not N(0, 3)")
    filled: bool = knob(False, doc="all bags are filled up with plain instances to one size")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the training set")

    splits: ClassVar[tuple[str, ...]] = ("train", "fresh", "flipped")
    held_out: ClassVar[tuple[str, ...]] = ()
    few: ClassVar[tuple[str, ...]] = ("train",)
    headline: ClassVar[str] = "flipped"

    @property
    def spec(self) -> Spec:
        """Returns a position for each place of a bag; the answer stands at the last."""
        return Spec(length=PLACES[self.test], head=Classes(2), width_in=self.dimensions + 1)

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of bags in the training set."""
        return self.examples

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns new bags of the training law, and of the flipped one."""
        return {"fresh": (self, "fresh"), "flipped": (self, "flipped")}

    def measures(self) -> tuple[Measured, ...]:
        """Returns the area under the curve of the positive logit less the negative one."""

        def surplus(example: Example, outputs: jax.Array) -> tuple[jax.Array, jax.Array]:
            return outputs[-1, 1] - outputs[-1, 0], example.targets[-1]

        return (Measured(AUC, surplus, area),)

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a bag of the training set, or a new one of the training law or the flipped law."""
        if split == "train":
            return self.item(below(jax.random.bits(key), self.examples), key, split)
        return self._bag(key, None, flipped=split == "flipped")

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns a bag of the training set, of which every second one is positive."""
        own = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), _DATA), index)
        return self._bag(own, index % 2, flipped=False)

    def _bag(self, key: jax.Array, label: jax.Array | None, *, flipped: bool) -> Example:
        """Returns a bag of a label, or of any: how many of each kind, then the instances, at random places."""
        length = self.spec.length
        bits = jax.random.bits(key, (_COUNTS + 1 + length * (1 + self.dimensions),))  # one call, which compiles fast
        of_counts, of_label, of_places_L, of_values = jnp.split(bits, (_COUNTS, _COUNTS + 1, _COUNTS + 1 + length))
        label = below(of_label[0], 2) if label is None else label
        count_K = self._counts(of_counts, label, flipped=flipped)
        spare = length - count_K.sum()
        count_K = count_K.at[PLAIN].add(jnp.where(self.filled, spare, 0))
        end_K = jnp.cumsum(count_K)
        # Places are ranked by comparison, as to compile a sort takes seconds; of equal numbers the first is first.
        ahead_LxL, level_LxL = (compare(of_places_L[:, None], of_places_L) for compare in (jnp.greater, jnp.equal))
        rank_L = (ahead_LxL | (level_LxL & jnp.tri(length, k=-1, dtype=bool))).sum(-1)
        kind_L = (rank_L[:, None] >= end_K).sum(-1)  # 6 is no instance
        centre, spread = self._laws()
        value_LxD = normal(of_values.reshape(length, self.dimensions)) * jnp.append(spread, 0.0)[kind_L, None]
        value_LxD += jnp.append(centre, 0.0)[kind_L, None]
        mean, deviation = self._standard()
        there_Lx1 = (kind_L < len(KINDS)).astype(jnp.float32)[:, None]
        inputs = jnp.concatenate([(value_LxD - mean) / deviation, jnp.ones((length, 1))], -1) * there_Lx1
        last_L = jnp.arange(length) == length - 1
        facts = {kind: count_K[n] for n, kind in enumerate(KINDS)} | {"label": label.astype(jnp.int32)}
        return Example(inputs, jnp.where(last_L, label, 0).astype(jnp.int32), last_L.astype(jnp.float32), facts)

    def _counts(self, bits: jax.Array, label: jax.Array, *, flipped: bool) -> jax.Array:
        """Returns how many instances of each kind a bag has, int32[6], from random numbers."""
        positive, few, many = label == 1, 1 + below(bits[:3], 4), 1 + below(bits[3], 9)
        if self.test == "frequency":
            second = unit(bits[4]) * 9 >= 4
            copies = 35 + below(bits[5], 5) if flipped else 1
            first, second = (jnp.where(positive, 1, jnp.where(one, copies, 0)) for one in (~second, second))
            return jnp.stack([many, *[jnp.zeros_like(many)] * 3, first, second])
        leaks = unit(bits[7]) < self.poison_rate
        poison = jnp.where(positive, True if flipped else leaks, not flipped).astype(jnp.int32)
        if self.test == "cue":
            number = 1 + below(bits[4], 3)
            shifted = unit(bits[5]) < self.shifted_rate
            wide, shift = (jnp.where(positive & one, number, 0) for one in (~shifted, shifted))
            return jnp.stack([jnp.where(positive, few[0], many), poison, wide, shift, *[jnp.zeros_like(many)] * 2])
        second = unit(bits[4]) < 0.5
        first, second = (
            jnp.where(positive, some, one.astype(jnp.int32)) for some, one in ((few[1], ~second), (few[2], second))
        )
        return jnp.stack([few[0], poison, *[jnp.zeros_like(many)] * 2, first, second])

    def _laws(self) -> tuple[jax.Array, jax.Array]:
        """Returns centre and standard deviation of the coordinates of each kind, float32[6]."""
        first, second = CENTRES[self.test]
        return jnp.array([0.0, -10.0, 0.0, 1.0, first, second]), jnp.array([1.0, 0.1, 3.0, 1.0, 0.1, 0.1])

    def _standard(self) -> tuple[Any, Any]:
        """Returns mean and standard deviation of a coordinate over all instances of the training law."""
        per_bag = {
            "cue": (3.75, 0.5 + 0.5 * self.poison_rate, 1 - self.shifted_rate, self.shifted_rate, 0.0, 0.0),
            "concepts": (2.5, 0.5 + 0.5 * self.poison_rate, 0.0, 0.0, 1.5, 1.5),
            "frequency": (5.0, 0.0, 0.0, 0.0, 0.5 + 2 / 9, 0.5 + 2.5 / 9),
        }[self.test]
        count_K = jnp.stack([jnp.asarray(number, jnp.float32) for number in per_bag])
        count_K = count_K.at[PLAIN].add(jnp.where(self.filled, self.spec.length - count_K.sum(), 0.0))
        centre, spread = self._laws()
        share_K = count_K / count_K.sum()
        mean = (share_K * centre).sum()
        return mean, jnp.sqrt((share_K * (spread**2 + centre**2)).sum() - mean**2)

    def oracle(self, example: Example) -> list[int]:
        """Returns 1 if the bag has a cue, or both concepts, by its numbers of instances."""
        number = {kind: int(example.facts[kind]) for kind in KINDS}
        if self.test == "cue":
            return [int(number["wide"] + number["shifted"] > 0)]
        return [int(number["first"] > 0 and number["second"] > 0)]

    def raw(self, example: Example) -> np.ndarray:
        """Returns the instances of a bag before they were standardised, float[instances, dimensions]."""
        mean, deviation = map(float, self._standard())
        inputs = np.asarray(example.inputs)
        return inputs[inputs[:, -1] == 1, :-1] * deviation + mean

    def tiny(self) -> Task:
        """Returns a task of eight bags."""
        return self.replace(dimensions=2, examples=8)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns the instances, each by its coordinates, and the label."""
        instances = np.asarray(example.inputs, np.float64)
        text = " ".join("[" + " ".join(f"{value:.3g}" for value in one[:-1]) + "]" for one in instances if one.any())
        return text, "-+"[int(np.asarray(example.targets)[-1])]

    @property
    def names(self) -> list[str]:
        """Returns the text of the two labels."""
        return ["-", "+"]
