"""Tours and triangulations: against all permutations, against SciPy, and exact where floats are not."""

from __future__ import annotations

from itertools import permutations
from math import dist

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import spatial

from synthetic import contract
from synthetic.plane.delaunay import Delaunay
from synthetic.plane.geometry import GRID, in_circle
from synthetic.plane.tour import Tour

TOUR, TRIANGLES = Tour(capacity=7), Delaunay(capacity=8)


def examples(task, number=32):
    return list(contract._each(contract._sample_batch(task, "train")))[:number]


def answer(example) -> list[int]:
    return (example.targets[example.weights > 0][:-1] - 1).tolist()


def points_of(task, example) -> np.ndarray:
    rows = example.inputs[1 : 1 + task.capacity]
    return np.round(rows[rows[:, 2] > 0][:, :2] * GRID).astype(int)


def length(points, tour) -> float:
    return sum(dist(points[i], points[j]) for i, j in zip(tour, [*tour[1:], tour[0]], strict=True))


def judged(task, example, places):
    decoded = np.zeros_like(example.targets)
    decoded[1 + task.capacity :][: len(places)] = np.array(places) + 1
    return {name: np.asarray(score).tolist() for name, score in jax.jit(task.judge)(example, decoded).items()}


def test_no_permutation_of_the_points_is_a_shorter_tour():
    for example in examples(TOUR):
        points, tour = points_of(TOUR, example), answer(example)
        shortest = min(length(points, (0, *rest)) for rest in permutations(range(1, len(points))))
        assert sorted(tour) == list(range(len(points)))
        assert length(points, tour) == pytest.approx(shortest, rel=1e-6)
        (x, y), (ahead_x, ahead_y) = points[tour].T, points[np.roll(tour, -1)].T
        assert (x * ahead_y - y * ahead_x).sum() > 0
        assert tour[0] == np.lexsort(points.T[::-1])[0]


def test_a_tour_is_judged_by_its_points_and_its_length():
    example = max(examples(TOUR), key=lambda one: one.facts["points"])
    points, tour = points_of(TOUR, example), answer(example)
    assert judged(TOUR, example, tour[2::-1] + tour[:2:-1]) == {
        "tour": True,
        "shortness": [1, True],
        "tour_match": True,
    }
    other = [tour[1], tour[0], *tour[2:]]
    scores = judged(TOUR, example, other)
    assert scores["tour"] is True
    assert scores["tour_match"] is False
    assert scores["shortness"][0] == pytest.approx(length(points, tour) / length(points, other), rel=1e-5)
    for wrong in (tour[:-1], [*tour[:-1], tour[0]], [*tour, tour[0]]):
        assert judged(TOUR, example, wrong) == {"tour": False, "shortness": [0, False], "tour_match": False}


def test_the_triangles_are_those_of_scipy():
    for example in examples(TRIANGLES):
        points, corners = points_of(TRIANGLES, example), answer(example)
        triangles = np.reshape(corners, (-1, 3))
        right = {frozenset(simplex) for simplex in spatial.Delaunay(points).simplices.tolist()}
        assert {frozenset(triangle) for triangle in triangles.tolist()} == right
        assert len(triangles) == len(right)
        assert (np.diff(points[triangles][..., 0], axis=1) >= 0).all()


def test_triangles_are_judged_in_any_order_and_each_counts_once():
    example = examples(TRIANGLES)[0]
    triangles = [answer(example)[n : n + 3] for n in range(0, len(answer(example)), 3)]
    turned = [place for triangle in triangles[::-1] for place in triangle[::-1]]
    assert judged(TRIANGLES, example, turned) == {"coverage": 1, "triangles_match": True}
    twice = [*triangles[0], *triangles[0], *np.concatenate(triangles[2:]).tolist()]
    scores = judged(TRIANGLES, example, twice)
    assert scores["coverage"] == pytest.approx(1 - 1 / len(triangles))
    assert scores["triangles_match"] is False


@pytest.mark.parametrize("top", [4, GRID], ids=["few places, so that circles meet points", "the whole grid"])
def test_a_point_is_inside_a_circle_if_whole_numbers_say_so(top):
    a, b, c, d = points = np.random.default_rng(0).integers(top, size=(4, 4000, 2))
    points[:, :100] = np.random.default_rng(1).choice([0, top - 1], (4, 100, 2))
    signs = jax.jit(in_circle)(*map(jnp.asarray, points))
    for sign, *corners in zip(signs.tolist(), a.tolist(), b.tolist(), c.tolist(), d.tolist(), strict=True):
        assert sign == plainly(*corners), corners


def plainly(a, b, c, d) -> int:
    rows = [[x - d[0], y - d[1], (x - d[0]) ** 2 + (y - d[1]) ** 2] for x, y in (a, b, c)]
    (p, q, r), (s, t, u), (v, w, x) = rows
    determinant = p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v)
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return int(np.sign(determinant)) * int(np.sign(turn))
