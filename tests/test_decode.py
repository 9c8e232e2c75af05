"""One position at a time: the cache, and greedy decoding with it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from fields import replace
from models import positions
from models.decode import decode
from models.transformer import TransformerConfig

CONFIG = TransformerConfig(width=16, depth=2, heads=2)
BATCH, LENGTH, LETTERS = 6, 9, 5


def built(position, **given) -> Any:
    shapes = models.Shapes(LENGTH, LETTERS, **(given or {"vocabulary": LETTERS}))
    return replace(CONFIG, position=position).build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))


def step_by_step(model, inputs):
    """Logits at all positions, each from the cache of those before."""
    step, cache, logits = jax.jit(lambda x, t, cache: model.step(x, t, cache)), model.init_cache(BATCH), []
    for t in range(inputs.shape[1]):
        at_t, cache = step(inputs[:, t], jnp.int32(t), cache)
        logits.append(at_t)
    return jnp.stack(logits, axis=1)


@pytest.mark.parametrize("position", positions.SCHEMES)
def test_a_step_with_the_cache_is_the_whole_model_at_that_position(position):
    model, x = built(position), jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, LETTERS)
    np.testing.assert_allclose(step_by_step(model, x), model(x), rtol=1e-5, atol=1e-5)


def test_a_step_with_the_cache_is_the_whole_model_at_that_position_on_vectors():
    model = built("learned", vocabulary=None, width_in=3)
    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, 3))
    np.testing.assert_allclose(step_by_step(model, x), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("position", positions.SCHEMES)
def test_greedy_decoding_is_the_loop_that_runs_the_whole_model_anew(position):
    model, x = built(position), jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, LETTERS)
    starts = jnp.array([0, 2, 3, 5, 7, LENGTH])  # from here on a row reads its own answer; the last row never does
    free = jnp.arange(LENGTH) >= starts[:, None]
    whole, read, said = jax.jit(lambda x: model(x)), np.array(x), None
    for t in range(LENGTH):
        said = np.asarray(whole(jnp.asarray(read)).argmax(-1))
        if t + 1 < LENGTH:
            read[:, t + 1] = np.where(free[:, t], said[:, t], read[:, t + 1])
    assert (read != x).any()
    np.testing.assert_array_equal(jax.jit(lambda x: decode(model, x, free))(x), said)


def test_an_answer_given_amid_the_free_positions_is_read_as_given():
    model, x = built("learned"), jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, LETTERS)
    nothing_free = jnp.zeros((BATCH, LENGTH), bool)
    np.testing.assert_array_equal(decode(model, x, nothing_free), model(x).argmax(-1))
