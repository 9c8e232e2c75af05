"""The Delaunay triangulation of random points, by pointing at its triangles (Vinyals et al. 2015, arXiv 1506.03134).

No point lies inside the circle through a triangle's corners (the paper's section 3.2). Departure: corners run from left
to right, and triangles are in the order of their first corners from left to right, then of their second and third ones,
where the paper orders by the place of points in the source, which a model that reads them as a set cannot know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import jax
import jax.numpy as jnp

from fields import pytree, static
from synthetic.plane.geometry import GRID, in_circle, turn
from synthetic.plane.points import Point, PointsTask
from synthetic.task import Example, Judged, register


@register("delaunay")
@pytree
class Delaunay(PointsTask):
    """Say the triangles of the Delaunay triangulation of random points, three points each, from left to right."""

    capacity: int = static(8, low=3, high=12, unit="points", doc="points that an example has room for")

    @property
    def answer_length(self) -> int:
        """Returns room for 2 n - 5 triangles of n points, and the end."""
        return 3 * (2 * self.capacity - 5) + 1

    def answer(self, points: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the corners of all triangles whose circles are empty."""
        rank = jnp.where(present, points[:, 0] * GRID + points[:, 1], GRID**2)
        order = jnp.argsort(rank).astype(jnp.int32)
        points, present = points[order], present[order]
        # All triangles of points from left to right, in order.
        triangles = jnp.asarray(list(combinations(range(self.capacity), 3)), jnp.int32)
        a, b, c = (points[corner] for corner in triangles.T)
        inside = in_circle(a[:, None], b[:, None], c[:, None], points) > 0
        empty = present[triangles].all(-1) & (turn(a, b, c) != 0) & ~(inside & present).any(-1)
        room = self.answer_length // 3
        chosen = triangles[jnp.argsort(~empty, stable=True)[:room]]
        return jnp.pad(order[chosen].reshape(-1), (0, 1)), 3 * empty.sum()

    def solution(self, points: Sequence[Point]) -> list[int]:
        """Returns the corners of all triangles by the distances from their circles' centres, in whole numbers."""
        order = sorted(range(len(points)), key=lambda place: points[place])
        corners: list[int] = []
        for triangle in combinations(order, 3):
            (ax, ay), (bx, by), (cx, cy) = (points[place] for place in triangle)
            # The centre's coordinates are x / twice and y / twice.
            twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
            a, b, c = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
            x = a * (by - cy) + b * (cy - ay) + c * (ay - by)
            y = a * (cx - bx) + b * (ax - cx) + c * (bx - ax)
            radius = (twice * ax - x) ** 2 + (twice * ay - y) ** 2
            if twice and all((twice * px - x) ** 2 + (twice * py - y) ** 2 >= radius for px, py in points):
                corners += triangle
        return corners

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, Judged]:
        """Returns the scores of a decoded answer, whose triangles may be in any order and their corners too.

        coverage: the share of the triangles that are in it. triangles_match: they all are, each once, and no others.
        """
        room = self.answer_length // 3
        indices, count, ended = self.decoded_answer(decoded)
        right, wanted, _ = self.decoded_answer(example.targets)
        listed, sought = (jnp.sort(corners[: 3 * room].reshape(-1, 3), -1) for corners in (indices, right))
        place = jnp.arange(room)
        equal = (listed[:, None] == sought).all(-1) & (place < wanted // 3) & (place < count // 3)[:, None]
        hits = equal.any(0).sum()
        match = ended & (3 * hits == wanted) & (count == wanted)
        return {"coverage": hits / jnp.maximum(wanted // 3, 1), "triangles_match": match}
