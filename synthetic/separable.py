"""Points that a plane through the origin divides, with a margin: finite sets on which linear learners separate classes.

Two sets are those of "From logistic regression to the perceptron algorithm" (arXiv 2412.08424), two are ours. The model
sees points x; with labels y of -1 and 1, only the signed points z = y x matter to a linear model without a constant.

    kind       points                                                                      dimensions
    pair       (1, -1) with label 1 and (-1, -4) with label -1 (theorem 4.1)                2
    opposed    one (0.5, -1) with label 1, all others (-0.5, -1) with label -1 (5.1)        2
    clusters   z = (0.5, -1, 0 ...) for a share, (0.5, 1, 0 ...) for the rest; noise 0.1    2 or more
    spread     normal points whose coordinates shrink from 1 to 1 / `stretch`; a random     1 or more
               direction divides them, and those nearer than the margin are pushed to it

Points of `spread` are scaled so that the largest curvature of the mean logistic loss, that at weights of zero, is 1: to
a model of two logits a learning rate of 1 is the largest with which descent cannot raise the loss. A pair:

    inputs    [1 -1]    [-1 -4]
    targets      1         0
    weights      1         1
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task, register

_DATA = 0x534550  # keeps the data seed's stream apart from a run's if both seeds are the same number
_NOISE = 0.1  # of `clusters`, in every coordinate
LEAST = {"pair": 2, "opposed": 2, "clusters": 2, "spread": 1}  # dimensions


@register("separable")
@pytree
class Separable(Task):
    """Say on which side of a plane a point is; all points are in the training set, on which the learner is scored."""

    kind: str = static("spread", choices=tuple(LEAST), doc="how the points lie")
    points: int = static(1000, low=2, high=10**6, unit="points", doc="points in the set")
    dimensions: int = static(50, low=1, high=10**4, unit="coordinates", doc="coordinates of a point")
    margin: float = knob(
        0.05,
        low=0.0,
        high=10.0,
        unit="spreads",
        doc="spread: least distance from the plane, over that distance's spread",
    )
    stretch: float = knob(20.0, low=1.0, high=1e4, doc="spread: the largest coordinate's spread over the smallest's")
    opposed: float = knob(0.01, low=0.0, high=1.0, unit="share", doc="clusters: share of points in the smaller cluster")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the points")
    xs: Any = None
    ys: Any = None

    splits: ClassVar[tuple[str, ...]] = ("train",)
    held_out: ClassVar[tuple[str, ...]] = ()
    few: ClassVar[tuple[str, ...]] = ("train",)

    @property
    def spec(self) -> Spec:
        """Returns one position, at which a point is read and its side asked."""
        return Spec(length=1, head=Classes(2), width_in=self.dimensions)

    @property
    def size(self) -> int:
        """Returns the number of points."""
        return self.points

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        least, exact = LEAST[self.kind], self.kind in ("pair", "opposed")
        if self.dimensions < least or (exact and self.dimensions != least):
            allowed = f"must be {least}" if exact else f"must be at least {least}"
            yield "dimensions", f"{allowed} with task.kind = {self.kind}, got {self.dimensions}"
        if self.kind == "pair" and self.points != 2:
            yield "points", f"must be 2 with task.kind = pair, got {self.points}"

    def materialise(self, before: Any = None) -> Separable:
        """Returns the task with its points, float32[points, dimensions], and their classes, int8[points]."""
        z, y = self._signed()
        return self.replace(xs=(y[:, None] * z).astype(np.float32), ys=((y + 1) // 2).astype(np.int8))

    def _signed(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the signed points, float64[points, dimensions], and labels of -1 and 1."""
        random, n = np.random.default_rng((_DATA, int(self.seed))), self.points
        if self.kind == "pair":
            return np.array([[1.0, -1.0], [1.0, 4.0]]), np.array([1, -1])
        if self.kind == "spread":
            direction, deviations = self._plane(random)
            x = random.normal(size=(n, self.dimensions)) * deviations
            distance = x @ direction
            least = float(self.margin) * np.linalg.norm(direction * deviations)
            y = np.where(distance > 0, 1, -1)
            z = y[:, None] * x + np.maximum(least - np.abs(distance), 0.0)[:, None] * direction
            curvature = np.linalg.eigvalsh(z.T @ z / (4 * n))[-1]
            return z / np.sqrt(curvature), y
        few = 1 if self.kind == "opposed" else max(round(float(self.opposed) * n), 1)
        y = np.where(np.arange(n) < few, 1, -1)
        z = np.zeros((n, self.dimensions))
        z[:, 0], z[:, 1] = 0.5, -y
        return (z + _NOISE * random.normal(size=z.shape), y) if self.kind == "clusters" else (z, y)

    def _plane(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Returns the unit normal of the plane that divides `spread`, and the coordinates' standard deviations."""
        direction = random.normal(size=self.dimensions)
        deviations = np.geomspace(1.0, 1 / float(self.stretch), self.dimensions)
        return direction / np.linalg.norm(direction), deviations

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the set itself."""
        return {"set": (self, "train")}

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a point of the set."""
        return self.item(below(jax.random.bits(key), self.points), key, split)

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns a point of the set."""
        x, y = jnp.asarray(self.xs)[index], jnp.asarray(self.ys)[index].astype(jnp.int32)
        return Example(x[None], y[None], jnp.ones(1), {"point": jnp.asarray(index, jnp.int32)})

    def oracle(self, example: Example) -> list[int]:
        """Returns the side of the point: of the plane that was drawn, or of the first axis."""
        (x,) = np.asarray(example.inputs, np.float64)
        if self.kind == "spread":
            normal, _ = self._plane(np.random.default_rng((_DATA, int(self.seed))))
            return [int(sum(a * b for a, b in zip(x, normal, strict=True)) > 0)]
        return [int(x[0] > 0)]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the number of the point."""
        return {int(example.facts["point"])}

    def tiny(self) -> Task:
        """Returns a set of a few points."""
        return self.replace(points=min(self.points, 16), dimensions=min(self.dimensions, 2))

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("[0.5 -1]", "+")."""
        coordinates = " ".join(f"{value:.6g}" for value in np.asarray(example.inputs)[0].tolist())
        return f"[{coordinates}]", "-+"[int(np.asarray(example.targets)[0])]

    @property
    def names(self) -> list[str]:
        """Returns the text of the two labels."""
        return ["-", "+"]
