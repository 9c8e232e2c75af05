"""The induction head of three scalars: its loss is the closed one, and falls at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.engine import scores
from models import Shapes
from models.feedforward import LinearConfig
from models.induction import InductionConfig, closed_loss
from synthetic.episodes import ClassEpisodes

PAIRS, LABELS = 4, 6


def head(previous, match, read_out):
    """Returns a head with these scalars, for items of as many numbers as there are pairs."""
    config = InductionConfig(gain=10.0)
    made = config.build(Shapes(2 * PAIRS + 1, LABELS, width_in=PAIRS + LABELS), rngs=nnx.Rngs(0))
    for name, value in {"previous": previous, "match": match, "read_out": read_out}.items():
        setattr(made, name, nnx.Param(jnp.float32(value / config.gain)))
    return made


def contexts():
    """Returns a context for each place of the item that is asked: orthonormal items, labels 0 to PAIRS - 1."""
    items = np.pad(np.eye(PAIRS), ((0, 0), (0, LABELS)))
    labels = np.pad(np.eye(PAIRS, LABELS), ((0, 0), (PAIRS, 0)))
    pairs = np.stack([items, labels], 1).reshape(2 * PAIRS, -1)
    rows = [np.concatenate([pairs, items[place : place + 1]]) for place in range(PAIRS)]
    return jnp.asarray(np.stack(rows), jnp.float32)


@pytest.mark.parametrize("scalars", [(0.0, 0.0, 0.0), (0.3, -0.5, 1.0), (4.0, 6.0, 9.0)], ids=str)
def test_the_loss_of_the_head_on_orthonormal_items_is_the_closed_one(scalars):
    logits = head(*scalars)(contexts())[:, -1]
    loss = jax.nn.logsumexp(logits, -1) - logits[jnp.arange(PAIRS), jnp.arange(PAIRS)]
    assert float(loss.mean()) == pytest.approx(float(closed_loss(*scalars, pairs=PAIRS, labels=LABELS)), rel=1e-5)


def test_gradient_descent_on_the_closed_loss_falls_by_little_for_long_and_then_at_once():
    slope = jax.value_and_grad(lambda scalars: closed_loss(*scalars, pairs=8, labels=32))

    def step(scalars, _):
        loss, gradient = slope(scalars)
        return scalars - 0.1 * gradient, loss

    losses = np.asarray(jax.jit(lambda: jax.lax.scan(step, jnp.full(3, 0.1), None, 2000)[1])())
    assert losses[0] == pytest.approx(np.log(32), abs=0.05), "the labels are as likely as any at first"
    assert losses[-1] < 0.1
    early, late = (int((losses < share * losses[0]).argmax()) for share in (0.9, 0.1))
    assert late - early < 0.25 * early, "four fifths of the fall take less than a quarter of the time before them"


@pytest.mark.slow
def test_attention_is_measured_where_a_model_has_it_and_is_zero_where_it_has_none():
    task = ClassEpisodes(pairs=4, dimensions=64, labels=6, copies=1, classes=16, common=2, one_hot=True, attention=True)
    keys = jax.random.split(jax.random.key(0), 8)
    examples = jax.vmap(lambda key: task.sample(key, "new"))(keys)
    shapes = Shapes(9, 6, width_in=70)

    def score(config, scalars=None):
        model = config.build(shapes, rngs=nnx.Rngs(0))
        if scalars:
            model.previous, model.match = (nnx.Param(jnp.float32(value)) for value in scalars)
        every = scores.score(model, task, examples, batch_size=4, decoding="none", key=keys[0])
        return {name: float(every[name]) for name in ("previous", "to_labels", "induction")}

    assert set(score(LinearConfig()).values()) == {0.0}
    sharp = score(InductionConfig(gain=1.0), (20.0, 400.0))
    assert sharp["previous"] == pytest.approx(1, abs=1e-3)
    assert sharp["induction"] > 0.7
    assert sharp["to_labels"] >= sharp["induction"]
