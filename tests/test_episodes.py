"""What is true of episodes of regression and of projected points: their laws, exact posteriors, and what is refused."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from benchmarks import episodes as loops
from fields import check
from synthetic.episodes import ClassEpisodes, ProjectionEpisodes, RegressionEpisodes
from synthetic.episodes.projections import _nth, _permutation
from synthetic.episodes.vectors import BASE, HELD_OUT, TRAINED, vectors
from tests.episode_draws import EPISODES, answers, draw, jit, logsumexp, numbered

REGRESSION = RegressionEpisodes(dimensions=5, points=12, pool=8, noise=0.5, pooled=0.4)


@pytest.fixture(scope="module")
def regression():
    """Returns prompts of the mixture, and the answers of the baselines, for 1,000 episodes."""
    batch = draw(REGRESSION, "train", EPISODES)
    return batch, answers(REGRESSION, batch)


def posteriors(x, y, pool, task):
    """Returns the answers to the last of the points `x` in float64, from whole covariances and not point by point."""
    *before, asked = x
    before, y = np.array(before).reshape(-1, x.shape[1]), y[: len(before)]
    noise, spread, share = task.noise, task.spread, task.pooled
    weights = np.linalg.solve(before.T @ before + (noise / spread) ** 2 * np.eye(x.shape[1]), before.T @ y)
    covariance = spread**2 * before @ before.T + noise**2 * np.eye(len(before))
    continuous = stats.multivariate_normal.logpdf(y, np.zeros(len(y)), covariance) if len(y) else 0.0
    each = np.array([stats.norm.logpdf(y, before @ w, noise).sum() for w in pool])
    discrete = np.exp(each - logsumexp(each)) @ pool @ asked
    odds = logsumexp([np.log(share / len(pool)) + one for one in each]) - np.log(1 - share) - continuous
    odds = 1 / (1 + np.exp(-odds))
    return {"ridge": weights @ asked, "discrete": discrete, "bayes": odds * discrete + (1 - odds) * weights @ asked}


@pytest.mark.slow
def test_posteriors_of_regression_are_those_of_float64_from_whole_covariances(regression):
    batch, ours = regression
    pool = np.asarray(REGRESSION.pool_vectors(), np.float64)
    x, y = batch.inputs[:, ::2].astype(np.float64), batch.inputs[:, 1::2, 0].astype(np.float64)
    scale = np.sqrt(REGRESSION.dimensions)  # the standard deviation of an answer
    for episode, points in itertools.product(range(EPISODES), (0, 1, 4, 11)):
        for name, right in posteriors(x[episode, : points + 1], y[episode], pool, REGRESSION).items():
            assert ours[name][episode, 2 * points, 0] == pytest.approx(right, abs=1e-5 * scale), (name, episode, points)


@pytest.mark.slow
def test_no_answer_beats_the_posterior_of_its_law(regression):
    mixed, ours = regression
    for law, best in (("train", "bayes"), ("pool", "discrete"), ("continuous", "ridge")):
        if law == "train":
            batch, says = mixed, ours
        else:
            batch = draw(REGRESSION.conditions()[law][0], law, EPISODES, seed=1)
            says = answers(REGRESSION, batch)
        errors = {name: ((answer - batch.targets)[:, ::2, 0] ** 2).mean(1) for name, answer in says.items()}
        for name, error in errors.items():
            gain = errors[best] - error
            assert gain.mean() <= 3 * gain.std() / len(gain) ** 0.5, f"{name} beats {best} on {law}"


def test_labels_of_regression_have_the_noise_and_conditions_have_none():
    batch = draw(REGRESSION, "train", EPISODES)
    clean = np.einsum("epd,ed->ep", batch.inputs[:, ::2], numbered(batch, "weight"))
    noise = batch.inputs[:, 1::2, 0] - clean[:, :-1]
    assert stats.kstest(noise.ravel() / 0.5, "norm").pvalue > 1e-3
    np.testing.assert_allclose(batch.targets[:, 1::2], 0)
    np.testing.assert_allclose(batch.targets[:, :-1:2, 0], batch.inputs[:, 1::2, 0])
    variant, split = REGRESSION.conditions()["continuous/scaled"]
    scaled = draw(variant, split, 64)
    clean = np.einsum("epd,ed->ep", scaled.inputs[:, ::2], numbered(scaled, "weight"))
    np.testing.assert_allclose(scaled.targets[:, ::2, 0], 2 * clean, rtol=1e-4, atol=1e-5)
    assert scaled.weights[0].tolist() == [0, 0, 1, 0, 1, 0, 1] + [0] * 16
    assert not scaled.facts["pooled"].any()


@pytest.mark.slow
def test_measures_of_regression_tell_ridge_from_the_pool_and_scale_answers_back():
    variant, split = REGRESSION.conditions()["continuous/scaled"]
    batch = draw(variant, split, 512)
    own = {one.measure.name: one for one in variant.measures()}

    def score(name, outputs):
        return float(own[name].of(jax.vmap(own[name].read)(batch, outputs)))

    unscaled = batch.inputs.copy()
    unscaled[:, 1::2] /= 2
    says = answers(REGRESSION, batch._replace(inputs=unscaled))
    assert score("coefficient", 2 * says["ridge"]) == pytest.approx(0, abs=1e-4)
    assert score("coefficient", 2 * says["discrete"]) == pytest.approx(1, abs=1e-4)
    assert score("error", batch.targets) == pytest.approx(0, abs=1e-6)
    assert score("shrunk_error", 2 * batch.targets) == pytest.approx(0, abs=1e-6)
    assert score("error", 2 * says["ridge"]) < score("error", 2 * says["discrete"])


PROJECTIONS = ProjectionEpisodes(classes=3, dimensions=3, points=10, tasks=6, enumerated=True)


def pooled(example, matrices, orders, centres, noise):
    """Returns the probabilities of each label at each point in float64, by the pool's posterior from whole sums."""
    x, shown = example[:, :3].astype(np.float64), example[:, 3:]
    labels = shown[1:].argmax(1)
    joint = np.empty((len(matrices), len(x), 3))
    for number, (matrix, order) in enumerate(zip(matrices, orders, strict=True)):
        covariance = noise**2 * matrix @ matrix.T
        for kind in range(3):
            law = stats.multivariate_normal(matrix @ centres[kind], covariance, allow_singular=True)
            joint[number, :, order[kind]] = law.logpdf(x)
    for point in range(len(x)):
        known = joint[:, np.arange(point), labels[:point]].sum(1)
        scores = logsumexp(known[:, None] + joint[:, point], 0)
        yield np.exp(scores - logsumexp(scores))


