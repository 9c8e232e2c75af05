"""Sparse parity: a few of many bits decide, and the set of examples is finite (arXiv 2501.04697, section 4.1).

An aligned example (8 bits, the first 3 of which decide): one vector, and its class.

    inputs    [1 1 0 1 0 0 1 0]
    targets   0
    weights   1
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.permutation import digits, permute
from synthetic.task import Example, Spec, Task, register

_DATA = 0x535041  # keeps the data seed's stream apart from a run's if both seeds are the same number


@register("sparse_parity")
@pytree
class SparseParity(Task):
    """Say whether an odd number of the first bits of a random vector are 1; all vectors of the set differ."""

    bits: int = static(43, low=2, high=1000, unit="bits", doc="length of a vector")
    relevant: int = knob(3, low=1, high=1000, unit="bits", doc="number of first bits that decide")
    samples: int = knob(
        2000, low=2, high=2**30, unit="examples", doc="number of vectors, of training and test together"
    )
    fraction: float = knob(0.5, low=0.0, high=1.0, unit="share of all vectors", doc="the share that training has")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the vectors")

    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    held_out: ClassVar[tuple[str, ...]] = ("test",)

    @property
    def spec(self) -> Spec:
        """Returns the shapes of one vector with one answer."""
        return Spec(length=1, head=Classes(2), width_in=self.bits)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.relevant > self.bits:
            yield "relevant", f"must be at most task.bits = {self.bits}, got {self.relevant}"
        if self.bits < 30 and self.samples > 2**self.bits:
            yield "samples", f"must be at most 2^task.bits = {2**self.bits}, as all differ, got {self.samples}"
        if not 0 < int(self.size) < self.samples:
            yield "fraction", f"must leave training and test a vector of the {self.samples}, got {self.fraction}"

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of vectors that training has."""
        return jnp.floor(jnp.float32(self.fraction) * self.samples).astype(jnp.int32)

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples any vector of the split with the same chance."""
        bits = jax.random.bits(key, (), jnp.uint32)
        if split == "train":
            return self.item(below(bits, self.size), key, split)
        return self.item(self.size + below(bits, self.samples - self.size), key, split)

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns vector `index` of the set: the binary digits of the index, permuted as the data seed decides."""
        left = self.bits // 2
        plain = digits(index, [2] * self.bits)
        data = jax.random.fold_in(jax.random.key(self.seed), _DATA)
        halves = permute(data, plain[:left], plain[left:], ([2] * left, [2] * (self.bits - left)))
        x = jnp.concatenate(halves)
        odd = jnp.where(jnp.arange(self.bits) < self.relevant, x, 0).sum() % 2
        return Example(x[None].astype(jnp.float32), odd[None], jnp.ones(1), {})

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns vectors of training, and held-out ones."""
        return {"train": (self, "train"), "test": (self, "test")}

    def oracle(self, example: Example) -> list[int]:
        """Returns the parity by turning a switch at each 1."""
        odd = False
        for bit in np.asarray(example.inputs)[0, : self.relevant]:
            odd = not odd if bit == 1 else odd
        return [int(odd)]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the vector."""
        return {tuple(np.asarray(example.inputs)[0].astype(int).tolist())}

    def tiny(self) -> Task:
        """Returns a task of the 16 vectors of four bits."""
        return self.replace(bits=4, relevant=2, samples=16)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("1101 0010", "0"), with a gap behind the bits that decide."""
        x = "".join(str(int(bit)) for bit in np.asarray(example.inputs)[0])
        k = int(self.relevant)
        return f"{x[:k]} {x[k:]}".strip(), str(int(example.targets[0]))
