"""The shortest tour of random points, by pointing at them (Vinyals et al. 2015, arXiv 1506.03134, section 3.3).

Tours are exact (Held and Karp 1962), so points are few. Departures: a tour begins at the leftmost point and runs
counter-clockwise, so that the answer is unique; the first point is not said again before the end. Two tours whose
lengths are equal in float32 may be taken for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import dist
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fields import pytree, static
from synthetic.plane.geometry import GRID, counts, doubled_area, leftmost
from synthetic.plane.points import Point, PointsTask
from synthetic.task import Example, Judged, register


@register("tour")
@pytree
class Tour(PointsTask):
    """Say random points in the order of the shortest tour, counter-clockwise, beginning with the leftmost."""

    capacity: int = static(8, low=3, high=10, unit="points", doc="points that an example has room for")

    @property
    def answer_length(self) -> int:
        """Returns room for all points, and the end."""
        return self.capacity + 1

    def answer(self, points: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the shortest tour from the leftmost point."""
        number, place = present.sum(), jnp.arange(self.capacity)
        tour = shortest(_distances(points), number)
        start = jnp.argmax(tour == leftmost(points, present))
        way = jnp.where(doubled_area(points[tour], number) < 0, -1, 1)
        tour = tour[(start + way * place) % number]
        return jnp.pad(tour, (0, 1)), number

    def solution(self, points: Sequence[Point]) -> list[int]:
        """Returns the shortest tour by a dictionary of the best ways through each set of points."""
        others = range(1, len(points))
        best = {(frozenset([j]), j): (dist(points[0], points[j]), [0, j]) for j in others}
        for size in range(2, len(points)):
            for chosen in map(frozenset, combinations(others, size)):
                for j in chosen:
                    ways = (best[chosen - {j}, i] for i in chosen - {j})
                    best[chosen, j] = min(
                        (so_far + dist(points[way[-1]], points[j]), [*way, j]) for so_far, way in ways
                    )
        tour = min(
            (best[frozenset(others), j][0] + dist(points[j], points[0]), best[frozenset(others), j]) for j in others
        )
        return _canonical(points, tour[1][1])

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, Judged]:
        """Returns the scores of a decoded answer.

        tour: it has every point once. shortness: the length of the shortest tour over that of the answer, of such
        answers. tour_match: it is the shortest tour, from any point and in either direction.
        """
        points, present = self.grid_points(example)
        distances = _distances(points)
        indices, count, ended = self.decoded_answer(decoded)
        right, number, _ = self.decoded_answer(example.targets)
        whole = ended & (counts(indices, count, self.capacity) == present).all()
        shortness = jnp.where(whole, _length(distances, right, number) / _length(distances, indices, count), 0.0)
        links = (_links(answer, number, self.capacity) for answer in (indices, right))
        return {"tour": whole, "shortness": (shortness, whole), "tour_match": whole & jnp.equal(*links).all()}


def shortest(distances: jax.Array, number: jax.Array) -> jax.Array:
    """Returns the shortest tour of the first `number` points from point 0, int32[N]; later entries are 0.

    It follows Held and Karp 1962. Each round settles, for all sets of one point more, the shortest way from point 0
    through the set to each of its points. A set is the bits of an index.
    """
    others = distances.shape[0] - 1
    sets, last = np.arange(2**others)[:, None], np.arange(others)
    within = (sets >> last) & 1 == 1
    without = jnp.asarray(np.where(within, sets & ~(1 << last), 0))
    between, outward = distances[1:, 1:], distances[0, 1:]

    def settle(_: Any, lengths: jax.Array) -> jax.Array:
        longer = (lengths[without] + between.T).min(-1)
        return jnp.where(within & (without > 0), longer, lengths)

    first = jnp.where(within & (without == 0), outward, jnp.inf)
    lengths = jax.lax.fori_loop(0, others - 1, settle, first)

    def back(carry: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        chosen, onward = carry
        end = jnp.argmin(lengths[chosen] + onward).astype(jnp.int32)
        return (without[chosen, end], between[end]), jnp.where(chosen > 0, end + 1, 0)

    every = (1 << (number - 1)) - 1
    backward = jax.lax.scan(back, (every, outward), None, length=others)[1]
    return jnp.concatenate([jnp.zeros(1, jnp.int32), backward])


def _distances(points: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.square((points[:, None] - points[None]) / GRID).sum(-1))


def _length(distances: jax.Array, tour: jax.Array, count: jax.Array) -> jax.Array:
    """Returns the length of the tour of the first `count` indices."""
    place = jnp.arange(tour.shape[0])
    ahead = tour[jnp.where(place + 1 < count, place + 1, 0)]
    return jnp.where(place < count, distances[tour, ahead], 0.0).sum()


def _links(tour: jax.Array, count: jax.Array, size: int) -> jax.Array:
    """Returns which points follow one another in a tour, in either direction, bool[size, size]."""
    place = jnp.arange(tour.shape[0])
    ahead = tour[jnp.where(place + 1 < count, place + 1, 0)]
    links = jnp.zeros((size, size), bool).at[jnp.where(place < count, tour, size), ahead].set(True, mode="drop")
    return links | links.T


def _canonical(points: Sequence[Point], tour: list[int]) -> list[int]:
    """Returns a tour from its leftmost point on, counter-clockwise."""
    area = sum(
        points[i][0] * points[j][1] - points[i][1] * points[j][0]
        for i, j in zip(tour, [*tour[1:], tour[0]], strict=True)
    )
    tour = tour[::-1] if area < 0 else tour
    start = tour.index(min(tour, key=lambda place: points[place]))
    return tour[start:] + tour[:start]
