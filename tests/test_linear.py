"""Linear learners agree with plain float64 programs: descent with large steps, perceptrons, naive Bayes, regression."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from scipy.stats import norm

from experiments.engine import config, lane, losses
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.rules import LBFGS, SGD
from experiments.engine.share import WHOLE
from experiments.engine.training import Training
from experiments.errors import ConfigError
from models.feedforward import LinearConfig
from synthetic import Classes, Places, contract
from synthetic.gaussians import FLOOR, Gaussians, naive_bayes
from synthetic.separable import _DATA, Separable
from tests.commands import TINY

OPPOSED = Separable(kind="opposed", dimensions=2, points=1000)
PAIR = Separable(kind="pair", dimensions=2, points=2)
SPREAD = Separable(points=200, dimensions=10, stretch=5.0, seed=3)


def run_of(task: Any, steps: int = 1000, lr: float = 1.0, **train: Any) -> Run:
    settings = {"batch_size": task.points, "order": "whole", "eval_items": True, "eval_examples": task.points}
    training = Training(steps=steps, **settings | train)
    return Run(task, LinearConfig(affine=False), SGD(lr=lr), training, 0)


def accuracies(engine: Engine, steps: Any) -> dict[int, list[float]]:
    """Returns the accuracy of each lane on the whole set after each number of steps."""
    lanes, by_step = engine.start(), {}
    for step in steps:
        lanes = engine.advance(lanes, step)
        by_step[step] = engine.evaluate(lanes)["set"]["exact_match"].tolist()
    return by_step


def steps_to_separate(z: np.ndarray, update: Any, most: int = 5000) -> int:
    """Returns the first step after which all signed points z[n, d] are on their side, in float64."""
    theta = np.zeros(z.shape[1])
    for step in range(1, most):
        theta = theta + update(z @ theta, z)
        if (z @ theta > 0).all():
            return step
    raise AssertionError("it does not separate the points")


def descent(gamma: float, *, normalised: bool = False) -> Any:
    """Returns the step of descent on the mean logistic loss, over the mean probability of a wrong answer or not."""

    def update(margin: np.ndarray, z: np.ndarray) -> np.ndarray:
        chances = expit(-margin)
        return gamma * (chances @ z) / (chances.sum() if normalised else len(z))

    return update


def wrong(margin: np.ndarray) -> np.ndarray:
    """Returns 1 for points on the wrong side, a half for those on neither."""
    return np.where(margin == 0, 0.5, margin < 0)


def batch_perceptron(margin: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Returns the mean of the points that are wrong; half of it from weights of zero."""
    return wrong(margin) @ z / len(z)


def weights_after(run: Run, steps: int) -> np.ndarray:
    """Returns the weights of the second logit less those of the first, after so many steps."""
    engine = Engine([run])
    kernel = jax.tree.leaves(engine.fetch(engine.advance(engine.start(), steps)).params)[0][0]
    return np.asarray(kernel[:, 1] - kernel[:, 0])


GAMMAS = (100.0, 10.0, 1.0, 0.1)


def test_the_worst_case_takes_as_many_steps_as_the_papers_first_table_says():
    """Counts 308 steps of descent at 100, and 2, 2, 16 and 157 of normalised descent at 100, 10, 1 and 0.1."""
    z = OPPOSED._signed()[0]
    assert steps_to_separate(z, descent(100.0)) == 308
    assert [steps_to_separate(z, descent(gamma, normalised=True)) for gamma in GAMMAS] == [2, 2, 16, 157]
    # The step on the difference of two logits is twice the learning rate.
    before, after = accuracies(Engine([run_of(OPPOSED, lr=50.0)]), (307, 308)).values()
    assert before == pytest.approx([0.999])
    assert after == [1.0]


