"""What is true of episodes of classes in context: their laws, exact posteriors, and what learners of them know."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy import stats

from experiments.judging import results
from synthetic.episodes import ClassEpisodes
from synthetic.episodes.neighbours import same_class
from synthetic.episodes.ranks import ranks
from synthetic.episodes.vectors import FRESH, HELD_OUT, TRAINED, vectors
from tests.episode_draws import EPISODES, answers, draw, jit, logsumexp, numbered

CLASSES = ClassEpisodes(dimensions=16, classes=100, labels=20, room=128)


@pytest.mark.parametrize(
    "task",
    [
        CLASSES,
        CLASSES.replace(copies=1),
        CLASSES.replace(ways=2, copies=3, rank_exponent=1.0),
        CLASSES.replace(multiplicity=2, one_hot=True, bursty=0.5, fresh=0.5, copies=2),
    ],
    ids=["copies", "one copy", "two ways", "mixed"],
)
def test_contexts_have_the_layout_that_is_asked_for(task):
    groups = task.labels // task.multiplicity
    batch = draw(task, "train", 512)
    classes, labels, bursty = numbered(batch, "class"), numbered(batch, "label"), batch.facts["bursty"]
    assert set(batch.facts["stream"]) <= {TRAINED, FRESH}
    trained = batch.facts["stream"] == TRAINED
    assert (classes[trained] % groups == labels[trained] % groups).all()
    assert (batch.targets[:, -1] == labels[:, -1]).all()
    assert batch.weights.sum(1).tolist() == [1] * 512
    for row, shown in zip(classes[bursty], labels[bursty], strict=True):
        asked = row[:-1] == row[-1]
        counts = np.unique(row[:-1], return_counts=True)[1]
        if task.ways:
            assert asked.sum() >= task.copies
            assert (np.sort(counts)[-task.ways :] >= task.copies).all()
        else:
            assert set(counts) == {task.copies}
            assert len({label % groups for label in shown[:-1]}) == task.pairs // task.copies, "labels that differ"
        assert (shown[:-1][asked] == shown[-1]).all() or task.ways
    assert batch.inputs.shape == (512, 17, task.dimensions + task.labels * task.one_hot)


@pytest.mark.slow
def test_what_memory_alone_knows_is_not_in_the_context_and_moved_labels_are_the_next_ones():
    for split in ("memory", "common", "rare"):
        batch = draw(*CLASSES.replace(rank_exponent=1.0).conditions()[split])
        labels, classes = numbered(batch, "label"), numbered(batch, "class")
        assert not (labels[:, :-1] == labels[:, -1:]).any()
        if split != "memory":
            assert ((classes[:, -1] < CLASSES.common) == (split == "common")).all()
    moved = draw(*CLASSES.conditions()["moved"])
    assert ((numbered(moved, "class") + 1 - numbered(moved, "label")) % 20 == 0).all()


@pytest.mark.slow
def test_items_are_noisy_centres_of_their_class():
    batch = draw(CLASSES, "new", 64)
    assert set(batch.facts["stream"]) == {HELD_OUT}
    items, classes = batch.inputs[:, ::2], numbered(batch, "class")
    centres = vectors(0, HELD_OUT, jnp.asarray(classes.ravel()), 16).reshape(64, 9, 16) / 4
    noise = items * np.sqrt(1.01) - centres
    assert stats.kstest(noise.ravel() / 0.1 * 4, "norm").pvalue > 1e-3


@pytest.mark.slow
def test_classes_are_drawn_by_rank_inside_groups_and_without_one():
    law = ranks(100, 1.5, room=128, groups=20)
    weights = np.arange(1, 101) ** -1.5
    u = (np.arange(200_000) + 0.5) / 200_000
    drawn = np.bincount(law.by_rank(jnp.asarray(u, jnp.float32), 0, 100), minlength=128)
    np.testing.assert_allclose(drawn[:100] / 200_000, weights / weights.sum(), atol=2e-5)
    assert not drawn[100:].any()
    inside = np.bincount(law.in_group(jnp.asarray(u, jnp.float32), jnp.full(200_000, 3)), minlength=128)
    of_group = np.arange(3, 100, 20)
    np.testing.assert_allclose(inside[of_group] / 200_000, weights[of_group] / weights[of_group].sum(), atol=2e-3)
    assert inside[of_group].sum() == 200_000
    others = np.bincount(law.without_group(jnp.asarray(u, jnp.float32), jnp.int32(3)), minlength=128)
    assert not others[of_group].any()
    left = np.where(np.isin(np.arange(100), of_group), 0, weights)
    np.testing.assert_allclose(others[:100] / 200_000, left / left.sum(), atol=1e-4)


def copied(asked, items, labels, noise):
    """Returns the log-probability of each label that is shown, in float64, by a joint normal law of all items."""
    size, scores = len(asked), {}
    for label in np.unique(labels):
        own = np.stack([*items[labels == label], asked])
        joint = (np.ones((len(own), len(own))) + noise**2 * np.eye(len(own))) / (1 + noise**2) / size
        alone = joint[:-1, :-1]
        fit = sum(stats.multivariate_normal.logpdf(own[:, i], cov=joint) for i in range(size))
        fit -= sum(stats.multivariate_normal.logpdf(own[:-1, i], cov=alone) for i in range(size))
        scores[label] = np.log(len(own) - 1) + fit
    return scores


@pytest.mark.slow
def test_the_posterior_of_classes_in_context_is_that_of_joint_normal_laws():
    task = CLASSES.replace(dimensions=4, noise=0.8, copies=2)
    batch = draw(task, "new", EPISODES)
    labels = numbered(batch, "label")
    x = batch.inputs[:, ::2]
    shown = jax.nn.one_hot(labels[:, :-1], 20)
    ours = np.asarray(jit(jax.vmap(lambda x, y: same_class(x[-1:], x[:-1], y, 0.8)[0]))(x, shown), np.float64)
    probabilities = np.exp(ours - logsumexp(ours, -1, keepdims=True))
    for episode in range(EPISODES):
        right = copied(x[episode, -1], x[episode, :-1].astype(np.float64), labels[episode, :-1], 0.8)
        total = logsumexp(list(right.values()))
        for label, score in right.items():
            assert probabilities[episode, label] == pytest.approx(np.exp(score - total), abs=1e-5)


@pytest.mark.slow
def test_learners_of_classes_know_what_they_can():
    few = CLASSES.replace(copies=4)
    on = {
        split: draw(few.conditions()[split][0], few.conditions()[split][1], 512) for split in ("new", "moved", "memory")
    }
    right = {
        split: {name: (answer[:, -1] == batch.targets[:, -1]).mean() for name, answer in answers(few, batch).items()}
        for split, batch in on.items()
    }
    for name in ("copying", "nearest_item", "nearest_mean"):
        assert right["new"][name] == right["moved"][name] == 1
        assert right["memory"][name] == 0
    assert right["memory"]["memory"] == 1
    assert right["moved"]["memory"] == 0
    assert right["new"]["random_label"] == pytest.approx(0.5, abs=0.08)
    noisy = CLASSES.replace(dimensions=4, noise=0.8, copies=2)
    batch = draw(noisy, "new", 2048)
    scores = {name: (answer[:, -1] == batch.targets[:, -1]) for name, answer in answers(noisy, batch).items()}
    for name, score in scores.items():
        gain = score.astype(float) - scores["copying"]
        assert gain.mean() <= 3 * gain.std() / 2048**0.5, f"{name} beats the posterior"


def test_no_recorded_model_beats_the_posterior_of_classes_in_context():
    recorded = [study for study in results.recorded() if study.startswith("icl/")]
    tables = [results.read(results.path_for(study)) for study in recorded]
    for study, table in zip(recorded, tables, strict=True):
        if "copying" in set(table["learner"]):
            ends = table.filter(pl.col("final"), pl.col("position").is_null(), condition="new")
            means = {name: rows["exact_match"].mean() for (name,), rows in ends.group_by("learner")}
            examples = int(ends["examples"].to_numpy().min()) * ends.filter(learner="model")["run"].n_unique()
            slack = 3 * np.sqrt(0.25 / examples)
            assert means["model"] <= means["copying"] + slack, study
