"""Bags have the instances that the unit tests of multiple-instance learning state, and no more."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, mannwhitneyu

from synthetic import contract
from synthetic.bags import KINDS, PLACES, Bags, area
from synthetic.draws import normal

COUNT = 400


def bags_of(task: Bags, split: str):
    """Returns `COUNT` bags of a split, and how many instances of each kind each has, by label and kind."""
    batch = jax.jit(jax.vmap(task.sample, (0, None)), static_argnums=1)(
        jax.random.split(jax.random.key(7), COUNT), split
    )
    batch = jax.tree.map(np.asarray, batch)
    label = batch.targets[:, -1]
    counts = {of: {kind: batch.facts[kind][label == of] for kind in KINDS} for of in (0, 1)}
    return batch, counts


def ranges(counts) -> dict[str, tuple[int, int]]:
    return {kind: (int(n.min()), int(n.max())) for kind, n in counts.items() if n.max() > 0}


def test_the_poison_goes_with_negative_bags_in_training_and_with_positive_ones_in_the_flipped_law():
    for test, first in (("cue", {}), ("concepts", {"first": (0, 1), "second": (0, 1)})):
        task = Bags(test=test)
        plain = (1, 9) if test == "cue" else (1, 4)
        _, fresh = bags_of(task, "fresh")
        assert ranges(fresh[0]) == {"plain": plain, "poison": (1, 1), **first}
        assert "poison" not in ranges(fresh[1])
        _, flipped = bags_of(task, "flipped")
        assert ranges(flipped[0]) == {"plain": plain, **first}
        assert ranges(flipped[1])["poison"] == (1, 1)


@pytest.mark.slow
def test_positive_bags_have_cues_or_both_concepts():
    for split in ("train", "fresh", "flipped"):
        _, counts = bags_of(Bags(), split)
        cues = {n: counts[n]["wide"] + counts[n]["shifted"] for n in (0, 1)}
        assert (cues[0].max(), cues[1].min(), cues[1].max()) == (0, 1, 3)
        assert 0.35 < (counts[1]["wide"] > 0).mean() < 0.65
        _, counts = bags_of(Bags(test="concepts"), split)
        assert {kind: ranges(counts[1])[kind] for kind in ("first", "second", "plain")} == dict.fromkeys(
            ("first", "second", "plain"), (1, 4)
        )
        assert (counts[0]["first"] + counts[0]["second"] == 1).all()
    _, counts = bags_of(Bags(shifted_rate=0.0), "fresh")
    assert counts[1]["shifted"].max() == 0


@pytest.mark.slow
def test_the_flipped_negative_bags_of_the_frequency_test_have_many_copies_of_one_concept():
    task = Bags(test="frequency")
    _, fresh = bags_of(task, "fresh")
    assert ranges(fresh[1]) == {"plain": (1, 9), "first": (1, 1), "second": (1, 1)}
    assert (fresh[0]["first"] + fresh[0]["second"] == 1).all()
    _, flipped = bags_of(task, "flipped")
    most, least = (pick(flipped[0]["first"], flipped[0]["second"]) for pick in (np.maximum, np.minimum))
    assert (most.min(), most.max(), least.max()) == (35, 39, 0)
    assert 0.34 < (flipped[0]["first"] > 0).mean() < 0.54, "four in nine"
    assert ranges(flipped[1]) == ranges(fresh[1])


@pytest.mark.slow
@pytest.mark.parametrize("test", PLACES)
def test_labels_can_be_read_from_the_vectors(test):
    """Finds concepts by their centres, and wide cues by their squared norms, as far as these tell."""
    task = Bags(test=test, shifted_rate=0.0)
    batch, _ = bags_of(task, "flipped")
    centres = {"concepts": (2, 3), "frequency": (-2, 2)}.get(test, ())
    right = 0
    for n in range(COUNT):
        raw = task.raw(jax.tree.map(lambda x, n=n: x[n], batch))
        if test == "cue":
            says = ((np.square(raw).sum(1) > 45) & (raw.mean(1) > -5)).any()
        else:
            says = all((np.abs(raw - centre) < 0.8).all(1).any() for centre in centres)
        right += says == batch.targets[n, -1]
    assert right >= (COUNT if centres else 0.97 * COUNT)


@pytest.mark.slow
@pytest.mark.parametrize("test", PLACES)
@pytest.mark.parametrize("filled", [False, True])
def test_coordinates_are_standardised_over_the_instances_of_the_training_law(test, filled):
    task = Bags(test=test, filled=filled, poison_rate=0.25)
    batch, _ = bags_of(task, "fresh")
    there = batch.inputs[..., -1] == 1
    values = batch.inputs[there][:, :-1]
    assert values.mean() == pytest.approx(0, abs=0.08)
    assert values.std() == pytest.approx(1, abs=0.08)
    assert not batch.inputs[~there].any()
    sizes = there.sum(1)
    assert (sizes == PLACES[test]).all() if filled else len(set(sizes.tolist())) > 3


def test_normal_numbers_of_bits_are_finite_at_the_ends_and_standard_between():
    ends = np.asarray(normal(jnp.array([0, 2**32 - 1], jnp.uint32)))
    assert ends[0] == -ends[1]
    assert -6 < ends[0] < -5
    values = np.asarray(normal(jax.random.bits(jax.random.key(0), (20000,))))
    assert kstest(values, "norm").pvalue > 0.01


@pytest.mark.slow
def test_every_second_bag_of_the_training_set_is_positive_and_bags_stay():
    task = Bags(examples=10, dimensions=2)
    items = [
        jax.vmap(task.item, (0, 0, None))(jnp.arange(10), jax.random.split(jax.random.key(seed), 10), "train")
        for seed in (0, 1)
    ]
    np.testing.assert_array_equal(items[0].inputs, items[1].inputs)
    assert items[0].targets[:, -1].tolist() == [0, 1] * 5


def test_the_area_under_the_curve_is_that_of_mann_and_whitney_with_ties_counted_half():
    random = np.random.default_rng(0)
    scores, labels = random.integers(0, 6, 200).astype(np.float32), random.integers(0, 2, 200)
    positive, negative = scores[labels == 1], scores[labels == 0]
    wanted = mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative))
    assert float(area(jnp.asarray(scores), jnp.asarray(labels))) == pytest.approx(wanted, abs=1e-6)
    assert float(area(jnp.zeros(4), jnp.array([0, 1, 0, 1]))) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("test", ["concepts", "frequency"])
def test_the_other_unit_tests_keep_the_contract(test):
    for check in contract.CHECKS:
        check(Bags(test=test, dimensions=3))