@pytest.mark.slow
def test_the_worst_case_takes_normalised_descent_the_steps_of_the_table():
    runs = [run_of(OPPOSED, lr=gamma / 2, mean_over="mistakes") for gamma in GAMMAS]
    right = accuracies(Engine(runs), (1, 2, 15, 16, 156, 157))
    by_lane = [[step for step, scores in right.items() if scores[lane] == 1.0] for lane in range(4)]
    assert [min(steps) for steps in by_lane] == [2, 2, 16, 157]


def test_the_batch_perceptron_takes_the_steps_of_its_closed_form_in_float64():
    sets = [Separable(kind="opposed", dimensions=2, points=n)._signed()[0] for n in (30, 100, 300, 1000)]
    assert [steps_to_separate(z, batch_perceptron) for z in sets] == [10, 31, 91, 301]


@pytest.mark.slow
def test_the_batch_perceptron_takes_the_steps_of_its_closed_form():
    right = accuracies(Engine([run_of(OPPOSED, lr=0.7, loss="perceptron")]), (300, 301))
    assert [scores == [1.0] for scores in right.values()] == [False, True]


@pytest.mark.slow
def test_the_loss_of_the_pair_rises_without_bound_before_it_vanishes():
    losses_by_step = {}
    engine = Engine([run_of(PAIR, lr=lr) for lr in (0.5, 50.0, 500.0)])
    lanes = engine.start()
    for step in (0, 1, 2):
        lanes = engine.advance(lanes, step)
        losses_by_step[step] = engine.evaluate(lanes)["set"]["nll"].tolist()
    assert losses_by_step[0] == pytest.approx([np.log(2)] * 3)
    assert losses_by_step[1] == pytest.approx([0.43, 12.5, 125], rel=0.01)
    assert losses_by_step[2] == pytest.approx([0.31, 0, 0], abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("train", "update"),
    [
        ({}, descent(60.0)),
        ({"mean_over": "mistakes"}, descent(60.0, normalised=True)),
        ({"loss": "perceptron"}, lambda margin, z: 60 * batch_perceptron(margin, z)),
        (
            {"loss": "perceptron", "mean_over": "mistakes", "microbatch": 50},
            lambda margin, z: 60 * wrong(margin) @ z / wrong(margin).sum(),
        ),
    ],
    ids=["descent", "normalised", "perceptron", "normalised perceptron"],
)
def test_weights_after_a_few_large_steps_are_those_of_float64(train, update):
    z, theta = SPREAD.materialise()._signed()[0], np.zeros(10)
    for _ in range(6):
        theta = theta + update(z @ theta, z)
    np.testing.assert_allclose(weights_after(run_of(SPREAD, lr=30.0, **train), 6), theta, rtol=1e-3, atol=1e-3)


def test_descent_with_ever_larger_steps_takes_as_many_as_the_perceptron():
    z = SPREAD.materialise()._signed()[0]
    assert np.linalg.eigvalsh(z.T @ z / (4 * len(z)))[-1] == pytest.approx(1.0)
    assert steps_to_separate(z, descent(6e8)) == steps_to_separate(z, batch_perceptron)


@pytest.mark.slow
def test_with_single_points_it_is_rosenblatts_perceptron_and_keeps_to_novikoffs_bound():
    """Follows the same order of points in float64; each mistake adds its signed point, half of it at first."""
    task, steps = SPREAD.materialise(), 1000
    run = run_of(task, lr=0.5, loss="perceptron", batch_size=1, order="epochs")
    order = jax.jit(jax.vmap(lambda step: lane.draw_batch(run, step, jax.random.key(0), WHOLE).facts["point"][0]))
    z, (normal, _) = task._signed()[0], task._plane(np.random.default_rng((_DATA, 3)))
    theta, mistakes = np.zeros(10), 0
    for point in np.asarray(order(jnp.arange(steps))):
        if z[point] @ theta <= 0:
            theta += z[point] * (1.0 if mistakes else 0.5)
            mistakes += 1
    np.testing.assert_allclose(weights_after(run, steps), theta, atol=1e-3)
    assert 3 < mistakes <= (np.linalg.norm(z, axis=1).max() / (z @ normal).min()) ** 2


