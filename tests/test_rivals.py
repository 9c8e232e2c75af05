"""Attention's rivals: that each computes what its paper says, alike over whole sequences and step by step."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.losses import token_losses
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from fields import check, replace
from models import statespace
from models.convolution import convolve
from models.mixers import MIXERS
from models.transformer import TransformerConfig
from models.variables import Frozen, Rates
from tests import plain_rivals
from tests.toys import HalfSpace, Sum

RIVALS = [name for name in MIXERS if name != "attention"]
SMALL = TransformerConfig(width=16, depth=1, heads=2)
BATCH, LENGTH, LETTERS = 3, 9, 5


def build(config: TransformerConfig) -> Any:
    rngs = nnx.Rngs(params=jax.random.key(0))
    return config.build(models.Shapes(LENGTH, LETTERS, LETTERS), rngs=rngs)


@functools.cache
def split(config: TransformerConfig) -> tuple[Any, Any]:
    """A model's graph and its parameters, none left at zero or one, so that each counts."""

    @jax.jit
    def params():
        leaves, structure = jax.tree.flatten(nnx.split(build(config))[1])
        keys = jax.random.split(jax.random.key(9), len(leaves))
        noisy = [x + 0.1 * jax.random.normal(key, x.shape) for x, key in zip(leaves, keys, strict=True)]
        return jax.tree.unflatten(structure, noisy)

    return nnx.split(nnx.eval_shape(lambda: build(config)))[0], params()


@functools.cache
def forward(config: TransformerConfig) -> Any:
    """The whole model as a compiled function of tokens."""
    graph, params = split(config)
    return functools.partial(jax.jit(lambda params, x: nnx.merge(graph, params)(x)), params)


def tokens(time=LENGTH):
    return jax.random.randint(jax.random.key(1), (BATCH, time), 0, LETTERS)


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# What all of them have in common.


@pytest.mark.parametrize("mixer", RIVALS)
def test_a_step_with_the_cache_is_the_whole_model_at_that_position(mixer):
    config = replace(SMALL, mixer=mixer)
    graph, params = split(config)

    @jax.jit
    def by_step(params, x):
        model = nnx.merge(graph, params)
        at = jnp.arange(LENGTH), x.T
        return jax.lax.scan(lambda cache, at: model.step(at[1], at[0], cache)[::-1], model.init_cache(BATCH), at)[1]

    close(jnp.swapaxes(by_step(params, tokens()), 0, 1), forward(config)(tokens()))


@pytest.mark.parametrize("mixer", RIVALS)
def test_no_position_sees_what_comes_after_it_or_how_long_the_sequence_is(mixer):
    """Up to rounding, which a Fourier transform spreads over all positions."""
    model, x = forward(replace(SMALL, mixer=mixer)), tokens()
    changed = x.at[:, 4].set((x[:, 4] + 1) % LETTERS)
    logits, other = model(x), model(changed)
    close(logits[:, :4], other[:, :4])
    close(logits[:, :4], model(x[:, :4]))
    assert (abs(logits[:, 4:] - other[:, 4:]).max(-1) > 1e-4).all()  # each later position does see it


@pytest.mark.parametrize("mixer", RIVALS)
def test_every_parameter_of_every_lane_has_a_finite_gradient(mixer):
    graph, params = split(replace(SMALL, mixer=mixer))

    @jax.jit
    @jax.vmap
    def gradient(scale):
        scaled = jax.tree.map(lambda x: scale * x, params)
        return jax.grad(lambda p: token_losses(nnx.merge(graph, p)(tokens()), tokens()[:, ::-1]).mean())(scaled)

    for path, found in jax.tree.leaves_with_path(gradient(jnp.array([1.0, 0.9]))):
        lanes = np.asarray(found).reshape(2, -1)
        assert np.isfinite(lanes).all(), path
        assert (lanes != 0).any(1).all(), path


@pytest.mark.slow
@pytest.mark.parametrize("mixer", RIVALS)
def test_each_rival_learns_to_repeat_the_token_of_two_positions_ago(mixer):
    config = replace(SMALL, mixer=mixer, mlp_ratio=1)
    graph = nnx.split(nnx.eval_shape(lambda: build(config)))[0]
    optimizer, steps = AdamW(lr=0.02, schedule="linear"), 120

    def loss(params, x):
        return token_losses(nnx.merge(graph, params)(x), jnp.roll(x, 2, axis=1))[:, 2:].mean()

    def step(carry, t):
        params, state = carry
        x = jax.random.randint(jax.random.fold_in(jax.random.key(1), t), (32, LENGTH), 0, LETTERS)
        value, grads = jax.value_and_grad(loss)(params, x)
        params, state, _ = optimizer.update(grads, state, params, t, steps)
        return (params, state), value

    @jax.jit
    def train():
        params = nnx.split(build(config))[1]
        return jax.lax.scan(step, (params, optimizer.init(params)), jnp.arange(steps))[1]

    losses = train()
    assert abs(losses[0] - np.log(LETTERS)) < 1.5
    assert losses[-20:].mean() < 0.3 * np.log(LETTERS)


def weights(layer):
    return jax.tree.map(lambda x: np.asarray(x, np.float64), nnx.to_pure_dict(nnx.state(layer)))


