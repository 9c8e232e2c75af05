"""The laws of carries: one chain through all digits, chains of any length and place, and those of uniform digits."""

import numpy as np
import pytest

from synthetic.rasp.addition import Addition
from tests.rasp_draws import fair, shown

REVERSE = Addition(max_length=6, test_every=3, train_length=4)
PLAIN = REVERSE.replace(order="forward", hints=False)


def pairs(prompt):
    """The sums of the operands' pairs of digits, the lowest first, without the leading zeros."""
    digits = [[int(w) for w in part.split() if w.isdigit()] for part in " ".join(prompt).split("+")]
    return [a + b for a, b in zip(*digits, strict=True)][:0:-1]


def chain_lengths(sums):
    """By school arithmetic: how many places each carry goes through before a pair ends or renews it."""
    found, now = [], 0
    for s in sums:
        carry = s + (now > 0) >= 10
        now = 0 if not carry else 1 if s >= 10 else now + 1
        found.append(now)
    return found


@pytest.mark.parametrize("task", [REVERSE, PLAIN], ids=["reverse", "plain"])
def test_hard_carries_go_through_all_digits(task):
    task, split = task.conditions()["hard/length_6"]
    for prompt, answer, facts in shown(task, split):
        assert chain_lengths(pairs(prompt)) == [1, 2, 3, 4, 5, 6]
        assert facts["chain"] == 6
        assert (answer[-2] if "h" in answer[0] else answer[0]) == "1"


def test_balanced_carries_have_one_chain_of_uniform_length_and_place():
    task = REVERSE.replace(packing=False, min_length=4, carries=1.0)
    lengths, places = [], []
    for prompt, _, facts in shown(task, "train"):
        sums = pairs(prompt)
        chains = chain_lengths(sums)
        lengths.append(max(chains))
        assert facts["chain"] == max(chains)
        assert [s for s, c in zip(sums, chains, strict=True) if c == 0 and s > 8] == []
        assert sum(c > 0 for c in chains) == max(chains)
        if max(chains) == 2:
            places.append(chains.index(1))
    assert fair(np.bincount(lengths))
    assert fair(np.bincount(places, minlength=3))


def test_standard_carries_are_of_uniform_digits():
    task, split = PLAIN.replace(carries=1.0).conditions()["length_6"]
    digits, lengths = [], []
    for prompt, _, facts in shown(task, split):
        digits += [int(word) for word in prompt if word.isdigit()]
        assert max(chain_lengths(pairs(prompt))) == facts["chain"]
        lengths.append(facts["chain"])
    assert fair(np.bincount(digits) - np.eye(10, dtype=int)[0] * 2 * len(lengths))
    assert np.mean(np.equal(lengths, 6)) < 0.01
