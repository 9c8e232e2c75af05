"""The keyed permutation is one-to-one on every space, whatever the key, and has no favourites."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from synthetic.permutation import digits, permute

SPACES = [([2], [2]), ([1], [5]), ([3, 2], [4]), ([2, 5, 1], [3, 3]), ([7], [2, 2, 2, 2])]


def _space(radices):
    """Every pair of digit vectors: int32[size, m] and int32[size, n]."""
    every = np.array(list(itertools.product(*(range(r) for r in radices[0] + radices[1]))), np.int32)
    return every[:, : len(radices[0])], every[:, len(radices[0]) :]


@pytest.mark.parametrize("radices", SPACES, ids=str)
def test_every_key_permutes_the_whole_space(radices):
    left, right = _space(radices)
    over_space = jax.vmap(lambda key, a, b: permute(key, a, b, radices), (None, 0, 0))
    over_keys = jax.jit(jax.vmap(over_space, (0, None, None)))
    moved = np.concatenate(over_keys(jax.random.split(jax.random.key(1), 50), left, right), -1)
    whole = {tuple(row) for row in np.concatenate([left, right], -1).tolist()}
    for image in moved.tolist():
        assert {tuple(row) for row in image} == whole
    assert len({image.tobytes() for image in moved}) > min(40, len(whole) - 1)


def test_an_item_goes_everywhere_equally_often_over_keys():
    radices = ([3, 2], [4])
    keys = jax.random.split(jax.random.key(2), 6000)
    a, b = jnp.array([2, 0]), jnp.array([1])
    left, right = jax.jit(jax.vmap(lambda key: permute(key, a, b, radices)))(keys)
    place = np.asarray(left[:, 0] + 3 * left[:, 1] + 6 * right[:, 0])
    assert chisquare(np.bincount(place, minlength=24)).pvalue > 0.001


def test_a_permutation_sends_neighbouring_indices_far_apart():
    radices = ([26] * 20, [26] * 20)

    @jax.jit
    @jax.vmap
    def item(index):
        number = digits(index, radices[0] + radices[1])
        return jnp.concatenate(permute(jax.random.key(0), number[:20], number[20:], radices))

    items = np.asarray(item(jnp.arange(1000)))
    equal_letters = (items[1:] == items[:-1]).mean()
    assert abs(equal_letters - 1 / 26) < 0.005
    assert chisquare(np.bincount(items.reshape(-1), minlength=26)).pvalue > 0.001


@settings(max_examples=20)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_digits_write_each_index_once(radices):
    size = min(int(np.prod(radices)), 500)
    index = np.arange(size, dtype=np.int32)
    rows = np.asarray(digits(jnp.asarray(index), radices)).T
    assert (rows < radices).all()
    places = np.concatenate([[1], np.cumprod(radices)[:-1]])
    assert (rows @ places == index).all()


def test_digits_beyond_int32_are_zero():
    rows = np.asarray(digits(jnp.int32(2**31 - 1), [1000] * 8))
    assert rows.tolist() == [647, 483, 147, 2, 0, 0, 0, 0]