@pytest.mark.parametrize("mixer", RIVALS)
def test_a_plain_numpy_layer_with_the_same_weights_gives_the_same_outputs(mixer):
    layer = nnx.merge(*split(replace(SMALL, mixer=mixer))).blocks[0].mixer
    x = jax.random.normal(jax.random.key(2), (LENGTH, 16))
    ours = jax.jit(lambda x: layer(x, 1))(x)
    close(ours, getattr(plain_rivals, mixer)(weights(layer), np.asarray(x, np.float64)), 3e-5)


# Parts.


def test_both_ways_to_scan_a_selective_model_have_the_same_values_and_gradients():
    shapes = [(7, 2, 4), (7, 2, 4), (7, 2, 3), (7, 2, 3), (3, 4)]
    keys = jax.random.split(jax.random.key(0), len(shapes))
    x, step, write, read, decay = (jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True))
    args = x, jax.nn.softplus(step), write, read, -jnp.exp(decay)

    def pull(scan):
        y, back = jax.vjp(scan, *args)
        return y, back(jnp.cos(y))

    ours = (jax.jit(pull, static_argnums=0)(f) for f in (statespace.scan_in_turn, statespace.scan_by_doubling))
    jax.tree.map(close, *ours)


def test_a_long_convolution_equals_that_of_numpy():
    x, taps = jax.random.normal(jax.random.key(0), (2, 11, 3)), jax.random.normal(jax.random.key(1), (11, 3))
    y = convolve(x.reshape(22, 3), taps).reshape(2, 11, 3)
    for b in range(2):
        for d in range(3):
            close(y[b, :, d], np.convolve(x[b, :, d], taps[:, d])[:11])


def test_weight_decay_leaves_rates_alone():
    params = {"rates": Rates(jnp.ones((2, 2))), "matrix": nnx.Param(jnp.ones((2, 2))), "gain": nnx.Param(jnp.ones(2))}
    optimizer = AdamW(schedule="constant", lr=0.1, weight_decay=0.5)
    no_gradient = jax.tree.map(jnp.zeros_like, params)
    new, _, _ = optimizer.update(no_gradient, optimizer.init(params), params, jnp.int32(0), 10)
    means = {name: float(jnp.mean(p[...])) for name, p in new.items()}
    assert means == pytest.approx({"rates": 1.0, "matrix": 0.95, "gain": 1.0})


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"mixer": "lstm", "position": "rope"}, "model.position: rope is a part of attention, got model.mixer = lstm"),
        ({"mixer": "retnet", "position": "alibi"}, "model.position: alibi is a part of attention, got model.mixer"),
        ({"mixer": "retnet", "heads": 5}, "model.heads: must divide model.width = 64, got 5"),
        ({"mixer": "retnet", "width": 12}, "model.mixer: retnet needs an even width per head, got"),
        ({"mixer": "rnn"}, "model.mixer: expected one of attention, lstm, gru, s4d, retnet, hyena, mamba, got 'rnn'"),
    ],
)
def test_a_rival_that_cannot_be_built_is_refused_in_one_line(values, error):
    config, errors = check(values, TransformerConfig, "model")
    assert config is None
    assert len(errors) == 1
    assert errors[0].startswith(error)


@pytest.mark.parametrize("mixer", ["lstm", "mamba"])
def test_heads_that_a_rival_does_not_have_need_not_divide_its_width(mixer):
    assert check({"mixer": mixer, "heads": 5}, TransformerConfig, "model")[1] == []


# Frozen blocks.


@pytest.mark.parametrize(("mixer", "task"), [("attention", Sum(letters=8)), ("mamba", HalfSpace(width=3, points=3))])
def test_frozen_blocks_keep_their_weights_to_the_bit_and_all_else_learns(mixer, task):
    model = replace(SMALL, mixer=mixer, depth=2, frozen=True)
    optimizer = AdamW(lr=0.01, weight_decay=0.5, clip=1.0)
    engine = Engine([Run(task, model, optimizer, Training(steps=5, batch_size=8, eval_examples=8), seed=1)])
    before = engine.fetch(engine.start()).params
    after = engine.fetch(engine.advance(engine.start(), 5)).params
    same = {
        jax.tree_util.keystr(path): bool((a == b).all())
        for (path, a), b in zip(jax.tree.leaves_with_path(before), jax.tree.leaves(after), strict=True)
    }
    kept = {path for path in same if "['mixer']" in path or "['mlp']" in path}
    assert {path for path in same if same[path]} == kept
    assert len(kept) >= 2 * (4 + 4)
    assert len(same) - len(kept) >= 2 * 4 + 4  # norms in and after the blocks, read-in, positions, read-out


def test_frozen_blocks_start_as_others_do_and_cost_less_to_train():
    def cost(config):
        graph, params = split(config)
        gradient = jax.jit(jax.grad(lambda params: token_losses(nnx.merge(graph, params)(tokens()), tokens()).mean()))
        found: Any = gradient.lower(params).compile().cost_analysis()
        return found["flops"]

    config = replace(SMALL, frozen=True)
    np.testing.assert_array_equal(forward(SMALL)(tokens()), forward(config)(tokens()))
    assert len(jax.tree.leaves(nnx.state(nnx.merge(*split(config)), Frozen))) == 8
    assert cost(config) < 0.8 * cost(SMALL)
