"""What is true of rules of restricted families: their patterns, the shares of their kinds, what is held out, errors."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fields import check
from synthetic.markov import MarkovFamilies
from synthetic.markov.kinds import FAMILIES, divisors, kinds

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def families(alphabet=16, pattern=12, spare=2, **knobs):
    """A task whose patterns have the length `pattern`, in inputs of `spare` letters more."""
    lengths = {"input_length": pattern + spare, "search_length": pattern, "replace_length": pattern}
    return MarkovFamilies(alphabet=alphabet, **lengths, **({"max_k": pattern} | knobs))


def numeric(task):
    return jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)


@partial(jit, static_argnums=(1, 2))
def _draw(task, split, count, seed):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(seed), count), split)


def draw(task, split="train", count=256, seed=0):
    """Examples as NumPy arrays with a leading axis."""
    return jax.tree.map(np.asarray, _draw(numeric(task), split, count, seed))


@partial(jit, static_argnums=(1, 2))
def _rules(task, count, held_out):
    return jax.vmap(
        lambda index: (task.rule(index, held_out=held_out), task._kind(index, task._kinds(held_out=False))[0])
    )(jnp.arange(count))


def rules(task, count, *, held_out=False):
    """(x, y, kind) of the first `count` rules of a side."""
    (x, y), kind = jax.tree.map(np.asarray, _rules(numeric(task), count, held_out))
    return [(tuple(a), tuple(b), c) for a, b, c in zip(x.tolist(), y.tolist(), kind.tolist(), strict=True)]


def built(family, k, letters):
    """A pattern as the paper words it, from its free letters."""
    if family == "repeated":
        return "".join(letter * k for letter in letters)
    copies = [letters[::-1] if family == "mirrored" and i % 2 else letters for i in range(k)]
    return "".join(copies)


def test_families_of_rules_give_the_answers_of_the_papers_examples():
    assert built("repeated", 3, "abc") == "aaabbbccc"
    assert built("periodic", 2, "abc") == "abcabc"
    assert built("mirrored", 3, "abc") == "abccbaabc"


@pytest.mark.parametrize("split", ["train", "unseen"])
def test_both_sides_of_a_rule_are_of_its_family_and_k(split):
    task = families(min_k=2, plain=1.0, num_rules=200)
    batch = draw(task, split)
    met = set()
    for row, family, k in zip(batch.inputs, batch.facts["family"], batch.facts["k"], strict=True):
        name, free = FAMILIES[family], 12 // int(k)
        for pattern in (row[:12], row[12:24]):
            text = "".join(map(chr, 97 + pattern))
            # Its free letters stand first in all families but the repeated one.
            letters = text[:: int(k)] if name == "repeated" else text[:free]
            assert built(name, int(k), letters) == text
        met.add((name, int(k)))
    assert met == {(name, k) for name in FAMILIES[:3] for k in (2, 3, 4, 6, 12)} | {("plain", 1)}


@settings(max_examples=15)
@given(st.data())
def test_every_kind_has_its_share_of_any_number_of_rules(data):
    weights = dict(zip(FAMILIES, data.draw(st.tuples(*[st.sampled_from([0.0, 0.5, 2.0])] * 4)), strict=True))
    low, high = sorted(data.draw(st.tuples(*[st.sampled_from([1, 2, 3, 4, 6, 12])] * 2)))
    if not any(weights.values()):
        return
    task = families(min_k=low, max_k=high, **weights)
    table = task._kinds(held_out=False)
    of_slot, before, share = map(np.asarray, task._slots(table))
    ks = sum(low <= k <= high for k in divisors(12))
    for kind, (family, k) in enumerate(zip(table.family, table.k, strict=True)):
        part = weights[FAMILIES[family]] / sum(weights.values())
        if FAMILIES[family] != "plain":
            part = part / ks if low <= k <= high else 0.0
        assert abs(share[kind] - 256 * part) <= 1
        places = np.flatnonzero(of_slot == kind)
        assert before[places].tolist() == list(range(share[kind]))
        # Of the first rules too, so that a skew over rules is not one over kinds.
        assert abs((places < 64).sum() - share[kind] / 4) <= 2


@pytest.mark.parametrize("alphabet", [2, 3, 16, 30])
def test_all_rules_of_a_kind_are_distinct_up_to_the_last(alphabet):
    task = families(alphabet, 4, min_k=2, repeated=1.0, periodic=0.0, mirrored=0.0)
    exist = min(task.rules_that_exist(), 2000)
    assert list(task.replace(num_rules=exist).problems()) == []
    found = rules(task, exist)
    assert len(set(found)) == exist
    if exist < 2000:
        last = found[-1][2]
        size = task._kinds(held_out=False).sizes
        used = [sum(kind == of for *_, kind in found) for of in range(len(size))]
        assert any(used[kind] == size[kind] for kind in range(len(size))), last


@pytest.mark.parametrize("alphabet", [2, 3])
def test_no_side_of_a_test_rule_is_met_in_training_whatever_its_kind(alphabet):
    """Patterns of six letters of few, nearly all of which are met: luck would fail."""
    task = families(alphabet, 6, min_k=1, plain=1.0, num_rules=100)
    for seed in range(4):
        sides = [rules(task.replace(seed=seed), 4096, held_out=held_out) for held_out in (False, True)]
        for place in (0, 1):
            trained, tested = ({rule[place] for rule in side} for side in sides)
            assert not trained & tested
            assert len(trained | tested) > 0.6 * alphabet**6


def test_the_checksum_can_take_any_value_in_every_kind():
    for alphabet, n in itertools.product((2, 3, 6, 16, 26, 30), (1, 2, 4, 6, 12)):
        table = kinds(alphabet, n, 1)
        coefficient = table.sums[np.arange(len(table.k)), table.last]
        assert all(math.gcd(int(c), alphabet) == 1 for c in coefficient)
        assert ((coefficient * table.inverse) % alphabet == 1 % alphabet).all()


def test_conditions_hold_rules_of_the_kinds_in_their_names():
    task = families(min_k=3, num_rules=100)
    for name, (variant, split) in task.conditions().items():
        facts = draw(variant, split).facts
        _, _, family = name.partition("unseen/")
        family, _, low = family.partition("/")
        if family in FAMILIES:
            assert {FAMILIES[i] for i in facts["family"]} == {family}
        if low:
            assert set(facts["k"].tolist()) == {2}
        elif family != "plain":
            assert set(facts["k"].tolist()) == {3, 4, 6, 12}
    assert set(draw(*task.conditions()["unseen/plain"]).facts["k"].tolist()) == {1}


ERRORS = [
    ({"replace_length": 10}, "task.replace_length: must be task.search_length = 12, got 10"),
    ({"repeated": 0.0, "periodic": 0, "mirrored": 0}, "task.repeated: must be above 0, or else task.periodic,"),
    ({"min_k": 5, "max_k": 4}, "task.min_k: must be at most task.max_k = 4, got 5"),
    (
        {"min_k": 7, "max_k": 11},
        "task.min_k: must leave a k up to task.max_k = 11 that divides task.search_length = 12 (1, 2, 3, 4, 6, 12)",
    ),
    ({"max_k": 500}, "task.max_k: at most task.search_length = 12, got 500"),
    (
        {"mirrored": 0.001},
        "task.mirrored: too small a weight for rules of k = 3: with task.min_k = 3 and task.max_k = 12 its share must",
    ),
    ({"min_k": 0}, "task.min_k: expected an integer from 1 to 500"),
    ({"plain": -1.0}, "task.plain: expected a number from 0.0"),
    ({"num_rules": 8000}, "rules of k = 12 run out first (task."),
]


@pytest.mark.parametrize(("values", "message"), ERRORS, ids=[str(values) for values, _ in ERRORS])
def test_impossible_families_are_refused_in_one_line_that_names_the_keys(values, message):
    _, errors = check(values, MarkovFamilies, "task")
    assert len(errors) == 1
    assert message in errors[0]
    assert "\n" not in errors[0]


def test_a_k_that_no_family_uses_is_accepted():
    _, errors = check(
        {"repeated": 0, "periodic": 0, "mirrored": 0, "plain": 1, "min_k": 7, "max_k": 11}, MarkovFamilies, "task"
    )
    assert errors == []
