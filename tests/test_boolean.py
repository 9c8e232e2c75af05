"""What is true of the Boolean functions in context: laws, labels and what cannot be generated."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, chisquare, ks_2samp

from benchmarks import boolean as loops
from fields import check
from synthetic import contract
from synthetic.boolean import FAMILIES, Boolean
from synthetic.boolean.family import PRIME
from synthetic.boolean.packed import pack, unpack
from tests.boolean_draws import DRAWN, KINDS, boolean, draw, draws, each, functions, jit, says


@pytest.mark.slow
@pytest.mark.rotated(34, "synthetic/boolean/", "synthetic/contract/")
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_every_family_keeps_the_contract(kind, check):
    family, teaching = kind
    relevant = 2 if FAMILIES[family].sparse else 0
    check(
        boolean(family, 6, 24, relevant=relevant, start=5, teaching=teaching, teaching_share=0.5 if teaching else 1.0)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_are_the_functions_own_and_held_out_functions_are_new(family):
    tiny = boolean(family, 6).tiny()
    for seed in range(3):
        train, unseen = draws(tiny.replace(seed=seed), "train", "unseen", count=96)
        sides = []
        for batch in (train, unseen):
            for example in each(batch):
                assert example.targets[example.weights > 0].tolist() == tiny.oracle(example)
                assert (example.inputs[1::2, 0] > 0).tolist() == example.targets[::2].astype(bool).tolist()
            sides.append(set().union(*(tiny.identities(example) for example in each(batch))))
        assert all(sides)
        assert not sides[0] & sides[1]


def test_a_prompt_is_points_then_labels_as_the_paper_lays_it_out():
    task = boolean("conjunction", 40, 6)
    for example in each(draw(task, count=32)):
        x, y = example.inputs[::2], example.inputs[1::2]
        assert example.inputs.shape == (12, 40)
        assert set(np.unique(x)) == {-1, 1}
        assert set(np.unique(y[:, 0])) <= {-1, 1}
        assert not y[:, 1:].any()
        assert example.weights.tolist() == [1, 0] * 6
    assert draw(boolean("nearest_neighbour", 3, 6, start=4)).weights[0, ::2].tolist() == [0, 0, 0, 0, 1, 1]


def test_packing_keeps_points():
    for n in (1, 31, 32, 33, 64):
        ones = jnp.asarray(np.random.default_rng(n).random((5, n)) < 0.5)
        assert (unpack(pack(ones), n) == jnp.where(ones, 1, -1)).all()


@pytest.mark.parametrize("family", [name for name in DRAWN if name != "nearest_neighbour"])
def test_a_functions_value_is_its_multilinear_extension_so_its_own(family):
    task = boolean(family, 4)
    point = np.array([5, 60000, 77, 31234])
    drawn = np.unique(functions(task, draw(task, count=128)), axis=0)[:60]
    values = jit(jax.vmap(lambda f: task._functions.value(f, jnp.asarray(point, jnp.uint32))))(jnp.asarray(drawn))
    for function, value in zip(drawn, values.tolist(), strict=True):
        terms = itertools.product(*[(1 - int(p), int(p)) for p in point])
        true = zip(says(task, function), terms, strict=True)
        assert value == sum(math.prod(term) for label, term in true if label) % PRIME


@pytest.mark.parametrize(("family", "loop"), [("conjunction", loops.conjunction), ("dnf", loops.dnf)])
def test_prompts_are_distributed_as_those_of_a_loop_in_numpy(family, loop):
    batch = draw(boolean(family, loops.N, loops.M), count=1500)
    rng = np.random.default_rng(0)
    inputs, labels = map(np.array, zip(*(loop(rng) for _ in range(1500)), strict=True))
    assert batch.inputs.shape == inputs.shape
    assert same_law(batch.targets.sum(1), labels.sum(1))
    for statistic in (lambda x: abs(x[:, ::2].sum(1)).max(1), lambda x: abs(x[:, ::2].sum(1)).sum(1)):
        assert same_law(statistic(batch.inputs), statistic(inputs))


def same_law(ours, theirs):
    found: Any = ks_2samp(ours, theirs)
    return found.pvalue > 0.001


@pytest.mark.parametrize(
    ("family", "shares"),
    [
        ("conjunction", [0.7, 0.15, 0.15]),
        ("monotone_conjunction", [0.7, 0.3]),
        ("disjunction", [0.7, 0.15, 0.15]),
        ("cnf", [0.8, 0.1, 0.1]),
        ("monotone_dnf", [0.8, 0.2]),
        ("majority", [0.7, 0.3]),
        ("halfspace", [1 / 7] * 7),
        ("parity", [1 / 2] * 2),
    ],
)
def test_digits_are_as_frequent_as_in_the_paper(family, shares):
    found = functions(task := boolean(family, 24), draw(task, count=400))
    assert found.shape[1] in (24, 72)
    counts = np.bincount(found.reshape(-1), minlength=len(shares))
    assert chisquare(counts, np.array(shares) * found.size).pvalue > 0.001


def test_thresholds_are_uniform_and_sparse_families_have_as_many_variables_as_in_the_paper():
    task = boolean("threshold", 24)
    assert chisquare(np.bincount(functions(task, draw(task, count=600))[:, -1], minlength=6)).pvalue > 0.001
    for family, relevant, count in (("sparse_parity", 0, 2), ("sparse_disjunction", 0, 4), ("sparse_parity", 3, 3)):
        task = boolean(family, 24, relevant=relevant)
        assert set(functions(task, draw(task)).sum(1)) == {count}


@pytest.mark.parametrize(
    ("family", "share", "label"),
    [
        ("conjunction", 0.3, 1),
        ("disjunction", 0.3, 0),
        ("monotone_dnf", 0.35, 1),
        ("cnf", 0.3, 0),
        ("majority", 0.0, 1),
    ],
)
def test_a_share_of_points_is_planted_and_the_others_are_uniform(family, share, label):
    task, rng = boolean(family, 24, 40), np.random.default_rng(0)
    for knob, expected in ((-1.0, share), (0.0, 0.0), *([(0.8, 0.8)] if share else [])):
        chance, of = 0.0, 0
        batch = draw(task.replace(planted=knob), count=120)
        for function, example in zip(functions(task, batch), each(batch), strict=True):
            fresh = rng.choice([-1, 1], (60, 24)).tolist()
            free = np.mean([task._functions.says(function.tolist(), x) == label for x in fresh])
            chance += expected + (1 - expected) * free
            of += (example.targets[::2] == label).mean()
        assert abs(of - chance) / 120 < 0.03


def test_noise_flips_labels_of_training_in_the_prompt_and_in_the_targets():
    task = boolean("halfspace", 8, 50, noise_rate=0.2)
    train, seen, unseen = draws(task, "train", "seen", "unseen")
    flips = 0
    for example in each(train):
        wrong = np.not_equal(task.oracle(example), example.targets[::2])
        assert wrong.sum() == example.facts["flips"]
        assert ((example.inputs[1::2, 0] > 0) == example.targets[::2]).all()
        flips += wrong.sum()
    low, high = binom.interval(0.999, 64 * 50, 0.2)
    assert low <= flips <= high
    assert not seen.facts["flips"].any()
    assert not unseen.facts["flips"].any()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"teaching": True, "points": 15}, "task.points: at least 23, the length of teaching sequences with"),
        ({"family": "sparse_parity", "relevant": 29}, "task.relevant: at most task.dimensions = 28, got 29"),
        (
            {"family": "sparse_parity", "dimensions": 10, "pool": 35},
            "task.pool: training has at most 34 functions with",
        ),
        ({"dimensions": 3, "pool": 28}, "task.pool: training has at most 27 functions with task.family = conjunction"),
        ({"dimensions": 2}, "task.dimensions: at least 3 with task.family = conjunction, got 2"),
        ({"family": "parity", "dimensions": 31}, "task.dimensions: at most 2^31-1 functions can be numbered"),
        ({"family": "sparse_parity", "dimensions": 3, "relevant": 3}, "task.relevant: the 1 functions of 3 variables"),
        ({"family": "majority", "teaching": True}, "task.teaching: there are teaching sequences for conjunction, mono"),
        ({"teaching_share": 0.5}, "task.teaching_share: must be 1 without task.teaching, got 0.5"),
        ({"relevant": 2}, "task.relevant: is for sparse families, got 2 with task.family = conjunction"),
        ({"family": "halfspace", "literal_density": 0.5}, "task.literal_density: must be 0 with task.family = halfspa"),
        ({"literal_density": 0.001}, "task.literal_density: must be 0 or at least 0.01, got 0.001"),
        ({"family": "majority", "planted": 0.5}, "task.planted: must be -1 or 0 with task.family = majority"),
        ({"planted": -0.5}, "task.planted: must be -1 or at least 0, got -0.5"),
        ({"family": "nearest_neighbour", "points": 20}, "task.start: less than task.points = 20, got 20"),
        ({"family": "xor"}, "task.family: expected one of conjunction, monotone_conjunction, disjunction"),
    ],
)
def test_settings_that_cannot_be_generated_are_refused_in_one_line_that_names_the_key(values, error):
    task, errors = check(values, Boolean, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(error)
    assert "\n" not in errors[0]


def test_every_family_is_sound_with_the_papers_sizes():
    for family, teaching in KINDS:
        n = 20 if family == "parity" else 28
        assert list(boolean(family, n, 70, teaching=teaching).problems()) == []
