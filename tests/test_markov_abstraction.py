"""What is true of rewriting with abstraction: its identities, its expressions, its answers and what it holds out."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from fields import check
from synthetic.markov import MarkovAbstraction, terms, trees
from synthetic.markov.identities import identity, sides
from synthetic.task import Example

COUNT = 256
OPERATORS, VARIABLES = "+-*/", "ABC"

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@partial(jit, static_argnums=1)
def _draw(task, split, seed):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(seed), COUNT), split)


def draw(task, split="train", seed=0):
    """Examples as NumPy arrays with a leading axis."""
    assert list(task.problems()) == []
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, split, seed))


def each(batch):
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(COUNT))


def expressions(task, batch):
    """(left side, right side, expression, answer) of each example as nested tuples."""
    for example in each(batch):
        prompt, answer = task.render(example)
        rule, expression = prompt.removesuffix(" >").split(" : ")
        said = [[t for t in text.split() if t != "."] for text in (*rule.split(" = "), expression, answer)]
        yield tuple(terms.parse(part, OPERATORS) for part in said)


def depth(term):
    return 0 if isinstance(term, str) else 1 + max(depth(term[1]), depth(term[2]))


def parse(text):
    return terms.parse(text.split(), OPERATORS)


SMALL = MarkovAbstraction(max_depth=1, test_depth=1, diverse_depth=1, variables=2)
DEEP = MarkovAbstraction(max_depth=3, max_ground_depth=1, test_depth=3, depth=2, ground_depth=1, num_rules=10**5)


@pytest.mark.parametrize("split", ["train", "unseen"])
@pytest.mark.parametrize("task", [SMALL, DEEP], ids=["small", "deep"])
def test_the_left_side_stands_once_where_a_leaf_was_and_the_answer_has_the_right_side_there(task, split):
    batch = draw(task, split)
    for (left, right, expression, answer), of in zip(expressions(task, batch), batch.facts["depth"], strict=True):
        (found,) = terms.matches(left, expression, VARIABLES)
        bound = terms.match(left, found, VARIABLES)
        assert bound is not None
        assert set(bound) == set(VARIABLES[: task.variables])
        assert {depth(term) for term in bound.values()} == {task.ground_depth}
        # The answer is the expression but for this one place, as text.
        before, after = (" ".join(terms.format_term(terms.put(side, bound))) for side in (left, right))
        whole = " ".join(terms.format_term(expression))
        assert " ".join(terms.format_term(answer)) in {
            whole[:i] + after + whole[i + len(before) :] for i in range(len(whole)) if whole.startswith(before, i)
        }
        context = terms.rewrite(expression, left, "a", VARIABLES)
        assert depth(context) == of
        assert task.min_depth <= of <= task.depth


def test_every_depth_comes_equally_often_and_every_leaf_is_the_hole():
    task = DEEP.replace(min_depth=1, depth=2, num_rules=10)
    batch = draw(task)
    assert chisquare(np.bincount(batch.facts["depth"], minlength=3)[1:]).pvalue > 0.001
    task = SMALL.replace(min_depth=1)
    batch = draw(task)
    on_the_left = sum(not isinstance(expression[1], str) for _, _, expression, _ in expressions(task, batch))
    assert chisquare([on_the_left, COUNT - on_the_left]).pvalue > 0.001


@pytest.mark.parametrize(
    ("rule", "expression", "answer"),
    [
        ("- * A A * B B = * + A B - A B", "+ d - * c c * f f", "+ d * + c f - c f"),
        ("* A + B C = + * A B * A C", "* - a b + c / d e", "+ * - a b c * - a b / d e"),
        ("+ * A B * A C = * A + B C", "+ * a b * a c", "* a + b c"),
        # The first in prefix order is the outermost, then the leftmost.
        ("+ + A B C = + A + B C", "+ + + a b c d", "+ + a b + c d"),
        ("+ * A B C = - A B", "* + * a b c + * c b a", "* - a b + * c b a"),
        ("/ * A B A = - B B", "+ / * a b c / * c b c", "+ / * a b c - b b"),
    ],
)
def test_the_plain_rewriter_on_known_identities(rule, expression, answer):
    left, right = map(parse, rule.split(" = "))
    assert terms.rewrite(parse(expression), left, right, VARIABLES) == parse(answer)
    assert terms.format_term(parse(answer)) == answer.split()


def test_the_plain_rewriter_refuses_non_expressions_and_finds_no_rule_where_none_applies():
    with pytest.raises(ValueError, match="is cut"):
        parse("+ a")
    with pytest.raises(ValueError, match="b follows"):
        parse("a b")
    assert terms.rewrite(parse("+ a / b b"), parse("* A / B B"), "A", VARIABLES) is None


def patterns(operators, variables):
    """All patterns of a root with one or two operators beneath it, as nested tuples, by brute force."""
    names = VARIABLES[:variables]
    children = [*names, *itertools.product(operators, names, names)]
    found = itertools.product(operators, children, children)
    return {term for term in found if depth(term) == 2}


@pytest.mark.parametrize(("operators", "variables"), [(2, 2), (3, 1)])
def test_numbers_are_the_rules_of_their_side_once_each_and_sides_share_nothing(operators, variables):
    known = patterns(OPERATORS[:operators], variables)
    lefts = {
        t
        for t in known
        if list(dict.fromkeys(n for n in terms.format_term(t) if n in VARIABLES)) == list(VARIABLES[:variables])
        and t[0] not in (t[1][0], t[2][0])
    }
    task = MarkovAbstraction(operators=operators, variables=variables)

    def spelt(pattern):
        (root, *beneath), leaves, shape = pattern.operators, list(pattern.variables), pattern.shape
        args = []
        for operator_there in (shape != trees.RIGHT, shape != trees.LEFT):
            name = [VARIABLES[leaves.pop(0)] for _ in range(2 if operator_there else 1)]
            args.append((OPERATORS[beneath.pop(0)], *name) if operator_there else name[0])
        return (OPERATORS[root], *args)

    found: dict[bool, tuple[set, set]] = {}
    for held_out in (False, True):
        exist = task.rules_that_exist(held_out=held_out)
        make = partial(identity, operators=operators, variables=variables, held_out=held_out)
        made = jax.tree.map(np.asarray, jit(jax.vmap(make, (None, 0)))(jax.random.key(0), jnp.arange(exist)))
        rules = [tuple(spelt(jax.tree.map(lambda x, i=i: x[i].tolist(), s)) for s in made) for i in range(exist)]
        assert len(set(rules)) == exist
        found[held_out] = ({left for left, _ in rules}, {right for _, right in rules})
        assert tuple(map(len, found[held_out])) == sides(operators, variables, held_out=held_out)
    for every, ours, theirs in zip((lefts, known), found[False], found[True], strict=True):
        assert ours | theirs == every
        assert not ours & theirs


def test_another_data_seed_holds_out_other_rules():
    sides_of = [{left for left, *_ in expressions(DEEP, draw(DEEP.replace(seed=seed), "unseen"))} for seed in (0, 1)]
    assert sides_of[0] - sides_of[1]


def test_a_finite_set_has_the_stated_size_and_is_divided_by_the_share_of_diversification():
    task = SMALL.replace(min_depth=1, num_rules=4, diverse_rules=2, diverse_share=0.25, examples=32)
    batches = [draw(task, seed=seed) for seed in range(4)]
    rules = {}
    for batch in batches:
        for row, rule, diverse in zip(batch.inputs, batch.facts["rule"], batch.facts["diverse"], strict=True):
            assert diverse == (rule >= 4)
            rules.setdefault(int(rule), set()).add(row.tobytes())
    assert {rule: len(rows) for rule, rows in rules.items()} == {0: 6, 1: 6, 2: 6, 3: 6, 4: 4, 5: 4}
    fresh = draw(task, "seen")
    assert not {row.tobytes() for row in fresh.inputs} <= set().union(*rules.values())
    assert set(fresh.facts["rule"].tolist()) <= set(range(6))


def test_specialised_and_diverse_rules_have_depths_of_their_own():
    task = DEEP.replace(min_depth=0, depth=1, diverse_depth=3, test_depth=2, diverse_share=0.5, diverse_rules=7)
    facts = draw(task).facts
    assert set(facts["depth"][facts["diverse"]]) == {0, 1, 2, 3}
    assert set(facts["depth"][~facts["diverse"]]) == {0, 1}
    variant, split = task.conditions()["seen/deeper"]
    facts = draw(variant, split).facts
    assert not facts["diverse"].any()
    assert set(facts["depth"]) == {2}
    assert facts["rule"].max() < task.num_rules


def test_the_aligned_example_is_answered():
    names = [*"abcdefgh", *OPERATORS, *"AB", *"=:>."]
    text = str.split("- * A A * B B = * + A B - A B : + d - * c c * f f > + d * + c f - c f .")
    tokens = jnp.array([names.index(t) for t in text])
    assert SMALL.spec.length == len(text) - 1
    example = Example(tokens[:-1], tokens[1:], jnp.repeat(jnp.array([0.0, 1.0]), jnp.array([25, 10])), {})
    assert " ".join(SMALL.render(example)) == " ".join(text)
    assert SMALL.oracle(example) == tokens[26:].tolist()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            {"depth": 4, "min_depth": 1},
            "task.depth: at most task.max_depth = 2, which gives 43 positions; it needs 91, got 4",
        ),
        (
            {"test_depth": 3},
            "task.test_depth: at most task.max_depth = 2, which gives 43 positions; it needs 59",
        ),
        (
            {"ground_depth": 1},
            "task.ground_depth: at most task.max_ground_depth = 0, which gives 43 positions",
        ),
        ({"min_depth": 2}, "task.min_depth: at most task.depth = 1, got 2"),
        ({"depth": 2, "test_depth": 1}, "task.test_depth: at least task.depth = 2, got 1"),
        (
            {"operators": 2, "variables": 1, "num_rules": 50, "diverse_rules": 11},
            "task.num_rules: at most 60, with task.diverse_rules, exist for task.operators = 2 and task.variables = 1 ",
        ),
    ],
)
def test_settings_that_cannot_be_generated_are_refused_in_one_line_that_names_the_key(values, error):
    task, errors = check(values, MarkovAbstraction, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(error)
    assert "\n" not in errors[0]
