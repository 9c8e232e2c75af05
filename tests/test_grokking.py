"""Arithmetic modulo p and sparse parity: what training has, what a test asks, and how numbers are shown."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.engine import config, lane
from experiments.engine.lane import treedef
from experiments.errors import ConfigError
from synthetic.grokking.modular import Modular
from synthetic.grokking.parity import SparseParity

P = 11
SMALL = Modular(p=P, fraction=0.6, seed=3).materialise()
draw = jax.jit(
    lambda task, split, count: jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(0), count), split),
    static_argnums=(1, 2),
)


@pytest.fixture(scope="module")
def drawn():
    """The pairs of each split of a small task, met in 3,000 draws, with what is said of their mirrors."""
    batches = {split: jax.tree.map(np.asarray, draw(SMALL, split, 3000)) for split in SMALL.splits}
    return {
        split: dict(zip(map(tuple, x.inputs.tolist()), x.facts["mirrored"].tolist(), strict=True))
        for split, x in batches.items()
    }


def test_training_and_test_divide_all_pairs_at_the_share(drawn):
    assert len(drawn["train"]) == int(SMALL.size) == round(0.6 * P**2)
    assert not drawn["train"].keys() & drawn["test"].keys()
    assert len(drawn["train"]) + len(drawn["test"]) == P**2


def test_pairs_apart_are_the_tests_whose_mirror_is_in_no_training(drawn):
    assert drawn["apart"].keys() == {(a, b) for a, b in drawn["test"] if (b, a) not in drawn["train"]}
    for split in SMALL.splits:
        assert drawn[split] == {(a, b): (b, a) in drawn["train"] for a, b in drawn[split]}
    assert 0 < len(drawn["apart"]) < len(drawn["test"])


def test_another_data_seed_has_other_pairs_of_the_same_number():
    one, other = (Modular(p=P, fraction=0.6, seed=seed).materialise().sets for seed in (3, 4))
    assert one.sizes[0] == other.sizes[0]
    trained = [set(sets.order[: sets.sizes[0]].tolist()) for sets in (one, other)]
    assert len(trained[0] & trained[1]) < 0.9 * len(trained[0])


@pytest.mark.parametrize("code", ["one_hot", "binary"])
def test_numbers_are_shown_by_vectors_of_their_own(code):
    task = Modular(p=P, fraction=0.6, seed=3, code=code, bits=5).materialise()
    vectors, plain = draw(task, "train", 400), draw(SMALL, "train", 400)
    np.testing.assert_array_equal(vectors.targets, plain.targets)
    shown = {}
    rows = np.asarray(vectors.inputs).reshape(-1, task.spec.width_in)
    for number, vector in zip(np.asarray(plain.inputs).ravel(), rows, strict=True):
        assert shown.setdefault(int(number), vector.tolist()) == vector.tolist()
    assert len({tuple(vector) for vector in shown.values()}) == P
    if code == "one_hot":
        assert all(vector == np.eye(P)[number].tolist() for number, vector in shown.items())


def test_subtraction_and_multiplication_answer_as_arithmetic_does():
    for operation, answer in {"subtract": lambda a, b: (a - b) % P, "multiply": lambda a, b: a * b % P}.items():
        batch = draw(Modular(p=P, operation=operation).materialise(), "test", 64)
        np.testing.assert_array_equal(batch.targets[:, 1], answer(*np.asarray(batch.inputs).T))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["task=modular", "task.p=20", "task.code=binary", "task.bits=4"], "task.bits: must give task.p = 20 numbers "),
        (["task=modular", "task.fraction=1.0"], "task.fraction: must leave training and test a pair of the 12769, got"),
        (
            ["task=modular", "task.p=5", "task.fraction=0.96"],
            "task.fraction: must leave a pair whose mirror is held out",
        ),
        (["task=modular", "task.operation=divide"], "task.operation: expected one of add, subtract, multiply, got"),
        (["task=sparse_parity", "task.relevant=44"], "task.relevant: must be at most task.bits = 43, got 44"),
        (["task=sparse_parity", "task.bits=8", "task.samples=300"], "task.samples: must be at most 2^task.bits = 256,"),
        (["task=sparse_parity", "task.fraction=0.0"], "task.fraction: must leave training and test a vector of the "),
    ],
)
def test_settings_that_leave_nothing_to_ask_are_refused_in_one_line(words, fault):
    with pytest.raises(ConfigError) as refused:
        config.jobs([[*words, "model=mlp"]])
    assert refused.value.lines[0].startswith(fault)


def test_vectors_of_sparse_parity_differ_and_their_bits_and_answers_are_even():
    task = SparseParity(seed=5)
    batch = jax.jit(jax.vmap(lambda i: task.item(i, jax.random.key(0), "train")))(jnp.arange(2000))
    vectors = np.asarray(batch.inputs)[:, 0]
    assert len({vector.tobytes() for vector in vectors}) == 2000
    assert abs(vectors.mean(0) - 0.5).max() < 0.06
    assert abs(np.asarray(batch.targets).mean() - 0.5) < 0.05
    np.testing.assert_array_equal(batch.targets[:, 0], vectors[:, :3].sum(1) % 2)


def test_a_step_sees_the_whole_training_set_once_and_shares_of_it_are_lanes_of_one_program():
    words = ["task=modular", f"task.p={P}", "model=mlp", "train.order=epochs", "train.batch_size=100", "seed=3"]
    runs = [job.run for job in config.jobs([[*words, f"task.fraction={share}"] for share in (0.4, 0.8)])]
    assert treedef(runs[0]) == treedef(runs[1])
    run = runs[0].__class__(**{**vars(runs[0]), "task": runs[0].task.materialise()})
    batch = jax.jit(lane.draw_batch, static_argnums=3)(run, jnp.int32(7), jax.random.key(0), lane.WHOLE)
    seen = np.asarray(batch.inputs)[np.asarray(batch.weights)[:, 1] > 0]
    assert len(seen) == len(np.unique(seen, axis=0)) == int(run.task.size) == 48


@pytest.mark.parametrize("study", ["collapse", "direction"])
def test_precisions_and_shares_of_a_study_are_lanes_of_one_program(study):
    jobs = config.jobs(config.sweep([f"study=grokking/{study}/cpu"]))
    assert len({treedef(job.run) for job in jobs}) == 1
