"""Which functions the Boolean tasks draw: pools, what is held out, and the sequences that teach one."""

import functools
import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, chisquare

from synthetic.boolean.family import PRIME, most
from synthetic.boolean.packed import unpack
from tests.boolean_draws import TAUGHT, boolean, draw, draws, each, functions, jit, says


@pytest.mark.parametrize("family", ["conjunction", "halfspace", "sparse_parity", "nearest_neighbour"])
def test_a_pool_of_so_many_functions_gives_so_many_and_the_data_seed_alone_decides_which(family):
    def pools(size, **fields):
        """Of training, of what is tested as seen and of what is not."""
        task = boolean(family, 10, 24, pool=size).replace(**fields)
        return [set(map(tuple, functions(task, b).tolist())) for b in draws(task, "train", "seen", "unseen", count=160)]

    ten, seen, unseen = pools(10)
    assert len(ten) == 10
    assert ten == seen == pools(10, noise_rate=0.5)[0]
    assert not ten & unseen
    assert ten < pools(20)[0]
    assert len(ten & pools(10, seed=1)[0]) < 8


@pytest.mark.parametrize(
    ("family", "n", "relevant"), [("sparse_parity", 10, 2), ("sparse_disjunction", 7, 3), ("parity", 5, 0)]
)
def test_a_counted_family_is_divided_three_to_one_with_every_function_on_one_side(family, n, relevant):
    task = boolean(family, n, 2, relevant=relevant)
    size = {10: 45, 7: 35, 5: 32}[n]
    divisions = set()
    for seed in range(4):
        train, unseen = (
            Counter(map(tuple, functions(task, b).tolist()))
            for b in draws(task.replace(seed=seed), "train", "unseen", count=600)
        )
        assert len(train) == size - size // 4
        assert len(unseen) == size // 4
        assert not train.keys() & unseen.keys()
        assert all(chisquare(list(c.values())).pvalue > 1e-4 for c in (train, unseen))
        divisions.add(frozenset(unseen))
    assert len(divisions) == 4


def test_an_eighth_of_large_families_is_held_out():
    task = boolean("conjunction", 20, 2)
    family, data = task._functions, jax.random.key(3)
    bits = jax.random.bits(jax.random.key(4), (4000, 20), jnp.uint32) & 0xFFFF
    point = jax.random.bits(data, (20,), jnp.uint32) % (PRIME - 3) + 2
    values = np.asarray(jit(jax.vmap(lambda b: family.value(family.draw(b, jnp.float32(0.3)), point)))(bits))
    # Equally often in every eighth of the circle.
    assert chisquare(np.bincount(values // (PRIME // 8 + 1), minlength=8)).pvalue > 0.001


def test_teaching_sequences_are_those_of_the_paper():
    def taught(family, digits, length):
        task = boolean(family, 4, 16, teaching=True)
        x, count = task._functions.teach(jnp.array(digits, jnp.int32), 16)
        assert int(count) == length
        points = np.asarray(unpack(x, 4))[:length].astype(int).tolist()
        return ["".join("+" if v > 0 else "-" for v in x) for x in points]

    assert taught("monotone_conjunction", [1, 0, 1, 0], 3) == ["+-+-", "--+-", "+---"]
    assert taught("conjunction", [1, 0, 2, 1], 5) == ["+--+", "++-+", "---+", "+---", "+-++"]
    assert taught("monotone_dnf", [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 6) == [
        "++--",
        "-+--",
        "+---",
        "----",
        "---+",
        "----",
    ]
    assert taught("sparse_parity", [0, 1, 0, 1], 2) == ["-+--", "---+"]


@pytest.mark.parametrize("family", TAUGHT)
def test_a_teaching_sequence_leaves_one_function_only(family):
    task = boolean(family, 4, 18, teaching=True, literal_density=0.0 if family == "sparse_parity" else 0.4)
    radices = task._functions.radices
    known = task._functions.functions() if family != "monotone_dnf" else None
    every = known if known is not None else np.array(list(itertools.product(*map(range, radices))))
    table = {says(task, function) for function in every.tolist()} if family != "monotone_dnf" else _three_terms()
    for example in each(draw(task, "unseen", count=24)):
        shown = int(example.facts["prefix"])
        points = ((example.inputs[: 2 * shown : 2] > 0) @ (8, 4, 2, 1)).astype(int)
        fits = [
            f for f in table if all(f[p] == y for p, y in zip(points, example.targets[: 2 * shown : 2], strict=True))
        ]
        own = says(task, task._digits(example))
        assert own in fits
        # Where terms repeat or imply one another fewer than three are shown, and another may be there.
        assert fits == [own] or (family == "monotone_dnf" and len(_minimal(own)) < 3)


@functools.cache
def _three_terms():
    """What the monotone DNFs of three terms over four variables say."""
    points = list(itertools.product((0, 1), repeat=4))
    terms = [tuple(all(x >= t for x, t in zip(p, term, strict=True)) for p in points) for term in points]
    return {tuple(map(any, zip(*three, strict=True))) for three in itertools.combinations_with_replacement(terms, 3)}


def _minimal(function):
    points = list(itertools.product((0, 1), repeat=4))
    true = [p for p, label in zip(points, function, strict=True) if label]
    return [p for p in true if not any(q != p and all(a <= b for a, b in zip(q, p, strict=True)) for q in true)]


def test_a_share_of_prompts_begins_with_a_teaching_sequence():
    task = boolean("conjunction", 10, 30, teaching=True, teaching_share=0.3)
    assert list(task.conditions()) == ["seen", "unseen", "unseen/prefix", "unseen/plain"]
    prefix = draw(task, count=1000).facts["prefix"] > 0
    low, high = binom.interval(0.999, 1000, 0.3)
    assert low <= prefix.sum() <= high
    for name, share in (("unseen/prefix", 1.0), ("unseen/plain", 0.0)):
        variant, split = task.conditions()[name]
        batch = draw(variant, split, count=200)
        assert (batch.facts["prefix"] > 0).mean() == share
        lengths = (functions(variant, batch) > 0).sum(1) + 2
        assert (batch.facts["prefix"] == lengths * share).all()
    assert list(boolean("conjunction", 10).conditions()) == ["seen", "unseen"]


def test_the_length_that_a_teaching_sequence_hardly_exceeds_is_of_the_binomial_law():
    for n in (1, 10, 40):
        for p in (0.1, 0.3, 0.9):
            assert most(n, p) == binom.isf(1e-6, n, p)
