"""What is true of the learners of Boolean functions: exact accuracies, and agreement with brute force in Python."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from experiments.studies.boolean import mixing
from synthetic import Example
from synthetic.boolean import FAMILIES, Boolean, learners

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def prompts(task, count, seed=0):
    """Points float32[count, m, n] and labels bool[count, m] of unseen functions."""
    assert list(task.problems()) == []
    sample = jit(jax.vmap(lambda key: task.sample(key, "unseen")))
    batch = sample(jax.random.split(jax.random.key(seed), count))
    return batch.inputs[:, ::2], batch.targets[:, ::2] > 0


def said(learner, x, y):
    return np.asarray(jax.jit(jax.vmap(learner))(x, y))


def accuracies(learner, task, count):
    x, y = prompts(task, count)
    return (said(learner, x, y) == np.asarray(y)).mean(0)


def histories(x, y):
    """(prompt, point, its place, points and labels before it), in plain Python."""
    for b in range(len(x)):
        points, labels = np.asarray(x[b]).astype(int).tolist(), np.asarray(y[b]).tolist()
        for i, point in enumerate(points):
            yield b, point, i, points[:i], labels[:i]


def elimination_accuracy(i, n=28, density=0.3, planted=0.3):
    """After i examples, exactly: a positive is missed where an irrelevant variable is as in no earlier positive."""
    missed = 0.0
    for k in range(n + 1):
        positive = planted + (1 - planted) / 2**k
        earlier = [math.comb(i, t) * positive**t * (1 - positive) ** (i - t) for t in range(i + 1)]
        found = sum(p * (1 - 0.5**t) ** (n - k) for t, p in enumerate(earlier) if t)
        missed += math.comb(n, k) * density**k * (1 - density) ** (n - k) * positive * (1 - found)
    return 1 - missed


def parity_accuracy(i, n):
    """After i examples, exactly: right where the point is in their span, which has 2^rank points, else half."""
    ranks = {0: 1.0}
    for _ in range(i):
        grown = {r + 1: p * (1 - 2.0 ** (r - n)) for r, p in ranks.items()}
        ranks = {r: grown.get(r, 0) + ranks.get(r, 0) * 2.0 ** (r - n) for r in grown | ranks}
    return 0.5 + 0.5 * sum(p * 2.0 ** (r - n) for r, p in ranks.items())


@pytest.mark.slow
def test_elimination_on_conjunctions_has_its_exact_accuracy():
    found = accuracies(partial(learners.eliminate, negated=True), Boolean(family="conjunction"), 12000)
    exact = {i: elimination_accuracy(i) for i in (5, 15, 25, 30, 50)}
    # The figures from sampling that were known before are so near.
    assert list(exact.values()) == pytest.approx([0.71, 0.83, 0.93, 0.967, 0.999], abs=0.013)
    assert {i: found[i] for i in exact} == pytest.approx(exact, abs=0.01)


def test_gaussian_elimination_on_parities_has_its_exact_accuracy():
    task = Boolean(family="parity", dimensions=20, points=30)
    found = accuracies(learners.gaussian_elimination, task, 12000)
    exact = {i: parity_accuracy(i, 20) for i in (15, 20, 24, 29)}
    assert list(exact.values()) == pytest.approx([0.52, 0.79, 0.985, 1.0], abs=0.016)
    assert {i: found[i] for i in exact} == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("negated", [True, False])
def test_elimination_keeps_the_literals_that_no_positive_refutes(negated):
    task = Boolean(family="conjunction" if negated else "monotone_conjunction", dimensions=6, points=16)
    x, y = prompts(task, 40)
    ours = said(partial(learners.eliminate, negated=negated), x, y)
    for b, point, i, points, labels in histories(x, y):
        left = {(v, s) for v in range(6) for s in ((1, -1) if negated else (1,))}
        for other, label in zip(points, labels, strict=True):
            left -= {(v, s) for v, s in left if label and other[v] != s}
        assert ours[b, i] == all(point[v] == s for v, s in left)


def test_gaussian_elimination_predicts_the_label_on_which_all_fitting_parities_agree():
    x, y = prompts(Boolean(family="parity", dimensions=5, points=12), 40)
    ours = said(learners.gaussian_elimination, x, y)
    subsets = list(itertools.product((0, 1), repeat=5))

    def parity(subset, point):
        return sum(s * (v > 0) for s, v in zip(subset, point, strict=True)) % 2 == 1

    for b, point, i, points, labels in histories(x, y):
        fit = [s for s in subsets if all(parity(s, p) == label for p, label in zip(points, labels, strict=True))]
        votes = {parity(s, point) for s in fit}
        assert ours[b, i] == (votes.pop() if len(votes) == 1 else 0)


@pytest.mark.parametrize("k", [1, 3])
def test_nearest_neighbours_are_the_nearest_and_of_those_the_first(k):
    x, y = prompts(Boolean(family="conjunction", dimensions=5, points=12), 40)
    ours = said(partial(learners.nearest_neighbours, k=k), x, y)
    for b, point, i, points, labels in histories(x, y):
        order = sorted(range(i), key=lambda j: sum(p != q for p, q in zip(points[j], point, strict=True)))
        votes = sum(2 * labels[j] - 1 for j in order[:k])
        assert ours[b, i] == (-1 if votes == 0 else votes > 0)


def test_averaging_closure_and_null_learners_equal_brute_force():
    x, y = prompts(Boolean(family="monotone_dnf", dimensions=5, points=12), 40)
    average, closed = said(learners.averaging, x, y), said(learners.closure, x, y)
    for b, point, i, points, labels in histories(x, y):
        signed = [(2 * label - 1) * p[v] * point[v] for p, label in zip(points, labels, strict=True) for v in range(5)]
        assert average[b, i] == (sum(signed) > 0)
        above = [all(q <= v for q, v in zip(p, point, strict=True)) for p in points]
        assert closed[b, i] == any(a and label for a, label in zip(above, labels, strict=True))
    assert not said(learners.null, x, y).any()
    assert (closed <= np.asarray(y)).all()


def test_the_rule_of_the_nearest_neighbour_is_learnt_by_itself():
    task = Boolean(family="nearest_neighbour", dimensions=8, points=40, start=10)
    found = accuracies(learners.most_similar, task, 200)
    assert (found[10:] == 1).all()
    assert abs(found[1:10].mean() - 0.5) < 0.05


@pytest.mark.parametrize("points", [24, 120])
def test_a_nearest_neighbour_is_right_on_sparse_parity_as_often_as_the_study_of_mixing_says(points):
    expected = mixing.NEIGHBOUR[points == 120]
    task = Boolean(family="sparse_parity", relevant=2, dimensions=10, points=points)
    assert abs(accuracies(learners.most_similar, task, 4000)[-1] - expected) < 0.025


def test_the_perceptron_solves_the_linear_programme_and_max_margin_has_a_margin():
    x, y = prompts(Boolean(family="halfspace", dimensions=8, points=25), 30)
    again = jnp.concatenate([x, x[:, ::-1]], 1), jnp.concatenate([y, y[:, ::-1]], 1)
    for learner in (learners.perceptron, learners.max_margin):
        ours = said(learner, *again)
        assert (ours[:, 25:] == np.asarray(again[1][:, 25:])).mean() > 0.995
    # As a linear programme over the first 15 examples: the points that every solution puts on one side.
    agreed = total = 0
    ours = [said(learner, x, y) for learner in (learners.perceptron, learners.max_margin)]
    for b in range(8):
        signed = np.where(y[b], 1, -1)[:, None] * np.pad(np.asarray(x[b]), ((0, 0), (0, 1)), constant_values=1)
        for i in range(15, 25):
            point = np.append(x[b, i], 1)
            sides = [
                linprog(np.zeros(9), -np.vstack([signed[:i], s * point]), -np.ones(i + 1), bounds=(None, None)).success
                for s in (1, -1)
            ]
            assert any(sides)
            if not all(sides):
                total += 2
                agreed += sum(o[b, i] == sides[0] for o in ours)
    assert total > 40
    assert agreed / total > 0.98


def conjunction_posterior(points, labels, point, n, density, planted):
    """Probability that `point` is positive under a conjunction's law, by a sum over all of them in plain Python."""
    weight = {True: 0.0, False: 0.0}
    for literals in itertools.product((0, 1, -1), repeat=n):
        k = sum(map(abs, literals))
        prior = (density / 2) ** k * (1 - density) ** (n - k)

        def holds(p, literals=literals):
            return all(v * w >= 0 for v, w in zip(p, literals, strict=True))

        for p in [*points, point]:
            prior *= 1 - planted + planted * 2**k * holds(p)
        if all(holds(p) == label for p, label in zip(points, labels, strict=True)):
            weight[holds(point)] += prior
    return weight[True] / sum(weight.values())


