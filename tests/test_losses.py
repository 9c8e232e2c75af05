"""Losses are what their definitions say, computed once more in float64; precisions are lanes of one program."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.engine import config, fit, lane, losses
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, treedef
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from experiments.errors import ConfigError
from fields import pytree
from models.transformer import TransformerConfig
from synthetic import Classes, Numbers, Places
from tests.commands import TINY as COMMAND
from tests.toys import HalfSpace, Line, Sort, Sum

CLASSES = 7
RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, (4, 5, CLASSES)).astype(np.float32)
TARGETS = RANDOM.integers(0, CLASSES, (4, 5)).astype(np.int32)
ONE_HOT = np.eye(CLASSES)[TARGETS]
NEAR: dict[str, Any] = {"rtol": 2e-6, "atol": 1e-6}


def at_targets(x: np.ndarray) -> np.ndarray:
    return np.take_along_axis(x, TARGETS[..., None], -1)[..., 0]


def log_sum(x: np.ndarray) -> np.ndarray:
    return np.log(np.exp(x).sum(-1))


def loss(logits: Any = LOGITS, targets: Any = TARGETS, head: Any = None, **settings) -> np.ndarray:
    head = head or Classes(CLASSES)
    return np.asarray(losses.losses(head, jnp.asarray(logits), jnp.asarray(targets), Training(**settings)))


def test_softmax_is_the_negative_log_likelihood_with_smoothing_and_the_squared_normaliser():
    exact = LOGITS.astype(np.float64)
    plain = log_sum(exact) - at_targets(exact)
    np.testing.assert_allclose(loss(), plain, **NEAR)
    smooth = 0.9 * plain + 0.1 * (log_sum(exact) - exact.mean(-1))
    np.testing.assert_allclose(loss(label_smoothing=0.1), smooth, **NEAR)
    np.testing.assert_allclose(loss(z_loss=0.01), plain + 0.01 * log_sum(exact) ** 2, **NEAR)
    np.testing.assert_allclose(loss(label_smoothing=0.1, absorb=0.0), smooth, **NEAR)


def test_stablemax_is_the_share_of_the_targets_count():
    exact = LOGITS.astype(np.float64)
    counts = np.where(exact >= 0, exact + 1, 1 / (1 - np.minimum(exact, 0)))
    np.testing.assert_allclose(loss(loss="stablemax"), -np.log(at_targets(counts) / counts.sum(-1)), **NEAR)
    slope = jax.vmap(jax.grad(losses.stable))(jnp.array([-3.0, 0.0, 1.0]))
    np.testing.assert_allclose(slope, [0.25, 1.0, 0.5])


def test_the_gradient_of_stablemax_is_that_of_its_definition():
    """The gradient of -log(s_t / sum s) is s' / sum s, less s_t' / s_t at the target, with s' 1 or s squared."""
    exact = LOGITS.astype(np.float64)
    counts = np.where(exact >= 0, exact + 1, 1 / (1 - np.minimum(exact, 0)))
    slopes = np.where(exact >= 0, 1.0, counts**2)
    wanted = slopes / counts.sum(-1, keepdims=True) - ONE_HOT * slopes / counts

    def total(logits):
        return losses.losses(Classes(CLASSES), logits, jnp.asarray(TARGETS), Training(loss="stablemax")).sum()

    np.testing.assert_allclose(jax.grad(total)(jnp.asarray(LOGITS)), wanted, **NEAR)


def test_squared_error_is_a_mean_over_outputs_whatever_the_head():
    exact, numbers = LOGITS.astype(np.float64), RANDOM.normal(size=LOGITS.shape).astype(np.float32)
    apart = ((exact - ONE_HOT) ** 2).mean(-1)
    np.testing.assert_allclose(loss(loss="squared"), apart, **NEAR)
    np.testing.assert_allclose(loss(loss="squared", head=Places()), apart, **NEAR)
    np.testing.assert_allclose(loss(targets=numbers, head=Numbers(CLASSES)), ((exact - numbers) ** 2).mean(-1), **NEAR)


