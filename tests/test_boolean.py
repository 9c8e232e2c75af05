"""What is true of the Boolean functions in context: laws, labels, teaching sequences, pools and what is held out."""

import functools
import itertools
import math
from collections import Counter
from functools import partial
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
from synthetic.boolean.family import PRIME, Counted
from synthetic.boolean.packed import pack, unpack

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

TAUGHT = [name for name, family in FAMILIES.items() if family.taught]
DRAWN = [name for name, family in FAMILIES.items() if not issubclass(family, Counted)]
KINDS = [(name, teaching) for name in FAMILIES for teaching in ([False, True] if name in TAUGHT else [False])]


def boolean(family, n, m=8, **fields):
    return Boolean(family=family, dimensions=n, points=m, **fields)


@partial(jit, static_argnums=(1, 2))
def _draw(task, splits, count, seed):
    keys = jax.random.split(jax.random.key(seed), count)
    return [jax.vmap(task.sample, (0, None))(keys, split) for split in splits]


def draws(task, *splits, count=64, seed=0):
    """Examples of each split as NumPy arrays with a leading axis; the splits share a program."""
    assert list(task.problems()) == []
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, splits, count, seed))


def draw(task, split="train", count=64, seed=0):
    return draws(task, split, count=count, seed=seed)[0]


def each(batch):
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(len(batch.inputs)))


def functions(task, batch):
    """The digits of each example's function."""
    return np.array([task._digits(example) for example in each(batch)])


def says(task, function):
    """All that a function says, in plain Python: a tuple over the 2^n points, -1 before 1 in each variable."""
    every = itertools.product((-1, 1), repeat=task.dimensions)
    return tuple(task._functions.says(list(map(int, function)), list(x)) for x in every)


@pytest.mark.slow
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
def test_prompts_have_the_law_of_a_loop_in_numpy(family, loop):
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
def test_what_cannot_be_generated_is_one_line_that_names_its_key(values, error):
    task, errors = check(values, Boolean, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(error)
    assert "\n" not in errors[0]


def test_every_family_is_sound_with_the_papers_sizes():
    for family, teaching in KINDS:
        n = 20 if family == "parity" else 28
        assert list(boolean(family, n, 70, teaching=teaching).problems()) == []
