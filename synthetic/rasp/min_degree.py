"""The interpolator of least degree profile: a learner that is not trained (arXiv 2310.16028, section 4).

A function on {-1, 1}^n is a polynomial: a sum of monomials, products of distinct coordinates, with its Fourier
coefficients. Its weight at level k is the sum of squares of those of degree k. Among all functions with given values at
given points, the interpolator has the least weights, compared from the highest level downwards.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_TOLERANCE = 1e-9


class Polynomial(NamedTuple):
    """A multilinear polynomial; the constant is the monomial without coordinates."""

    monomials: np.ndarray  # bool[M, n], true for the coordinates in each product
    coefficients: np.ndarray  # float64[M]

    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns values float32[...] at points [..., n] of -1 and 1."""
        products = jnp.where(self.monomials, jnp.asarray(x, jnp.float32)[..., None, :], 1.0).prod(-1)
        return products @ jnp.asarray(self.coefficients, jnp.float32)

    def at(self, *coordinates: int) -> float:
        """Returns the coefficient of the product of these coordinates."""
        wanted = np.isin(np.arange(self.monomials.shape[1]), coordinates)
        return float(self.coefficients[(self.monomials == wanted).all(1)].sum())


def interpolate(points: np.ndarray, values: np.ndarray) -> Polynomial:
    """Returns the least-degree-profile interpolator of `values` [P] at `points` [P, n] of -1 and 1, without its zeros.

    Its degree d is the least at which the values can be interpolated. Level d does only what no lower level can; of the
    coefficients that do it, those of least norm are taken. The same then holds for d - 1 and the remainder, and so on.
    The cost grows with the number of monomials up to degree d. Raises ValueError if a point has two values.
    """
    points, rest = np.asarray(points, np.float64), np.asarray(values, np.float64)
    monomials, levels = [], []  # per degree: bool[M, n] and the products at the points, [P, M]
    for degree in range(points.shape[1] + 1):
        masks = [np.isin(np.arange(points.shape[1]), chosen) for chosen in combinations(range(points.shape[1]), degree)]
        monomials.append(np.array(masks))
        levels.append(np.where(monomials[-1], points[:, None, :], 1.0).prod(-1))
        if np.abs(_beyond(levels, rest)).max() < _TOLERANCE * max(1.0, np.abs(rest).max()):
            break
    else:
        raise ValueError("two values are given for one point")
    solutions = []
    for degree in reversed(range(len(levels))):
        lower = levels[:degree]
        coefficients = np.linalg.lstsq(_beyond(lower, levels[degree]), _beyond(lower, rest), rcond=_TOLERANCE)[0]
        rest = rest - levels[degree] @ coefficients
        solutions.append(coefficients)
    masks, coefficients = np.concatenate(monomials), np.concatenate(solutions[::-1])
    kept = np.abs(coefficients) > _TOLERANCE
    return Polynomial(masks[kept], coefficients[kept])


def _beyond(levels: list[np.ndarray], vectors: np.ndarray) -> np.ndarray:
    """Returns the part of `vectors`, [P] or [P, M], that is orthogonal to every column of the levels."""
    if not levels:
        return vectors
    left, singular, _ = np.linalg.svd(np.concatenate(levels, 1), full_matrices=False)
    basis = left[:, singular > _TOLERANCE * singular[0]]
    return vectors - basis @ (basis.T @ vectors)