def test_a_place_that_a_pointer_rules_out_is_no_part_of_a_loss():
    outputs, targets = np.array([[[1.0, 2.0, -1e9]]], np.float32), np.array([[1]])
    for settings in ({"loss": "squared"}, {"label_smoothing": 0.1}, {}):
        less = loss(outputs[..., :2], targets, Places(), **settings)
        np.testing.assert_allclose(loss(outputs, targets, Places(), **settings), less, rtol=1e-6)


# Logits whose top class is the target, and is ahead by more and more.
AHEAD = RANDOM.uniform(2, 42, 200).astype(np.float32)
SURE = np.stack([AHEAD, np.zeros_like(AHEAD)], -1)[None]
FIRST = np.zeros((1, len(AHEAD)), np.int32)


def with_gradient(absorb: float | None) -> tuple[np.ndarray, np.ndarray]:
    each = lambda x: losses.losses(Classes(2), x, jnp.asarray(FIRST), Training(absorb=absorb))  # noqa: E731
    return np.asarray(each(jnp.asarray(SURE))), np.asarray(jax.grad(lambda x: each(x).sum())(jnp.asarray(SURE)))


def test_nothing_is_absorbed_at_0():
    others = np.exp(-AHEAD.astype(np.float64))
    value, gradient = with_gradient(0.0)
    np.testing.assert_allclose(value[0], np.log1p(others), rtol=3e-6)
    share = others / (1 + others)
    np.testing.assert_allclose(gradient[0], np.stack([-share, share], -1), rtol=3e-6)


@pytest.mark.parametrize(("absorb", "kind"), [(2.0**-53, np.float64), (2.0**-24, np.float32), (2.0**-11, np.float16)])
def test_absorbing_loses_what_rounding_loses(absorb: float, kind: type):
    """Where 1 + x rounds to 1 the loss is 0, and so is the target's gradient; the other class keeps its own."""
    others = np.exp(-AHEAD.astype(np.float64))
    lost = kind(1) + others.astype(kind) == kind(1)
    assert 0.1 < lost.mean() < 0.9
    value, gradient = with_gradient(absorb)
    np.testing.assert_array_equal(value[0] == 0, lost)
    np.testing.assert_array_equal(gradient[0, :, 0] == 0, lost)
    np.testing.assert_allclose(gradient[0, :, 1], others / (1 + others), rtol=1e-3)
    np.testing.assert_array_equal(np.asarray(losses.absorbed(jnp.asarray(SURE), absorb))[0], lost)
    if kind is np.float32:
        plain = -np.asarray(jax.nn.log_softmax(jnp.asarray(SURE)))[..., 0]
        np.testing.assert_array_equal(plain[0] == 0, lost)
        np.testing.assert_allclose(value, plain, atol=1.2e-7)


def test_absorbing_is_plain_cross_entropy_where_the_target_is_not_ahead():
    exact = LOGITS.astype(np.float64)
    np.testing.assert_allclose(loss(absorb=2.0**-24), log_sum(exact) - at_targets(exact), **NEAR)
    gradient = jax.grad(lambda x: losses.absorbing(x, jnp.asarray(TARGETS), 2.0**-24).sum())(jnp.asarray(LOGITS))
    np.testing.assert_allclose(gradient, np.exp(exact - log_sum(exact)[..., None]) - ONE_HOT, atol=2e-6)


def run_of(task: Any, **settings) -> Run:
    model, train = TransformerConfig(width=16, depth=1, heads=2), {"batch_size": 16, "eval_examples": 64}
    return Run(task, model, AdamW(lr=0.01, weight_decay=0.0, clip=0.0), Training(steps=20, **{**train, **settings}), 0)


ADVANCE = jax.jit(lane.advance)


def loss_sum(run: Run, steps: int = 10) -> float:
    return float(ADVANCE(lane.start(run), run, jnp.int32(steps)).loss_sum)


def test_precisions_of_the_loss_are_lanes_of_one_program():
    runs = [run_of(Sum(letters=8), absorb=absorb) for absorb in (0.0, 2.0**-24, 0.9)]
    assert len({treedef(run) for run in runs}) == 1
    assert treedef(runs[0]) != treedef(run_of(Sum(letters=8)))
    exact, single, coarse = map(loss_sum, runs)
    assert single == exact  # no logit is far ahead yet
    assert coarse != exact


