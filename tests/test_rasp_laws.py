"""The laws that tasks of length generalisation are drawn by."""

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.rasp.copying import Copy
from synthetic.rasp.counting import Count, Mode
from synthetic.rasp.majority import Majority
from synthetic.rasp.parity import Parity
from synthetic.rasp.samples import chosen
from tests.rasp_draws import fair, shown


def test_counting_begins_anywhere():
    task = Count(max_length=6, test_every=3, min_length=3, train_length=3, symbols=8)
    first = [int(prompt[1]) for prompt, *_ in shown(task)]
    assert fair(np.bincount(first, minlength=6))


def test_the_mode_is_one_symbol_of_five_and_any_of_the_alphabet():
    task = Mode(max_length=12, symbols=6, min_length=12, train_length=12)
    modes, distinct = [], []
    for prompt, answer, _ in shown(task):
        counts = np.unique(prompt[1:-1], return_counts=True)[1]
        assert (counts == counts.max()).sum() == 1
        modes.append("abcdef".index(answer[0]))
        distinct.append(len(counts))
    assert fair(np.bincount(modes))
    assert max(distinct) == 5


def test_letters_may_be_drawn_from_the_whole_alphabet():
    task = Mode(max_length=24, symbols=6, distinct=6, min_length=24, train_length=24)
    counts = [len(set(prompt[1:-1])) for prompt, *_ in shown(task)]
    assert max(counts) == 6


def test_the_zeros_of_a_majority_are_of_every_number_but_half_and_in_any_place():
    for n, numbers in ((4, [0, 1, 3, 4]), (5, [0, 1, 2, 3, 4, 5])):
        task = Majority(max_length=6, test_every=3, min_length=n, train_length=n)
        words = np.array([prompt[1:-1] for prompt, *_ in shown(task)]) == "0"
        counts = np.bincount(words.sum(1), minlength=n + 1)
        assert np.flatnonzero(counts).tolist() == numbers
        assert fair(counts[numbers])
        assert fair(words.sum(0))


def test_interleaved_words_have_a_part_of_the_length_within_that_of_training():
    task = Majority(max_length=15, test_every=5, interleaved=3, min_length=3, train_length=7)
    sizes = {int(facts["length"]): len(prompt) - 2 for prompt, _, facts in shown(task)}
    assert sizes == {3: 3, 4: 3, 5: 6, 6: 6, 7: 6}
    longer, split = task.conditions()["length_10"]
    assert {len(prompt) - 2 for prompt, *_ in shown(longer, split)} == {9 + 3}


def test_places_that_are_chosen_are_so_many_of_the_first_and_any_of_them():
    keys = jax.random.bits(jax.random.key(0), (2000, 7), jnp.uint32)
    picked = np.asarray(jax.vmap(chosen, (0, None, None))(keys, jnp.int32(5), jnp.int32(2)))
    assert (picked.sum(1) == 2).all()
    assert not picked[:, 5:].any()
    assert fair(np.unique(picked[:, :5] @ 2 ** np.arange(5), return_counts=True)[1])
    assert not jax.vmap(chosen, (0, None, None))(keys, jnp.int32(5), jnp.int32(0)).any()


def test_parity_with_uniform_numbers_of_ones_is_tested_apart_where_the_number_was_seen_in_training():
    task = Parity(max_length=12, test_every=6, train_length=4, bins=6, scratchpad=False, ones="uniform")
    trained = [
        sum(word == "1" for word in prompt) for prompt, *_ in shown(task.replace(min_length=4, packing=False), "train")
    ]
    assert fair(np.bincount(trained, minlength=5))
    conditions = task.conditions()
    assert [name for name in conditions if "/" in name] == [f"lengths_7_12/{part}" for part in ("fair", "seen", "new")]
    ones = {
        name: [sum(word == "1" for word in prompt) for prompt, *_ in shown(*conditions[f"lengths_7_12/{name}"])]
        for name in ("fair", "seen", "new")
    }
    assert (min(ones["seen"]), max(ones["seen"])) == (0, 4)
    assert (min(ones["new"]), max(ones["new"])) == (5, 12)
    assert abs(np.mean(ones["fair"]) - 9.5 / 2) < 0.3
    assert len({str(jax.tree.structure(variant)) for variant, _ in conditions.values()}) == 1


def test_unique_words_are_any_in_any_order():
    words = [tuple(prompt[1:-1]) for prompt, *_ in shown(Copy(max_length=2, symbols=3, min_length=2, train_length=2))]
    assert fair(np.unique(words, axis=0, return_counts=True)[1])
    assert len(set(words)) == 6