def test_mistakes_are_the_probabilities_of_wrong_answers_or_the_wrong_answers():
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 3, (4, 5, 7)).astype(np.float32), random.integers(0, 7, (4, 5)).astype(np.int32)
    of_target = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    chances = 1 - np.exp(of_target - np.asarray(logsumexp(logits.astype(np.float64), -1)))
    for head in (Classes(7), Places()):
        shares, ones = (
            losses.mistakes(head, jnp.asarray(logits), jnp.asarray(targets), Training(loss=name))
            for name in ("softmax", "perceptron")
        )
        np.testing.assert_allclose(shares, chances, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(ones, logits.argmax(-1) != targets)
    np.testing.assert_allclose(losses.perceptron(jnp.asarray(logits), jnp.asarray(targets)), logits.max(-1) - of_target)
    tie = jax.grad(lambda z: losses.perceptron(z, jnp.int32(1)))(jnp.zeros(2))
    np.testing.assert_array_equal(tie, [0.5, -0.5])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            ["train.loss=squared", "train.mean_over=mistakes"],
            "train.mean_over: mistakes needs the loss softmax, unchanged, or perceptron; allowed: positions",
        ),
        (
            ["train.z_loss=0.1", "train.mean_over=mistakes"],
            "train.mean_over: mistakes needs the loss softmax, unchanged, or perceptron; allowed: positions",
        ),
        (
            ["train.loss=perceptron", "train.z_loss=0.1"],
            "train.z_loss: the perceptron's loss has no softmax that this could change; allowed: null",
        ),
        (
            ["train.eval_items=true", "task.examples_per_rule=0"],
            "train.eval_items: true needs a set of 1 to 2^30 items; "
            "task=markov has no finite training set as it is set",
        ),
        (
            ["task=separable", "task.points=17", "model=linear", "train.order=whole"],
            "train.batch_size: must be at least 17, the size of the set, with train.order = whole",
        ),
        (
            ["task=separable", "task.kind=pair", "model=linear"],
            "task.dimensions: must be 2 with task.kind = pair, got 50",
        ),
        (
            ["task=gaussians", "task.examples=2000", "model=linear"],
            "task.examples: must be from task.classes = 2 to task.most = 1024, got 2000",
        ),
    ],
)
def test_settings_of_linear_learners_that_do_not_fit_are_refused_in_one_line(settings: list[str], fault: str, tmp_path):
    base = [part for part in TINY if not part.startswith(("model", "task")) or not settings[0].startswith("task=")]
    with pytest.raises(ConfigError) as e:
        config.jobs([[*base, *settings, f"out={tmp_path / 'runs'}"]])
    assert str(e.value).splitlines()[0] == fault
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "task",
    [
        OPPOSED.replace(points=30),
        Separable(kind="clusters", dimensions=4, points=30),
        Gaussians(dimensions=6, law="factor", classes=3, most=32, examples=16),
    ],
    ids=lambda task: getattr(task, "kind", "factor"),
)
@pytest.mark.slow
def test_other_kinds_of_linear_tasks_keep_the_contract(task):
    for check in contract.CHECKS:
        check(task)