@pytest.mark.parametrize("planted", [0.0, 0.3])
def test_bayes_on_conjunctions_predicts_the_likelier_label(planted):
    task = Boolean(family="conjunction", dimensions=4, points=10, planted=planted, literal_density=0.4)
    x, y = prompts(task, 12)
    ours = said(_of_points(task, "bayes"), x, y)
    by_particles = said(task._functions.learners(jnp.float32(0.4), jnp.float32(planted))["bayes"], x, y)
    agree = total = 0
    for b, point, i, points, labels in histories(x, y):
        chance = conjunction_posterior(points, labels, point, 4, 0.4, planted)
        if abs(chance - 0.5) > 1e-4:
            assert ours[b, i] == (chance > 0.5)
        if abs(chance - 0.5) > 0.1:
            total += 1
            agree += by_particles[b, i] == (chance > 0.5)
    assert total > 60
    assert agree / total > 0.97


def _of_points(task, name):
    """A baseline of the task as a learner of points and labels."""

    def learn(x, y):
        label = jnp.where(jnp.arange(x.shape[1]) == 0, jnp.where(y, 1.0, -1.0)[:, None], 0.0)
        inputs = jnp.stack([x, label], 1).reshape(-1, x.shape[1])
        zeros = jnp.zeros(len(inputs))
        return task.baselines()[name](Example(inputs, zeros.astype(jnp.int32), zeros, {}))[::2]

    return learn


