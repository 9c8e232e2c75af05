"""What is true of the binary successor and of traversals of trees."""

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare

from synthetic import contract
from synthetic.recursion import Successor, Traversal
from synthetic.recursion.successor import LOOKS
from tests.generated import drawn, each, judged


@pytest.mark.slow
@pytest.mark.parametrize(("order", "answer_as"), [("most", "value"), ("least", "steps"), ("most", "steps")])
def test_other_orders_and_steps_of_the_successor_agree_with_the_oracle(order, answer_as):
    contract.oracle_agrees(Successor(max_length=9, test_length=8, train_length=8, order=order, answer_as=answer_as))


def test_carries_are_half_as_frequent_with_each_bit_and_edge_cases_alike():
    task = Successor(min_length=20, max_length=20)
    depths = drawn(task, count=4096).facts["depth"]
    counts = np.bincount(np.minimum(depths, 6), minlength=7)
    assert chisquare(counts, 4096 * np.array([0.5, 0.25, 0.125, 2**-4, 2**-5, 2**-6, 2**-6])).pvalue > 1e-3
    edges = drawn(task.replace(edge_share=1.0, min_edge=3, max_edge=6), count=4096).facts["depth"]
    assert chisquare(np.bincount(edges)[3:]).pvalue > 1e-3


def test_one_number_in_eight_is_held_out_and_those_with_a_deep_carry_never():
    task = Successor(min_length=9, train_length=9, max_length=9, test_length=9)
    sides = [set().union(*(task.identities(e) for e in each(drawn(task, split, count=4096)))) for split in task.splits]
    assert [len(side) for side in sides] == [7 * 31, 31], (
        "numbers with 3 bits or more above the carry, 2^8 - 2^3 in all"
    )
    assert not sides[0] & sides[1]


def test_a_program_that_looks_at_few_bits_explains_its_own_failures_and_no_others():
    task = Successor(max_length=12, test_length=12, train_length=12, min_length=12, edge_share=1.0)
    batch = drawn(task.replace(min_edge=5, max_edge=5), count=32)
    right = judged(task, batch, batch.targets)
    assert set(right) == {f"{name}_{look}" for name in ("stops", "window") for look in LOOKS}
    assert not any(score.any() for score in right.values()), "a right answer is no failure"
    # The carry of five bits stops after two: the third bit stays 1, and so do those above.
    place = np.arange(task.longest - 1)
    start = 13  # the target of the first bit
    stopped = np.where((place >= start + 2) & (place < start + 5), 4, batch.targets)
    stopped[:, start + 5] = 3
    scores = judged(task, batch, stopped)
    assert scores["stops_2"].all()
    assert not scores["stops_3"].any()
    assert not scores["window_2"].any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "answer_as"), [*itertools.product(("preorder", "inorder"), ("value", "steps", "step"))]
)
def test_every_traversal_agrees_with_its_oracle(order, answer_as):
    contract.oracle_agrees(Traversal(max_nodes=6, train_nodes=5, order=order, answer_as=answer_as))


@pytest.mark.slow
def test_nodes_are_split_evenly_and_an_edge_case_is_a_left_spine():
    task = Traversal(min_nodes=4, train_nodes=4)
    waiting = drawn(task, count=4096).facts["waiting"]
    # The longest way down to the left of four nodes: uniform splits give 1/24 spines to the left, and one to the right.
    assert np.mean(waiting == 3) == pytest.approx(1 / 24, abs=0.012)
    assert np.mean(waiting == 0) == pytest.approx(1 / 24, abs=0.012)
    spines = drawn(task.replace(edge_share=1.0), count=32)
    assert (spines.facts["waiting"] == 3).all()
    assert all(task.render(example)[0].startswith("t ( ") for example in each(spines))