def test_naive_bayes_is_that_of_its_definition():
    task = Gaussians(dimensions=6, classes=3, most=40, examples=31, seed=2)
    batch = jax.vmap(task.item, (0, None, None))(jnp.arange(40), jax.random.key(0), "train")
    x, label = np.asarray(batch.inputs[:31, 0], np.float64), np.asarray(batch.targets[:31, 0])
    there = jnp.arange(40) < 31
    weights, constant = naive_bayes(batch.inputs[:, 0], batch.targets[:, 0], there, 3)
    means = np.stack([x[label == k].mean(0) for k in range(3)])
    variance = ((x - means[label]) ** 2).mean(0) + FLOOR
    new = np.random.default_rng(0).normal(0, 3, (50, 6))
    density = np.stack(
        [norm.logpdf(new, means[k], np.sqrt(variance)).sum(1) + np.log((label == k).mean()) for k in range(3)], 1
    )
    ours = new @ np.asarray(weights, np.float64).T + np.asarray(constant, np.float64)
    np.testing.assert_allclose(ours - ours[:, :1], density - density[:, :1], rtol=1e-3, atol=1e-3)
    example = jax.tree.map(lambda a: a[0], batch)._replace(inputs=jnp.asarray(new[:1], jnp.float32))
    assert task.baselines()["naive_bayes"](example).tolist() == [int(density[0].argmax())]


@pytest.mark.parametrize(("dimensions", "error"), [(2, 0.110), (4, 0.057), (10, 0.0095), (20, 0.0006)])
def test_the_best_error_is_that_of_the_closed_form(dimensions, error):
    task = Gaussians(dimensions=dimensions)
    assert task.best_error() == pytest.approx(error, rel=0.04)
    x = jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(1), 20000), "fresh")
    says = (np.asarray(x.inputs[:, 0]) / task._deviations**2).sum(1) > 0
    assert (says != np.asarray(x.targets[:, 0])).mean() == pytest.approx(error, abs=4 * np.sqrt(error / 20000))


@pytest.mark.slow
def test_a_law_with_factors_has_the_covariance_that_it_states():
    task = Gaussians(dimensions=4, law="factor", rank=2, seed=5)
    x = jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(1), 40000), "fresh")
    within = np.asarray(x.inputs[:, 0]) - np.where(np.asarray(x.targets) == 1, 1.0, -1.0)
    loadings, root = np.asarray(task._loadings(), np.float64), np.diag(task._deviations.astype(np.float64))
    wanted = root @ (np.eye(4) + loadings @ loadings.T) @ root
    np.testing.assert_allclose(np.cov(within.T), wanted, atol=0.05 * np.abs(wanted).max())


@pytest.mark.slow
def test_logistic_regression_comes_to_the_optimum_of_its_penalised_loss():
    """Minimises the same loss in float64: C = 1 is a weight decay of 2 / m for two logits."""
    task = Gaussians(dimensions=20, most=64, examples=48, seed=1)
    x, label = (np.asarray(a) for a in training_set(task))
    run = Run(
        task,
        LinearConfig(),
        LBFGS(weight_decay=2 / 48),
        Training(steps=200, batch_size=64, order="whole", eval_examples=64),
        0,
    )
    engine = Engine([run])
    params = engine.fetch(engine.advance(engine.start(), 200)).params
    ours = {leaf.shape[1:]: np.asarray(leaf[0], np.float64) for leaf in jax.tree.leaves(params)}
    kernel, bias = ours[20, 2], ours[2,]

    def penalised(theta: np.ndarray) -> float:
        margin = np.where(label == 1, 1, -1) * (x @ theta[:-1] + theta[-1])
        return float(theta[:-1] @ theta[:-1] / 2 + np.logaddexp(0, -margin).sum())

    best = minimize(penalised, np.zeros(21), method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-14}).x
    theirs = np.append(kernel[:, 1] - kernel[:, 0], bias[1] - bias[0])
    assert penalised(theirs) == pytest.approx(penalised(best), rel=1e-6)
    np.testing.assert_allclose(theirs, best, atol=1e-3)


def training_set(task: Gaussians) -> tuple[np.ndarray, np.ndarray]:
    """Returns the vectors and labels of a task's training set."""
    batch = jax.vmap(task.item, (0, None, None))(jnp.arange(int(task.examples)), jax.random.key(0), "train")
    return np.asarray(batch.inputs[:, 0], np.float64), np.asarray(batch.targets[:, 0])
