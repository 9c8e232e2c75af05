"""AND with bits that are fixed in training, and the interpolator that ignores them: known cases and brute force."""

from functools import partial
from itertools import combinations, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from synthetic.rasp.min_degree import interpolate
from synthetic.rasp.parity import And

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
CUBE = np.array(list(product((-1, 1), repeat=3)))


@partial(jit, static_argnums=1)
def draw(task, split):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(0), 512), split)


def weights(polynomial, degree):
    """Fourier weight by level, the highest first."""
    levels = polynomial.monomials.sum(1)
    return [float((polynomial.coefficients[levels == level] ** 2).sum()) for level in range(degree, -1, -1)]


def test_all_points_give_the_fourier_expansion():
    found = interpolate(CUBE, CUBE.prod(1))
    assert (len(found.coefficients), found.at(0, 1, 2)) == (1, pytest.approx(1))
    majority = interpolate(CUBE, np.sign(CUBE.sum(1)))
    assert [majority.at(0), majority.at(1), majority.at(2), majority.at(0, 1, 2)] == pytest.approx([0.5] * 3 + [-0.5])
    assert len(majority.coefficients) == 4
    conjunction = interpolate(CUBE[:, :2], np.where((CUBE[:, :2] == 1).all(1), 1, -1))
    assert [conjunction.at(), conjunction.at(0), conjunction.at(0, 1)] == pytest.approx([-0.5, 0.5, 0.5])


def test_a_constant_is_of_degree_zero():
    found = interpolate(CUBE[:5], np.full(5, 3.0))
    assert found.monomials.tolist() == [[False] * 3]
    assert found.at() == pytest.approx(3)


def test_weight_is_shared_by_coordinates_that_are_equal_in_training():
    """Least norm within a level: x is said by (x1 + x2) / 2 where x1 = x2, and the third does not matter."""
    points = np.array([[-1, -1, 1], [1, 1, 1], [1, 1, -1], [-1, -1, -1]])
    found = interpolate(points, points[:, 0])
    assert [found.at(0), found.at(1), found.at(2)] == pytest.approx([0.5, 0.5, 0])


def test_lower_levels_are_used_before_higher_ones():
    """x1 x2 at three points is 1 degree less: x1 + x2 - 1 where (-1, -1) is not seen."""
    points = np.array([[1, 1], [1, -1], [-1, 1]])
    found = interpolate(points, points.prod(1))
    assert [found.at(), found.at(0), found.at(1), found.at(0, 1)] == pytest.approx([-1, 1, 1, 0])


@pytest.mark.parametrize("seed", range(6))
def test_no_other_interpolator_has_a_lower_profile(seed):
    """All interpolators are one of them plus the null space; the least weight of each level is found numerically."""
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    cube = np.array(list(product((-1, 1), repeat=n)))
    points = cube[rng.permutation(len(cube))[: rng.integers(3, len(cube) - 2)]]
    values = rng.choice([-1.0, 1.0], len(points))
    found = interpolate(points, values)
    np.testing.assert_allclose(found(jnp.asarray(points)), values, atol=1e-5)
    monomials = [c for k in range(n, -1, -1) for c in combinations(range(n), k)]
    design = np.stack([points[:, list(c)].prod(1) for c in monomials], 1).astype(float)
    ours = np.array([found.at(*c) for c in monomials])
    _, singular, right = np.linalg.svd(design)
    free = right[(singular > 1e-9).sum() :]
    degree = np.array([len(c) for c in monomials])

    def weight(change, coefficients, free):
        return ((coefficients + change @ free) ** 2).sum()

    for level in range(n, -1, -1):
        at = degree == level
        # What may still be changed must leave the higher levels as they are.
        least = minimize(weight, np.zeros(len(free)), args=(ours[at], free[:, at]), tol=1e-12).fun
        assert (ours[at] ** 2).sum() == pytest.approx(least, abs=1e-6)
        _, singular, right = np.linalg.svd(free[:, at].T)
        free = right[(singular > 1e-9).sum() :] @ free
        if not len(free):
            break


def test_a_coordinate_that_is_constant_in_training_is_ignored():
    """Lemma 4.1 of the paper, for random functions of two to four other coordinates."""
    rng = np.random.default_rng(0)
    for n in (2, 3, 4):
        points = np.insert(np.array(list(product((-1, 1), repeat=n)))[1:], 1, 1, axis=1)
        found = interpolate(points, rng.choice([-1.0, 1.0], len(points)))
        assert len(found.coefficients)
        assert not found.monomials[:, 1].any()


def test_the_interpolator_refuses_two_values_of_one_point():
    with pytest.raises(ValueError, match="two values are given for one point"):
        interpolate(np.array([[1, -1], [1, -1]]), np.array([1, -1]))


@pytest.mark.parametrize("packing", [True, False])
def test_training_has_a_zero_in_half_of_the_inputs_and_never_among_the_last(packing):
    zero = np.asarray(draw(And(bits=8, fixed=3, packing=packing, context=22), "train").facts["zero"])
    assert abs((zero < 0).mean() - 0.5) < 0.08
    assert set(zero.tolist()) == {-1, 0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("condition", "places", "right"), [("within", range(5), 1), ("varied", range(5, 8), 0), ("uniform", range(8), None)]
)
def test_the_interpolator_errs_where_a_fixed_bit_is_the_only_zero(condition, places, right):
    task, split = And(bits=8, fixed=3).conditions()[condition]
    batch = draw(task, split)
    zero = np.asarray(batch.facts["zero"])
    assert set(zero.tolist()) == {-1, *places}
    said = jax.vmap(task.baselines()["min_degree"])(batch)
    agrees = np.asarray(((said == batch.targets) | (batch.weights == 0)).all(1))
    assert agrees.tolist() == (zero < 5).tolist()
    if right is not None:
        assert agrees[zero >= 0].mean() == right


def test_the_interpolator_of_and_is_a_threshold_on_the_bits_that_vary():
    """1 - 2 (number of zeros among the first 15), as worked out by hand."""
    points = np.ones((16, 20))
    points[np.arange(1, 16), np.arange(15)] = -1
    found = interpolate(points, np.where(np.arange(16) == 0, 1, -1))
    assert found.at() == pytest.approx(-14)
    assert [found.at(i) for i in range(20)] == pytest.approx([1.0] * 15 + [0.0] * 5, abs=1e-9)
    assert weights(found, 1) == pytest.approx([15, 196])