def test_bayes_on_sparse_parities_is_the_vote_of_those_that_fit():
    x, y = prompts(task := Boolean(family="sparse_parity", dimensions=7, points=10), 30)
    ours = said(_of_points(task, "bayes"), x, y)
    pairs = list(itertools.combinations(range(7), 2))
    for b, point, i, points, labels in histories(x, y):
        fit = [
            (u, v) for u, v in pairs if all((p[u] != p[v]) == label for p, label in zip(points, labels, strict=True))
        ]
        votes = np.mean([point[u] != point[v] for u, v in fit])
        assert votes == 0.5 or ours[b, i] == (votes > 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "n", "rival"),
    [("conjunction", 16, "elimination"), ("disjunction", 7, "elimination"), ("sparse_disjunction", 16, "elimination"),
     ("sparse_parity", 10, "gaussian_elimination"), ("cnf", 2, "averaging"), ("halfspace", 4, "max_margin")],
)  # fmt: skip
def test_bayes_is_no_worse_than_learners_that_know_less(family, n, rival):
    task = Boolean(family=family, dimensions=n, points=24)
    x, y = prompts(task, 600)
    right = {name: (said(_of_points(task, name), x, y) == np.asarray(y)).mean() for name in ("bayes", rival)}
    assert right["bayes"] > right[rival] - 0.005
    assert right["bayes"] > 0.8


@pytest.mark.parametrize("family", ["disjunction", "sparse_disjunction", "dnf", "halfspace", "nearest_neighbour"])
def test_no_baseline_looks_at_the_label_or_beyond(family):
    task = small(family)
    x, y = prompts(task, 20)
    i = 5
    unknown = x.at[:, i + 1 :].multiply(-1), y.at[:, i:].set(~y[:, i:])
    both = [jnp.concatenate(two) for two in zip((x, y), unknown, strict=True)]
    found = jit(jax.vmap(lambda x, y: {name: _of_points(task, name)(x, y) for name in task.baselines()}))(*both)
    for name, ours in jax.tree.map(np.asarray, found).items():
        assert set(np.unique(ours)) <= {-1, 0, 1}
        assert (ours[:20, : i + 1] == ours[20:, : i + 1]).all(), name
        assert ours.any() or name == "null"


def small(family):
    n = {"cnf": 2, "dnf": 2, "halfspace": 4, "threshold": 4}.get(family, 6)
    return Boolean(family=family, dimensions=n, points=9, start=4)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_its_baselines(family):
    task = small(family)
    enumerated = {"bayes"} if family != "nearest_neighbour" and family != "monotone_dnf" else set()
    expected = {"null", "averaging", "nearest_neighbours", *OWN.get(family, ()), *enumerated}
    assert set(task.baselines()) == expected
    assert set(task.replace(network=True).baselines()) == expected | {"network"}


OWN = {
    "conjunction": ("elimination", "bayes"),
    "monotone_conjunction": ("elimination", "bayes"),
    "disjunction": ("elimination", "bayes"),
    "sparse_disjunction": ("elimination", "bayes"),
    "monotone_dnf": ("closure",),
    "majority": ("perceptron", "max_margin"),
    "threshold": ("perceptron", "max_margin"),
    "halfspace": ("perceptron", "max_margin"),
    "parity": ("gaussian_elimination",),
    "sparse_parity": ("gaussian_elimination",),
    "nearest_neighbour": ("most_similar",),
}


@pytest.mark.slow
def test_the_net_learns_functions_from_the_prompt_that_are_no_half_spaces():
    x, y = prompts(Boolean(family="sparse_parity", dimensions=4, points=40), 6)
    assert (said(learners.network, x, y)[:, 20:] == np.asarray(y[:, 20:])).mean() > 0.9


def test_elimination_is_right_at_once_after_a_teaching_sequence():
    task = Boolean(family="conjunction", dimensions=10, points=24, teaching=True)
    examples = jit(jax.vmap(lambda key: task.sample(key, "unseen")))(jax.random.split(jax.random.key(0), 300))
    x, y = examples.inputs[:, ::2], np.asarray(examples.targets[:, ::2])
    right = said(partial(learners.eliminate, negated=True), x, jnp.asarray(y > 0)) == y
    after = np.arange(24) >= np.asarray(examples.facts["prefix"])[:, None]
    assert right[after].all()
    assert not right[~after].all()


def test_functions_are_enumerated_only_if_memory_can_hold_them():
    assert Boolean(family="conjunction", dimensions=8)._functions.functions() is not None
    assert Boolean(family="conjunction", dimensions=9)._functions.functions() is None
    pairs = Boolean(family="sparse_parity", dimensions=10)._functions.functions()
    assert pairs is not None
    assert pairs.shape == (45, 10)