@pytest.mark.slow
def test_the_posterior_over_a_pool_of_projections_is_that_of_float64():
    task = PROJECTIONS
    batch = draw(task, "train", EPISODES)
    tasks = [jax.tree.map(np.asarray, task._task(TRAINED, jnp.int32(number))) for number in range(6)]
    matrices, orders = [matrix.astype(np.float64) for matrix, _ in tasks], [_nth(int(order), 3) for _, order in tasks]
    scale = np.sqrt(1 + 0.3**2)
    centres = np.asarray(vectors(0, BASE, jnp.arange(3), 3), np.float64) / scale

    def posterior(inputs):
        return task._posterior(inputs[:, :3], jnp.roll(inputs[:, 3:], -1, 0), labels=True)

    ours = np.asarray(jit(jax.vmap(posterior))(batch.inputs), np.float64)
    ours = np.exp(ours - logsumexp(ours, -1, keepdims=True))
    for episode in range(EPISODES):
        right = np.stack(list(pooled(batch.inputs[episode], matrices, orders, centres, 0.3 / scale)))
        np.testing.assert_allclose(ours[episode], right, atol=1e-5)
    scores = {name: (answer[:, -1] == batch.targets[:, -1]).mean() for name, answer in answers(task, batch).items()}
    assert scores["bayes"] == max(scores.values())


def test_projected_points_are_those_of_the_task_behind_its_matrix():
    batch = draw(PROJECTIONS, "unseen", 64)
    for example in range(8):
        matrix, order = PROJECTIONS._task(HELD_OUT, jnp.int32(batch.facts["number"][example]))
        base = np.linalg.solve(np.asarray(matrix, np.float64), batch.inputs[example, :, :3].T).T
        centres = np.asarray(vectors(0, BASE, jnp.arange(3), 3)) / np.sqrt(1.09)
        nearest = ((base[:, None] - centres) ** 2).sum(-1).argmin(1)
        labels = np.array(_nth(int(order), 3))[nearest]
        assert (labels == batch.targets[example]).mean() >= 0.7
    assert set(draw(PROJECTIONS, "train", 256).facts["number"]) == set(range(6))
    assert not draw(PROJECTIONS.replace(biased=1.0), "train").facts["order"].any()


@pytest.mark.parametrize("size", [2, 4])
def test_permutations_are_numbered_in_lexicographic_order(size):
    every = list(itertools.permutations(range(size)))
    assert [tuple(_nth(order, size)) for order in range(len(every))] == every
    made = jax.vmap(lambda order: _permutation(order, size))(jnp.arange(len(every)))
    assert list(map(tuple, made.tolist())) == every


@pytest.mark.slow
def test_episodes_are_distributed_as_those_of_loops_in_numpy():
    rng = np.random.default_rng(0)
    for name, (task, loop) in loops.cases().items():
        inputs, targets = map(np.array, zip(*(loop(rng) for _ in range(1000)), strict=True))
        ours = draw(task, "train", 1000)
        assert ours.inputs.shape == inputs.shape, name
        norms = [np.sqrt((x**2).sum(-1))[:, :-1:2].ravel() for x in (ours.inputs, inputs)]
        # Pools and centres differ, so only the spread of points is compared, which these change little.
        assert np.median(norms[0]) == pytest.approx(np.median(norms[1]), rel=0.25), name
        assert targets.shape[:1] == (1000,)


@pytest.mark.parametrize(
    ("task", "values", "wanted"),
    [
        (ClassEpisodes, {"labels": 32, "multiplicity": 5}, "task.multiplicity: must divide task.labels = 32, got 5"),
        (
            ClassEpisodes,
            {"labels": 16, "multiplicity": 4},
            "task.labels: at least task.pairs = 8 that differ are needed with task.multiplicity = 4, got 4",
        ),
        (
            ClassEpisodes,
            {"classes": 3000},
            "task.classes: must be from task.pairs = 8 to task.room = 2048, got 3000",
        ),
        (ClassEpisodes, {"copies": 3}, "task.copies: must be a divisor of task.pairs = 8, got 3"),
        (ClassEpisodes, {"copies": 5, "ways": 2}, "task.copies: must be at most 8 / task.ways, got 5"),
        (ClassEpisodes, {"fresh_classes": 4}, "task.fresh_classes: must be at least task.pairs = 8, got 4"),
        (ClassEpisodes, {"classes": 9, "common": 9}, "task.common: must be below task.classes = 9, got 9"),
        (
            RegressionEpisodes,
            {"points": 3},
            "task.last: must be at least task.first = 1 and below task.points = 3, got 3",
        ),
        (
            ProjectionEpisodes,
            {"enumerated": True},
            "task.tasks: must be a number of tasks with task.enumerated, got 0, which is unlimited",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_drawn_is_refused_in_one_line(task, values, wanted):
    assert check(values, task, "task") == (None, [wanted])
