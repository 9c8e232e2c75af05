"""The convex hull of random points, by pointing at its vertices (Vinyals et al. 2015, arXiv 1506.03134, section 3.1).

Departures: the answer begins at the leftmost vertex, where the paper's begins at the one that is shown first, which a
model that reads points as a set cannot know; the first vertex is not listed again before the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp

from fields import pytree
from synthetic.plane.geometry import GRID, counts, doubled_area, hull_successors, is_simple, leftmost, walk
from synthetic.plane.points import Point, PointsTask
from synthetic.task import Example, Judged, register

# The mean is (8/3)(ln n - 0.116) for n points, its spread the root of about (40/27) ln n: 16 and 3 for 500 points.
_MOST_VERTICES = 40


@register("hull")
@pytree
class Hull(PointsTask):
    """Say the vertices of the convex hull of random points counter-clockwise, beginning with the leftmost."""

    @property
    def answer_length(self) -> int:
        """Returns room for as many vertices as there are points, 40 at most, and the end."""
        return min(self.capacity, _MOST_VERTICES) + 1

    def answer(self, points: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the vertices by their edges, which have all points on one side."""
        return walk(hull_successors(points, present), leftmost(points, present), self.answer_length)

    def solution(self, points: Sequence[Point]) -> list[int]:
        """Returns the vertices by the monotone chain (Andrew 1979)."""
        index = {point: place for place, point in reversed(list(enumerate(points)))}
        rising = sorted(index)
        return [index[point] for point in _chain(rising) + _chain(rising[::-1])]

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, Judged]:
        """Returns the scores of a decoded answer.

        simple: it is a simple polygon of different points. covered: the share of the hull's area that such a polygon
        has. polygon_match: it is the hull, from any vertex and in either direction.
        """
        points, present = self.grid_points(example)
        indices, count, ended = self.decoded_answer(decoded)
        right, vertices, _ = self.decoded_answer(example.targets)
        listed = jnp.arange(indices.shape[0]) < count
        pointed = counts(indices, count, self.capacity)
        known = ended & (~listed | present[indices]).all() & (pointed <= 1).all()
        simple = known & is_simple(points[indices], count)
        area = jnp.maximum(doubled_area(points[right], vertices), 1)
        covered = jnp.where(simple, jnp.abs(doubled_area(points[indices], count)) / area, 0.0)
        match = simple & (pointed == counts(right, vertices, self.capacity)).all()
        return {"simple": simple, "covered": (covered, simple), "polygon_match": match}

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns a learner that says all points by their angle about the middle, as if all were vertices."""

        def all_around(example: Example) -> jax.Array:
            points, present = self.grid_points(example)
            number, first = present.sum(), leftmost(points, present)
            middle = jnp.where(present[:, None], points, 0).sum(0) / number
            x, y = (points - middle).T / GRID
            angles = jnp.arctan2(y, x)
            ahead = (angles - angles[first]) % (2 * jnp.pi)
            ahead = jnp.where(jnp.arange(self.capacity) == first, -1.0, jnp.where(present, ahead, jnp.inf))
            order = jnp.argsort(ahead).astype(jnp.int32)
            answer = jnp.where(jnp.arange(self.capacity) < number, order + 1, self.end)
            answer = jnp.pad(answer, (0, 1), constant_values=self.end)[: self.answer_length]
            return jnp.concatenate([jnp.zeros(1 + self.capacity, jnp.int32), answer])

        return {"all_around": all_around}


def _chain(points: list[Point]) -> list[Point]:
    """Returns the points at which the chain from the first to the last turns left, without the last."""
    chain: list[Point] = []
    for x, y in points:
        while len(chain) > 1:
            (ax, ay), (bx, by) = chain[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            chain.pop()
        chain.append((x, y))
    return chain[:-1]