@pytree
class Nearest(Line):
    """Learns by the absolute error, at numbers that are shaken by noise from each example's key."""

    def objective(self, model, batch, keys):
        shaken = batch.inputs + jax.vmap(lambda key: 0.1 * jax.random.normal(key, (2 * self.points, 2)))(keys)
        return (jnp.abs(model(shaken) - batch.targets)[..., 0] * batch.weights).sum(-1)


@pytest.mark.slow
def test_an_objective_of_the_tasks_own_is_trained_alike_at_once_and_in_passes():
    at_once, in_passes = (loss_sum(run_of(Nearest(), microbatch=size)) for size in (0, 4))
    assert in_passes == pytest.approx(at_once, rel=1e-4)
    batch = jax.vmap(lambda key: Nearest().sample(key, "train"))(jax.random.split(jax.random.key(0), 4))
    far = losses.objective(Nearest(), lambda inputs: jnp.zeros((4, 6, 1)), batch, jax.random.key(1), 0)
    np.testing.assert_allclose(far, 3 * jnp.abs(batch.facts["slope"]), rtol=1e-5)


@pytest.mark.slow
def test_an_objective_of_the_tasks_own_is_trained_alike_on_two_devices():
    alone, shared = (Engine([run_of(Nearest())], shard_batch=shard) for shard in (False, True))
    sums = [engine.fetch(engine.advance(engine.start(), 10)).loss_sum[0] for engine in (alone, shared)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-4)


def test_a_named_loss_takes_the_place_of_the_tasks_own_objective():
    named, plain = (loss_sum(run_of(task, loss="squared"), 1) for task in (Nearest(), Line()))
    assert named == plain != loss_sum(run_of(Nearest()), 1)


@pytest.mark.parametrize(
    ("task", "settings", "fault"),
    [
        (
            Line(),
            {"loss": "softmax"},
            "loss: softmax needs classes or places, the targets are numbers; allowed: auto, squared",
        ),
        (Line(), {"absorb": 0.0}, "absorb: squared error has no softmax that this could change; allowed: null"),
        (
            Sum(),
            {"loss": "squared", "label_smoothing": 0.1},
            "label_smoothing: squared error has no softmax that this could change; allowed: null",
        ),
        (
            Nearest(),
            {"z_loss": 0.1},
            "z_loss: the task has an objective of its own, which this is no part of; allowed: null",
        ),
        (
            Line(),
            {"decoding": "greedy"},
            "decoding: greedy needs classes or places, the targets are numbers; allowed: none",
        ),
        (
            HalfSpace(),
            {"decoding": "both"},
            "decoding: both needs classes that are tokens, the inputs are vectors; allowed: none",
        ),
        (
            Line(),
            {"objective": "nll"},
            "objective: there is no measure nll; allowed: exact_match, token_accuracy, squared_error",
        ),
        (
            Sum(),
            {"objective": "sampled_match", "decoding": "greedy"},
            "objective: there is no measure sampled_match; allowed: exact_match, token_accuracy, nll, greedy_match",
        ),
        (Sum(), {"objective": "greedy_match", "decoding": "greedy"}, ""),
        (Sort(), {"decoding": "both", "loss": "squared", "objective": "nll"}, ""),
    ],
)
def test_settings_that_do_not_fit_the_task_are_refused_in_one_line(task: Any, settings: dict[str, Any], fault: str):
    assert [f"{key}: {line}" for key, line in fit.problems(run_of(task, **settings))] == ([fault] if fault else [])


def test_a_fault_of_the_loss_names_its_key_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match=r"^train.z_loss: squared error has no softmax that this could change; all"):
        config.jobs([[*COMMAND, "train.loss=squared", "train.z_loss=0.1", f"out={tmp_path / 'runs'}"]])
    with pytest.raises(
        ConfigError, match=r"^train.loss: expected one of auto, softmax, stablemax, squared, perceptron, got 'hinge'"
    ):
        config.jobs([[*COMMAND, "train.loss=hinge"]])
    assert not list(tmp_path.iterdir())
