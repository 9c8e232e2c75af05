"""Convex hulls: their vertices and area against SciPy's and a second program, simple polygons, scores of answers."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from synthetic import contract
from synthetic.plane.geometry import GRID, doubled_area, hull_successors, is_simple, leftmost, walk
from synthetic.plane.hull import Hull

TASK = Hull(capacity=8, test_every=8, min_points=4, max_points=8)
judge = jax.jit(TASK.judge)
CORNERS = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]])


def points_of(example) -> np.ndarray:
    rows = example.inputs[1 : 1 + TASK.capacity]
    return np.round(rows[rows[:, 2] > 0][:, :2] * GRID).astype(int)


def answered(example, *places) -> jax.Array:
    """The example's targets with another answer, and its end."""
    decoded = np.zeros_like(example.targets)
    decoded[1 + TASK.capacity :][: len(places)] = places
    return jnp.asarray(decoded)


def judged(example, *places) -> dict[str, float]:
    scores = judge(example, answered(example, *places))
    covered, counts = scores["covered"]
    assert bool(counts) == bool(scores["simple"])
    return {"simple": float(scores["simple"]), "covered": float(covered), "match": float(scores["polygon_match"])}


@pytest.fixture(scope="module")
def examples():
    return list(contract._each(contract._sample_batch(TASK, "train")))


@pytest.fixture(scope="module")
def square(examples):
    """An example of a square's corners and its middle."""
    rows = np.zeros((TASK.capacity, 4), np.float32)
    rows[: len(CORNERS)] = np.concatenate([CORNERS / GRID, np.tile([1.0, 0.0], (len(CORNERS), 1))], 1)
    example = examples[0]
    inputs = example.inputs.copy()
    inputs[1 : 1 + TASK.capacity] = rows
    return example._replace(inputs=inputs, targets=np.asarray(answered(example, 1, 2, 3, 4)))


def test_a_hulls_vertices_and_area_are_those_of_scipy(examples):
    area = jax.jit(doubled_area)
    for example in examples[:64]:
        points, hull = points_of(example), ConvexHull(points_of(example))
        places = example.targets[example.weights > 0][:-1] - 1
        first = list(hull.vertices).index(places[0])
        assert places.tolist() == np.roll(hull.vertices, -first).tolist()  # both run counter-clockwise
        assert points[places[0], 0] == points[:, 0].min()
        room = np.zeros((TASK.capacity, 2), int)
        room[: len(places)] = points[places]
        assert int(area(jnp.asarray(room), len(places))) == round(2 * hull.volume)


def test_points_on_a_side_and_equal_points_leave_the_hull_unique():
    @jax.jit
    def vertices(points):
        present = jnp.ones(len(points), bool)
        return walk(hull_successors(points, present), leftmost(points, present), 8)

    tried = 0
    for points in np.random.default_rng(0).integers(4, size=(300, 7, 2)):
        right = TASK.solution([tuple(point) for point in points.tolist()])
        if len(right) < 3:
            continue
        indices, count = vertices(jnp.asarray(points))
        assert indices[:count].tolist() == right
        tried += 1
    assert tried > 200


def meets(p, q, r, s) -> bool:
    """Whether two closed segments meet, by solving for the place where, in fractions."""
    (ax, ay), (bx, by) = (q[0] - p[0], q[1] - p[1]), (s[0] - r[0], s[1] - r[1])
    cx, cy, across = r[0] - p[0], r[1] - p[1], ax * by - ay * bx
    if across:
        along, other = Fraction(cx * by - cy * bx, across), Fraction(cx * ay - cy * ax, across)
        return 0 <= along <= 1 and 0 <= other <= 1
    return any(on(x, *side) for x, side in ((p, (r, s)), (q, (r, s)), (r, (p, q)), (s, (p, q))))


def on(x, p, q) -> bool:
    """Whether a point is on a closed segment: its distances to the ends add up, in the one coordinate that counts."""
    if (q[0] - p[0]) * (x[1] - p[1]) != (q[1] - p[1]) * (x[0] - p[0]):
        return False
    return all(min(a, b) <= c <= max(a, b) for a, b, c in zip(p, q, x, strict=True))


def plainly_simple(polygon) -> bool:
    sides = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    if len(polygon) < 3 or any(p == q for p, q in sides):
        return False
    for (i, a), (j, b) in combinations(enumerate(sides), 2):
        if j == i + 1 or (i == 0 and j == len(sides) - 1):
            shared, (start, end) = (a[1], (a[0], b[1])) if j == i + 1 else (a[0], (b[0], a[1]))
            if len(polygon) == 3:
                continue
            if on(start, shared, end) or on(end, shared, start):
                return False
        elif meets(*a, *b):
            return False
    return len(polygon) > 3 or (not on(polygon[0], polygon[1], polygon[2]) and doubled(polygon) != 0)


def doubled(polygon) -> int:
    return sum(p[0] * q[1] - p[1] * q[0] for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True))


def test_a_polygon_is_simple_if_fractions_say_so():
    check = jax.jit(is_simple)
    rng, outcomes = np.random.default_rng(1), []
    for _ in range(600):
        count = int(rng.integers(2, 7))
        polygon = rng.integers(5, size=(6, 2))
        simple = plainly_simple([tuple(point) for point in polygon[:count].tolist()])
        assert bool(check(jnp.asarray(polygon), count)) == simple, polygon[:count].tolist()
        outcomes.append(simple)
    assert 0.1 < np.mean(outcomes) < 0.9


def test_a_hull_from_another_vertex_or_clockwise_is_the_same_polygon(square):
    whole = {"simple": 1, "covered": 1, "match": 1}
    assert judged(square, 1, 2, 3, 4) == judged(square, 3, 4, 1, 2) == judged(square, 4, 3, 2, 1) == whole


def test_a_polygon_without_one_vertex_covers_less(square):
    assert judged(square, 1, 2, 3) == {"simple": 1, "covered": 0.5, "match": 0}
    assert judged(square, 1, 2, 3, 5, 4) == {"simple": 1, "covered": 0.75, "match": 0}


@pytest.mark.parametrize(
    "places",
    [(1, 3, 2, 4), (1, 2), (1, 2, 3, 1), (1, 2, 7), (1, 3, 5), (1, 2, 3, 4, 5, 1, 2, 3, 4)],
    ids=["crossing", "two points", "a point twice", "padding", "on one line", "no end"],
)
def test_what_is_no_simple_polygon_covers_nothing(square, places):
    assert judged(square, *places) == {"simple": 0, "covered": 0, "match": 0}


def test_all_points_around_the_middle_are_the_hull_where_none_is_inside(examples):
    learner = jax.jit(TASK.baselines()["all_around"])
    for example in examples[:64]:
        said, inside = learner(example), example.facts["points"] > example.facts["answers"]
        right = (said == example.targets)[example.weights > 0].all()
        assert bool(right) is not bool(inside)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"min_points": 9}, "min_points"),
        ({"max_points": 17}, "max_points"),
        ({"test_every": 17}, "test_every"),
    ],
)
def test_numbers_of_points_that_contradict_one_another_are_refused(fields, key):
    assert [name for name, _ in Hull(**fields).problems()] == [key]
