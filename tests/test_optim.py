"""Optimisers: each equals optax's own loop, projection and normalisation do what they say, and one is chosen whole."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from experiments.engine import config
from experiments.engine.rules import SGD, Adam, AdamW, Lion, Muon, inner_matrices, registry
from experiments.errors import ConfigError
from fields import replace
from models.variables import Frozen, Rates
from tests.commands import TINY

STEPS = 20
PARAMS = {
    "inner": nnx.Param(jax.random.normal(jax.random.key(0), (3, 4))),
    "read_out": nnx.Param(jnp.arange(8.0).reshape(4, 2) / 5 - 0.3),
    "rates": Rates(jnp.arange(4.0).reshape(2, 2) / 3 + 0.2),
    "bias": nnx.Param(jnp.array([-1.0, 0.3, 0.7])),
}
MATRICES = {"inner": True, "read_out": True, "rates": False, "bias": False}


def decays(rate):
    return optax.add_decayed_weights(rate, mask=MATRICES)


# Ours, and optax's own of the same numbers.
PAIRS = {
    "adamw": (
        AdamW(lr=0.1, weight_decay=0.3, b1=0.8, b2=0.95, eps=1e-6, schedule="constant", clip=0.0),
        lambda o: optax.adamw(o.lr, o.b1, o.b2, o.eps, weight_decay=o.weight_decay, mask=MATRICES),
    ),
    "adam": (
        Adam(lr=0.1, weight_decay=0.3, b1=0.7),
        lambda o: optax.chain(decays(o.weight_decay), optax.adam(o.lr, o.b1, o.b2, o.eps)),
    ),
    "sgd": (SGD(lr=0.1), lambda o: optax.sgd(o.lr)),
    "sgd, momentum": (SGD(lr=0.1, momentum=0.9), lambda o: optax.sgd(o.lr, momentum=o.momentum)),
    "sgd, nesterov": (
        SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
        lambda o: optax.chain(decays(o.weight_decay), optax.sgd(o.lr, momentum=o.momentum, nesterov=True)),
    ),
    "lion": (
        Lion(lr=0.01, weight_decay=0.3, b1=0.8),
        lambda o: optax.lion(o.lr, o.b1, o.b2, weight_decay=o.weight_decay, mask=MATRICES),
    ),
    "muon": (
        Muon(lr=0.1, momentum=0.9, adam_share=0.5, b1=0.8),
        lambda o: optax.contrib.muon(
            o.lr,
            beta=o.momentum,
            adam_learning_rate=o.lr * o.adam_share,
            eps=o.eps,
            adam_b1=o.b1,
            adam_b2=o.b2,
            muon_weight_dimension_numbers=inner_matrices,
        ),
    ),
}


def gradient(params, step):
    return jax.tree.map(lambda p: jnp.sin(3 * p + step), params)


@pytest.mark.parametrize("name", PAIRS)
def test_an_optimiser_equals_optaxs_own_loop_to_the_bit(name):
    """Operation by operation: compiled whole, a product and a sum may become one operation in either loop."""
    optimizer, rule = PAIRS[name]
    optimizer = jax.tree.map(jnp.float32, optimizer)
    theirs = rule(optimizer)
    params, state = PARAMS, optimizer.init(PARAMS)
    others, other_state = PARAMS, theirs.init(PARAMS)
    for step in range(STEPS):
        params, state, _ = optimizer.update(gradient(params, step), state, params, jnp.int32(step), STEPS)
        updates, other_state = theirs.update(gradient(others, step), other_state, others)
        others = optax.apply_updates(others, updates)
        jax.tree.map(np.testing.assert_array_equal, params, others)


def test_clipping_limits_the_gradients_norm_as_optaxs_does():
    grads = gradient(PARAMS, 0)
    clipped, free = (
        SGD(lr=1.0, clip=clip).update(grads, SGD().init(PARAMS), PARAMS, jnp.int32(0), 10)[0] for clip in (0.5, 0.0)
    )
    theirs, _ = optax.clip_by_global_norm(0.5).update(grads, optax.EmptyState())
    moved = jax.tree.map(jnp.subtract, PARAMS, clipped)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), moved, theirs)
    assert optax.tree.norm(jax.tree.map(jnp.subtract, PARAMS, free)) > 0.5


def test_another_value_of_a_knob_compiles_no_optimiser_anew():
    for cls in registry().values():
        traces = []

        @jax.jit
        def step(optimizer, traces=traces):
            traces.append(1)
            return optimizer.update(PARAMS, optimizer.init(PARAMS), PARAMS, jnp.int32(0), 10)[0]

        first, second = (step(jax.tree.map(jnp.float32, cls(lr=lr, weight_decay=lr))) for lr in (0.1, 0.2))
        assert len(traces) == 1, cls
        assert (first["bias"][...] != second["bias"][...]).all(), cls


@pytest.mark.parametrize("name", registry())
def test_frozen_parameters_keep_their_bits_under_each_optimiser(name):
    params = PARAMS | {"frozen": Frozen(jnp.arange(6.0).reshape(2, 3))}
    optimizer = registry()[name](weight_decay=0.5, project="perpendicular", normalise="tensor", scale=100.0)
    still = jax.tree.map(jnp.sin, params) | {"frozen": Frozen(jnp.zeros((2, 3)))}
    new, _, _ = optimizer.update(still, optimizer.init(params), params, jnp.int32(0), 10)
    np.testing.assert_array_equal(new["frozen"][...], params["frozen"][...])
    assert all((new[name][...] != params[name][...]).any() for name in PARAMS)


def test_a_projected_step_is_perpendicular_to_the_weights_and_as_long_as_it_would_be():
    grads, step = gradient(PARAMS, 0), (jnp.int32(0), 10)
    plain, projected = (
        SGD(lr=1.0, project=project).update(grads, SGD().init(PARAMS), PARAMS, *step)[0]
        for project in ("none", "perpendicular")
    )
    for name, weights in PARAMS.items():
        before, free, across = (np.asarray(p[name][...], np.float64) for p in (PARAMS, plain, projected))
        moved = across - before
        assert abs((moved * before).sum()) < 1e-5
        assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(free - before), rel=1e-5)
        left = (free - before) - before * ((free - before) * before).sum() / (before**2).sum()
        cosine = (left * moved).sum() / np.linalg.norm(left) / np.linalg.norm(moved)
        assert cosine == pytest.approx(1, abs=1e-6), weights


def test_projection_leaves_nothing_of_a_gradient_along_the_weights():
    params = {"w": jnp.array([3.0, -4.0]), "number": jnp.array([2.0]), "tiny": jnp.array([1.0, 1.0])}
    grads = {"w": 0.3 * params["w"], "number": jnp.array([1.0]), "tiny": jnp.array([1e-30, 0.0])}
    new, _, _ = SGD(lr=1.0, project="perpendicular").update(grads, SGD().init(params), params, jnp.int32(0), 10)
    np.testing.assert_array_equal(new["w"], params["w"])
    np.testing.assert_array_equal(new["number"], params["number"])
    assert jnp.isfinite(new["tiny"]).all(), "squares of such gradients underflow"


def test_a_normalised_gradient_has_norm_one_whole_or_by_tensor():
    grads = gradient(PARAMS, 0)

    def moved(normalise):
        new, _, _ = SGD(lr=1.0, normalise=normalise).update(grads, SGD().init(PARAMS), PARAMS, jnp.int32(0), 10)
        return jax.tree.map(lambda a, b: a - b, new, PARAMS)

    assert optax.tree.norm(moved("global")) == pytest.approx(1, rel=1e-5)
    for tensor in jax.tree.leaves(moved("tensor")):
        assert jnp.linalg.norm(tensor) == pytest.approx(1, rel=1e-5)


def test_a_scale_keeps_adam_from_losing_the_squares_of_small_gradients():
    """At 1e-21 the square is 0 in float32, so that a step is the running mean over epsilon."""
    params = {"w": jnp.zeros(2)}
    grads = {"w": jnp.array([1e-21, -3e-21])}

    def first_step(**scale):
        adam = Adam(lr=1.0, eps=1e-25, **scale)
        return adam.update(grads, adam.init(params), params, jnp.int32(0), 10)[0]["w"]

    assert jnp.abs(first_step()).min() > 1000
    np.testing.assert_allclose(first_step(scale=1e10), [-1, 1], rtol=1e-4)


def test_muon_moves_inner_matrices_by_orthogonal_steps_and_all_else_by_adam():
    muon, adam = Muon(lr=1.0), Adam(lr=1.0)
    grads = gradient(PARAMS, 0)
    new, _, _ = muon.update(grads, muon.init(PARAMS), PARAMS, jnp.int32(0), 10)
    step = new["inner"][...] - PARAMS["inner"][...]
    values = np.linalg.svd(step / (4 / 3) ** 0.5, compute_uv=False)
    assert ((values > 0.5) & (values < 1.5)).all()
    others, _, _ = adam.update(grads, adam.init(PARAMS), PARAMS, jnp.int32(0), 10)
    for name in ("read_out", "rates", "bias"):
        step = jnp.abs(new[name][...] - PARAMS[name][...]).max()
        assert 0.05 < step < 0.15, "Adam's first step has the size of its rate"
        ours, adams = (jnp.sign(p[name][...] - PARAMS[name][...]) for p in (new, others))
        np.testing.assert_array_equal(ours, adams)


def test_choosing_an_optimiser_brings_its_own_values_and_none_of_anothers():
    jobs = config.jobs([[*TINY, f"optim={name}"] for name in registry()])
    for name, job in zip(registry(), jobs, strict=True):
        assert job.run.optim == registry()[name]()
        assert job.config["optim"]["rule"] == name
    adam, adamw = (config.jobs([[*TINY, f"optim={name}"]])[0].run.optim for name in ("adam", "adamw"))
    assert (adam.weight_decay, adam.clip, adam.schedule) == (0, 0, "constant")
    assert (adamw.weight_decay, adamw.clip, adamw.schedule) == (0.1, 1, "cosine")


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["optim.rule=adam"], "optim.rule: adam would get the values of adamw; choose optim=adam, in a settings file "),
        (["optim.rule=rmsprop"], "optim.rule: unknown optim 'rmsprop'; allowed: adam, adamw, lbfgs, lion, muon, sgd"),
        (["optim=adam", "optim.momentum=0.9"], "optim.momentum: unknown key; allowed: schedule, lr, weight_decay"),
        (["optim=sgd", "optim.b2=0.9"], "optim.b2: unknown key; allowed: schedule, lr, weight_decay, clip"),
        (["optim.project=parallel"], "optim.project: expected one of none, perpendicular, got 'parallel'"),
        (["start_from={optim:{rule:sgd,b1:0.5}}"], "start_from.optim.b1: unknown key; allowed: schedule, lr"),
    ],
)
def test_a_knob_or_a_name_that_an_optimiser_lacks_is_refused_in_one_line(overrides, error):
    with pytest.raises(ConfigError) as refused:
        config.jobs([[*TINY, *overrides]])
    assert refused.value.lines[0].startswith(error)


def test_a_start_with_another_optimiser_begins_from_its_defaults():
    job = config.jobs([[*TINY, "optim.weight_decay=0.4", "start_from={optim:{rule:sgd,momentum:0.5}}"]])[0]
    assert job.start is not None
    assert job.start.run.optim == SGD(momentum=0.5)
    alone = config.jobs([[*TINY, "optim=sgd", "optim.momentum=0.5"]])[0]
    assert job.start.id == alone.id


def test_new_fields_of_optimisers_leave_the_ids_of_runs_that_do_not_use_them():
    plain, projected = config.jobs([TINY, [*TINY, "optim.project=perpendicular"]])
    assert plain.id != projected.id
    bare = replace(plain.run, optim=replace(plain.run.optim, scale=1.0))
    assert len(jax.tree.leaves(bare)) == len(jax.tree.leaves(plain.run)) + 1, "an unset scale is no leaf"
