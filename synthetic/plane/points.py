"""The base of tasks of points: their layout in a sequence, and the numbers of points in training and in tests.

The source has a mark, then the points in random order, then padding. The answer points at them one after the other,
and at the mark to end. A vector is (x, y, 1, 0) for a point, (0, 0, 0, 1) for the mark and 0 for padding. The first
input of the answer is the mark, later ones are the vectors last pointed at. For the hull of 4 points, of which the
third lies within the others, with room for 5 (`pN` is a point's vector):

    position  0    1  2  3  4  5 | 6    7  8  9
    inputs    mark p1 p2 p3 p4 0 | mark p4 p1 p2
    targets   .    .  .  .  .  . | 4    1  2  0
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Places
from synthetic.plane.geometry import GRID
from synthetic.task import Example, Spec, Task

Point = tuple[int, int]
_BITS = GRID.bit_length() - 1


@pytree
class PointsTask(Task):
    """A task on points that are uniform in the unit square. Subclasses answer; this class draws and lays out."""

    capacity: int = static(16, low=3, high=500, unit="points", doc="points that an example has room for")
    test_every: int = static(
        4, low=1, high=500, unit="points", doc="spacing of the numbers of points tested, of which it is the first"
    )
    min_points: int = knob(4, low=3, high=500, unit="points", doc="fewest points of a training example")
    max_points: int = knob(8, low=3, high=500, unit="points", doc="most points of a training example")

    splits: ClassVar[tuple[str, ...]] = ("train",)
    held_out: ClassVar[tuple[str, ...]] = ()  # points are always new: numbers of points are unseen, not examples

    @property
    def answer_length(self) -> int:
        """Returns the most targets of an answer, its end included."""
        raise NotImplementedError

    def answer(self, points: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns int32[answer_length] indices of `points` int32[capacity, 2], and how many of them count.

        `present` bool[capacity] says which of them there are: the first few.
        """
        raise NotImplementedError

    def solution(self, points: Sequence[Point]) -> list[int]:
        """Returns the indices that are the answer, by plain Python."""
        raise NotImplementedError

    @property
    def spec(self) -> Spec:
        """Returns the shapes: the source is the mark and the points."""
        source = 1 + self.capacity
        return Spec(length=source + self.answer_length, head=Places(), width_in=4, source=source)

    @property
    def end(self) -> int:
        """Returns the place of the mark."""
        return 0

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.min_points > self.max_points:
            yield "min_points", f"must be at most task.max_points = {self.max_points}, got {self.min_points}"
        if self.max_points > self.capacity:
            yield "max_points", f"must be at most task.capacity = {self.capacity}, got {self.max_points}"
        if self.test_every > self.capacity:
            yield "test_every", f"must be at most task.capacity = {self.capacity}, got {self.test_every}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's numbers of points, then single numbers of them."""
        numbers = range(self.test_every, self.capacity + 1, self.test_every)
        alone = {f"points_{n}": (self.replace(min_points=n, max_points=n), "train") for n in numbers if n >= 3}
        return {"within": (self, "train"), **alone}

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples the number of points, and the points."""
        bits = jax.random.bits(key, (1 + 2 * self.capacity,), jnp.uint32)
        number = self.min_points + below(bits[0], self.max_points - self.min_points + 1)
        points = (bits[1:] >> (32 - _BITS)).astype(jnp.int32).reshape(-1, 2)
        present = jnp.arange(self.capacity) < number
        indices, count = self.answer(points, present)
        place = jnp.arange(self.answer_length)
        answer = jnp.where(place < count, indices + 1, 0)
        flags = jnp.broadcast_to(jnp.array([1.0, 0.0]), points.shape)
        rows = jnp.where(present[:, None], jnp.concatenate([points / GRID, flags], 1), 0.0)
        source = jnp.concatenate([jnp.array([[0.0, 0.0, 0.0, 1.0]]), rows])
        before = jnp.concatenate([jnp.zeros(1, jnp.int32), answer[:-1]])
        targets = jnp.concatenate([jnp.zeros(1 + self.capacity, jnp.int32), answer])
        weights = jnp.concatenate([jnp.zeros(1 + self.capacity), place <= count])
        facts = {"points": number.astype(jnp.int32), "answers": count}
        return Example(jnp.concatenate([source, source[before]]), targets, weights.astype(jnp.float32), facts)

    def grid_points(self, example: Example) -> tuple[jax.Array, jax.Array]:
        """Returns the points of an example, int32[capacity, 2], and which are present, bool[capacity]; traceable."""
        rows = example.inputs[1 : 1 + self.capacity]
        return jnp.round(rows[:, :2] * GRID).astype(jnp.int32), rows[:, 2] > 0

    def decoded_answer(self, decoded: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the indices of the points in a decoded answer, how many precede its end, and whether it has one."""
        places = decoded[1 + self.capacity :]
        ends = places == self.end
        count = jnp.where(ends.any(), jnp.argmax(ends), places.shape[0])
        return jnp.maximum(places - 1, 0), count.astype(jnp.int32), ends.any()

    def oracle(self, example: Example) -> list[int]:
        """Returns the places of the solution, then the mark's."""
        return [1 + index for index in self.solution(self._listed(example))] + [self.end]

    def _listed(self, example: Example) -> list[Point]:
        rows = np.asarray(example.inputs)[1 : 1 + self.capacity]
        return [(round(x * GRID), round(y * GRID)) for x, y, point, _ in rows.tolist() if point]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the points."""
        return set(self._listed(example))

    def tiny(self) -> Task:
        """Returns a task of up to five points."""
        return self.replace(capacity=5, test_every=5, min_points=4, max_points=5)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("1 (0.50000 0.25000)  2 (...)", "2 1 3 end")."""
        rows = np.asarray(example.inputs)[: 1 + self.capacity]
        points = [f"{place} ({x:.5f} {y:.5f})" for place, (x, y, point, _) in enumerate(rows.tolist()) if point]
        answer = np.asarray(example.targets)[np.asarray(example.weights) > 0].tolist()
        return "  ".join(points), " ".join("end" if place == self.end else str(place) for place in answer)
