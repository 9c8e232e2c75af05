"""Values and gradients of the operations whose gradients are written out, against those that JAX derives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models import kernels, layers


def close(a, b, tolerance=3e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def plain_normalize(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + kernels.EPSILON) * scale + bias


def plain_attend(q, k, v, bias):
    return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5 + bias, axis=-1) @ v


def random(*shapes):
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


def assert_same_values_and_gradients(ours, plain, *args):
    direction = random(plain(*args).shape)[0]

    def pull(f):
        y, back = jax.vjp(f, *args)
        return y, back(direction)

    jax.tree.map(close, pull(ours), pull(plain))


@pytest.mark.parametrize(("width_in", "width_out"), [(3, 8), (8, 3), (4, 4)])
def test_the_gradient_of_a_product_is_the_derived_one(width_in, width_out):
    x, w = random((10, width_in), (width_in, width_out))
    assert_same_values_and_gradients(lambda x, w: kernels.product(x, w, "float32"), jnp.matmul, x, w)


def test_the_gradient_of_normalisation_is_the_derived_one():
    assert_same_values_and_gradients(kernels.normalize, plain_normalize, *random((10, 6), (6,), (6,)))


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_the_gradient_of_attention_is_the_derived_one(slope):
    t = np.arange(5)
    bias = np.where(t <= t[:, None], -slope * (t[:, None] - t), -np.inf).astype(np.float32)
    q, k, v = random((2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 4))
    assert_same_values_and_gradients(
        lambda q, k, v: kernels.attend(q, k, v, bias, "float32"), lambda q, k, v: plain_attend(q, k, v, bias), q, k, v
    )


def test_gradients_in_bfloat16_are_float32_and_near():
    x, w = random((10, 8), (8, 3))
    grads = [jax.grad(lambda x, w, p=p: kernels.product(x, w, p).sum(), (0, 1))(x, w) for p in ("bfloat16", "float32")]
    jax.tree.map(lambda a, b: close(a, b, 0.1), *grads)
    assert {g.dtype for g in grads[0]} == {jnp.dtype("float32")}


@pytest.mark.parametrize("lanes", [None, 2])
@pytest.mark.parametrize(("width_in", "width_out"), [(8, 24), (24, 8), (8, 1), (1, 8)])
def test_a_product_in_bfloat16_and_its_gradients_are_those_of_rounded_factors(width_in, width_out, lanes):
    def rounded(a):
        return a.astype(jnp.bfloat16).astype(jnp.float32)

    def pull(x, w, dy):
        y, back = jax.vjp(lambda x, w: kernels.product(x, w, "bfloat16"), x, w)
        return y, back(dy)

    stack = () if lanes is None else (lanes,)
    x, w, dy = random((*stack, 32, width_in), (*stack, width_in, width_out), (*stack, 32, width_out))
    y, (dx, dw) = jax.jit(pull if lanes is None else jax.vmap(pull))(x, w, dy)
    exact = [np.asarray(rounded(a)) for a in (x, w, dy)]
    close(y, exact[0] @ exact[1])
    close(dx, exact[2] @ np.swapaxes(exact[1], -1, -2))
    close(dw, np.swapaxes(exact[0], -1, -2) @ exact[2])


@pytest.mark.parametrize("rows", [4, layers.ONE_HOT_UP_TO + 1])
def test_a_lookup_gives_rows_of_the_table_and_their_gradients(rows):
    (table,) = random((rows, 3))
    index = jnp.array([0, rows - 1, 2, 2])
    assert_same_values_and_gradients(lambda t: layers.lookup(t, index), lambda t: t[index], table)
