"""What is true of Markov rewriting: its answers, its knobs, its finite sets and what it holds out."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from fields import check
from synthetic.markov import Markov
from synthetic.markov.fill import fill
from synthetic.task import Example

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def markov(alphabet, input_length, search_length, replace_length, **knobs):
    statics = {"input_length": input_length, "search_length": search_length, "replace_length": replace_length}
    return Markov(alphabet=alphabet, **statics, **knobs)


@partial(jit, static_argnums=(1, 2))
def _draw(task, split, count, seed):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(seed), count), split)


def draw(task, split="train", count=64, seed=0):
    """Examples as NumPy arrays with a leading axis."""
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, split, count, seed))


def strings(task, batch):
    """(x, y, z, answer) of each example, letters as characters."""
    cuts = np.cumsum([task.search_length, task.replace_length, task.input_length])
    for row, targets, weights in zip(batch.inputs, batch.targets, batch.weights, strict=True):
        x, y, z, _ = np.split(row, cuts)
        answer = targets[weights > 0]
        if task.search_length != task.replace_length:
            assert answer[-1] == task.alphabet + 1
            answer = answer[:-1]
        yield tuple("".join(chr(ord("a") + t) for t in part) for part in (x, y, z, answer))


SHAPES = [(2, 7, 2, 2), (3, 9, 3, 1), (2, 6, 1, 3), (26, 50, 20, 20)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("split", ["train", "unseen"])
def test_answers_are_str_replace_and_counts_are_str_count(shape, split):
    fits = shape[1] // shape[2]
    most = markov(*shape).rules_that_exist()

    @settings(max_examples=8)
    @given(st.data())
    def holds(data):
        least = data.draw(st.integers(1, fits))
        task = markov(
            *shape,
            num_rules=data.draw(st.integers(1, min(most, 10**6))),
            examples_per_rule=data.draw(st.sampled_from([0, 3, 10**9])),
            noop_rate=data.draw(st.sampled_from([0.0, 0.4, 1.0])),
            min_occurrences=least,
            max_occurrences=data.draw(st.integers(least, fits)),
            rule_power=data.draw(st.sampled_from([0.03, 1.0, 5.0])),
            seed=data.draw(st.integers(0, 2**31 - 1)),
        )
        assert list(task.problems()) == []
        batch = draw(task, split, seed=data.draw(st.integers(0, 2**31 - 1)))
        facts = [dict(zip(batch.facts, map(int, row), strict=True)) for row in zip(*batch.facts.values(), strict=True)]
        for (x, y, z, answer), fact in zip(strings(task, batch), facts, strict=True):
            assert answer == z.replace(x, y, 1)
            assert z.count(x) == fact["occurrences"]
            assert z.find(x) == fact["position"]
            if fact["noop"]:
                assert fact["occurrences"] == 0
            else:
                assert task.min_occurrences <= fact["occurrences"] <= task.max_occurrences

    holds()


@pytest.mark.parametrize(
    ("x", "y", "z", "answer"),
    [
        ("aa", "bac", "caaba", "cbacba"),
        ("iss", "art", "mississippi", "martissippi"),
        ("iss", "art", "canada", "canada"),
        ("abc", "d", "xabcabc", "xdabc"),
        ("aa", "b", "aaaa", "baa"),
    ],
)
def test_markov_rewriting_gives_the_answers_of_the_papers_examples(x, y, z, answer):
    task = markov(26, len(z), len(x), len(y))
    tokens = [jnp.array([ord(c) - ord("a") for c in text], jnp.int32) for text in (x, y, z)]
    end = [27] * (len(x) != len(y))
    expected = [ord(c) - ord("a") for c in answer] + end
    first = z.find(x)
    said, length = task._rewrite(tokens[1], tokens[2], jnp.int32(first), jnp.bool(first < 0))
    assert said[: int(length)].tolist() == expected
    inputs = jnp.concatenate([*tokens, jnp.array([26]), said])[:-1]
    assert inputs.shape == (task.spec.length,)
    assert task.oracle(Example(inputs, inputs, jnp.zeros(task.spec.length), {})) == expected


def test_the_aligned_example_is_rendered_as_the_papers_write_rules():
    inputs = jnp.array([ord(c) - ord("a") for c in "gcabfagcpgceqfaabpgc"])  # q is token 16, the equals sign
    example = Example(inputs, jnp.append(inputs[1:], 4), jnp.repeat(jnp.array([0.0, 1.0]), jnp.array([12, 8])), {})
    assert markov(16, 8, 2, 2).render(example) == ("gc -> ab : fagcpgce", "faabpgce")
    assert markov(30, 8, 2, 2).render(example)[1] == "5 0 0 1 15 6 2 4"


def test_occurrences_are_uniform_over_their_range():
    task = markov(2, 7, 2, 2, num_rules=1, min_occurrences=1, max_occurrences=3)
    count = draw(task, count=4096).facts["occurrences"]
    assert chisquare(np.bincount(count, minlength=4)[1:]).pvalue > 0.001


def test_occurrences_in_steps_are_the_mix_of_the_paper():
    """1, 5, 10, 15 and 20, each equally often (arXiv 2402.10891, section 4.5)."""
    task = markov(8, 40, 2, 2, num_rules=1, min_occurrences=1, max_occurrences=20, occurrence_step=5)
    found, times = np.unique(draw(task, count=4096).facts["occurrences"], return_counts=True)
    assert found.tolist() == [1, 5, 10, 15, 20]
    assert abs(times / 4096 - 0.2).max() < 0.04


def test_the_one_occurrence_is_equally_often_everywhere():
    position = jit(
        jax.vmap(lambda key: fill(jax.random.bits(key, (3, 9), jnp.uint32), jnp.array([0, 1]), jnp.int32(1), 3)[1])
    )
    found = np.asarray(position(jax.random.split(jax.random.key(3), 8000)))
    assert chisquare(np.bincount(found, minlength=8)).pvalue > 0.001


@pytest.mark.parametrize("x", ["aa", "ab", "aba"])
def test_every_input_with_the_asked_number_of_occurrences_can_be_drawn(x):
    pattern = jnp.array([ord(c) - ord("a") for c in x])
    for count in range(3):
        draw = jit(
            jax.vmap(lambda key, n=count: fill(jax.random.bits(key, (3, 6), jnp.uint32), pattern, jnp.int32(n), 2)[0])
        )
        found = {"".join("ab"[t] for t in z) for z in np.asarray(draw(jax.random.split(jax.random.key(6), 4000)))}
        assert found == {z for z in map("".join, itertools.product("ab", repeat=6)) if z.count(x) == count}


def test_letters_around_a_pattern_of_one_are_uniform_over_the_others():
    draw = jit(
        jax.vmap(lambda key: fill(jax.random.bits(key, (3, 12), jnp.uint32), jnp.array([2]), jnp.int32(3), 5)[0])
    )
    letters = np.bincount(np.asarray(draw(jax.random.split(jax.random.key(4), 4000))).reshape(-1), minlength=5)
    assert letters[2] == 3 * 4000
    assert chisquare(np.delete(letters, 2)).pvalue > 0.001


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0, 2.0])
def test_rules_are_as_frequent_as_numpy_random_power_says(power):
    rules, count = 20, 20000
    task = markov(4, 6, 2, 2, num_rules=rules, rule_power=power)
    keys = jax.random.split(jax.random.key(5), count)
    found = np.asarray(_rules(task, keys))
    share = np.diff((np.arange(rules + 1) / rules) ** power)
    assert chisquare(np.bincount(found, minlength=rules), share * count).pvalue > 0.001
    theirs = (np.random.default_rng(0).power(power, count) * rules).astype(int)
    assert chisquare(np.bincount(theirs, minlength=rules), share * count).pvalue > 0.001


@jit
def _rules(task, keys):
    return jax.vmap(lambda key: task.sample(key, "train").facts["rule"])(keys)


def _counted(batch):
    _, counts = np.unique(np.concatenate([batch.inputs, batch.targets], 1), axis=0, return_counts=True)
    return counts


def test_a_finite_set_is_finite_and_its_examples_equally_frequent():
    task = markov(26, 8, 4, 4, num_rules=5, examples_per_rule=3)
    batch = draw(task, count=3000)
    counts = _counted(batch)
    assert len(counts) == 15
    assert chisquare(counts).pvalue > 0.001
    # Other keys draw from the same 15.
    again = draw(task, count=3000, seed=1)
    assert len(_counted(jax.tree.map(lambda a, b: np.concatenate([a, b]), batch, again))) == 15
    assert len(_counted(draw(task.replace(seed=1), count=3000))) == 15


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_a_finite_set_of_unequal_rules_has_the_stated_size_in_all(power):
    task = markov(26, 8, 4, 4, num_rules=10, examples_per_rule=6, rule_power=power)
    batch = draw(task, count=3000)
    counts = _counted(batch)
    assert abs(len(counts) - 60) <= 5  # each rule's number is rounded, and is one or more
    assert set(batch.facts["rule"].tolist()) == set(range(10))


def test_inputs_to_seen_rules_are_fresh_when_tested():
    task = markov(26, 8, 4, 4, num_rules=5, examples_per_rule=3)
    train, seen = draw(task, count=3000), draw(task, "seen", count=3000)
    assert len(_counted(seen)) > 2900
    trained = {row.tobytes() for row in train.inputs}
    assert not any(row.tobytes() in trained for row in seen.inputs)
    rules = {row[:8].tobytes() for row in train.inputs}
    assert {row[:8].tobytes() for row in seen.inputs} == rules


@pytest.mark.parametrize(("alphabet", "lengths"), [(2, (3, 4)), (3, (1, 3)), (4, (2, 2)), (6, (2, 1))])
def test_indices_are_the_rules_of_their_side_once_each_and_sides_share_nothing(alphabet, lengths):
    task = markov(alphabet, 8, *lengths)
    held = max(1, alphabet // 4)
    sides: dict[bool, list] = {}
    for held_out in (False, True):
        exist = task.rules_that_exist(held_out=held_out)
        values = held if held_out else alphabet - held
        assert exist == values**2 * alphabet ** (sum(lengths) - 2)
        over_rules = jax.vmap(lambda s, i, h=held_out: jnp.concatenate(s.rule(i, held_out=h)), (None, 0))
        over_seeds = jit(jax.vmap(lambda s, f=over_rules, n=exist: f(task.replace(seed=s), jnp.arange(n))))
        sides[held_out] = np.asarray(over_seeds(jnp.arange(40))).tolist()
    for trained, tested in zip(sides[False], sides[True], strict=True):
        for rules in (trained, tested):
            assert len({tuple(rule) for rule in rules}) == len(rules)
        for part in (slice(None, lengths[0]), slice(lengths[0], None)):
            ours, theirs = ({tuple(rule[part]) for rule in rules} for rules in (trained, tested))
            assert not ours & theirs
            # Together they are all there is, divided as stated.
            n = len(trained[0][part])
            assert (len(ours), len(theirs)) == ((alphabet - held) * alphabet ** (n - 1), held * alphabet ** (n - 1))
    assert len({str(rules) for rules in sides[False]}) > 30
    assert len({str(sorted({tuple(rule[: lengths[0]]) for rule in rules})) for rules in sides[True]}) > 1


def test_a_million_rules_are_distinct_and_cost_no_memory():
    task = markov(26, 50, 20, 20, num_rules=2**23)
    rule = jit(jax.vmap(lambda i: jnp.concatenate(task.rule(i, held_out=False))))
    index = jnp.concatenate([jnp.arange(100_000), 2**23 - 1 - jnp.arange(10_000)])
    rules = np.asarray(rule(index)).astype(np.uint8)
    assert len({row.tobytes() for row in rules}) == len(index)
    assert chisquare(np.bincount(rules.reshape(-1), minlength=26)).pvalue > 0.001

    sizes = []
    for num_rules in (10, 10**6):
        program = jax.make_jaxpr(lambda t, k: t.sample(k, "train"))(
            task.replace(num_rules=num_rules), jax.random.key(0)
        )
        sizes.append(str(program.jaxpr.eqns))
        assert all(np.size(constant) < 100 for constant in program.consts)
    assert sizes[0] == sizes[1]


def test_the_data_seed_alone_decides_the_rules():
    def rules(**changes):
        task = markov(26, 8, 4, 4, num_rules=10).replace(**changes)
        batch = draw(task, count=512)
        return {row[:8].tobytes() for row in batch.inputs}

    base = rules()
    assert len(base) == 10
    assert base == rules(noop_rate=0.5, examples_per_rule=7, max_occurrences=2)
    assert base < rules(num_rules=20)
    assert not base & rules(seed=1)
    assert not rules(seed=1) & rules(seed=2)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"search_length": 51}, "task.search_length: at most task.input_length = 50, got 51"),
        ({"min_occurrences": 2}, "task.min_occurrences: at most task.max_occurrences = 1, got 2"),
        ({"max_occurrences": 3}, "task.max_occurrences: at most 2 patterns of 20 fit in an input of 50, got 3"),
        (
            {"alphabet": 4, "search_length": 1, "replace_length": 2, "num_rules": 37},
            "task.num_rules: at most 36 rules exist for alphabet 4, search_length 1 and replace_length 2",
        ),
        ({"alphabet": 1}, "task.alphabet: expected an integer from 2 to 1000 (symbols), got 1"),
        ({"noop_rate": 1.5}, "task.noop_rate: expected a number from 0.0 to 1.0 (share), got 1.5"),
    ],
)
def test_settings_that_cannot_be_generated_are_refused_in_one_line_that_names_the_key(values, error):
    task, errors = check(values, Markov, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(error)
    assert "\n" not in errors[0]


def test_mixed_occurrences_are_all_that_fit_whatever_training_has():
    task = markov(16, 7, 2, 2, num_rules=50, min_occurrences=2, max_occurrences=2, noop_rate=0.5)
    variant, split = task.conditions()["unseen/mixed"]
    counts = np.bincount(draw(variant, split, 600).facts["occurrences"], minlength=4)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 0.001
