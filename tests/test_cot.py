"""What is true of the chains of thought: laws of expressions, lines that follow, tables, and judged answers."""

import itertools
import random
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from fields import check
from synthetic.cot import EditDistance, Equations, Expressions, Lis, plain
from synthetic.cot.reductions import NAMES, NUMBERS, reduced, reducible
from synthetic.prompts import is_held
from tests.generated import drawn, each, judged, texts


def tokens_of(line, size):
    """The tokens of a line of words, filled with END."""
    words = [NUMBERS + word if isinstance(word, int) else NAMES.index(word) for word in line]
    return jnp.array(words + [0] * (size - len(words)), jnp.int32)


def words_of(tokens):
    return [int(t) - NUMBERS if t >= NUMBERS else NAMES[t] for t in tokens if t]


@pytest.mark.slow
def test_expressions_of_one_operator_have_the_law_of_drawing_again_what_cannot_be_completed():
    p, weights = 5, dict[tuple[int, str, int], float]()
    # From each answer, an operator and a first operand are drawn; for 0 = 0 / b, b = 0 begins anew.
    for value in range(p):
        options = Counter()
        for a, operator in itertools.product(range(p), "+-*/"):
            if operator in "+-" or (operator == "*" and a):
                b = {"+": value - a, "-": a - value, "*": value * pow(a, -1, p) if a else 0}[operator] % p
                options[a, operator, b] += p
            elif operator == "*" and value == 0:
                options.update({(0, "*", b): 1 for b in range(p)})
            elif operator == "/" and a and value:
                options[a, "/", a * pow(value, -1, p) % p] += p
            elif operator == "/" and a == value == 0:
                options.update({(0, "/", b): 1 for b in range(1, p)})
        total = sum(options.values())
        for option, weight in options.items():
            weights[option] = weights.get(option, 0.0) + weight / total / p
    task = Expressions(modulus=p, max_operators=1, train_operators=1)
    drawn_ones = Counter(
        tuple(words_of(task.prompt(example)[:3]))
        for split in task.splits
        for example in each(drawn(task, split, count=4096))
    )
    for held in (False, True):
        keyed = np.asarray(task._keyed())
        with np.errstate(over="ignore"):
            side = [
                o
                for o in weights
                if bool(is_held(np.asarray(tokens_of(o, task.line)).astype(np.uint32), keyed)) == held
            ]
        expected = np.array([weights[option] for option in side])
        counts = np.array([drawn_ones[option] for option in side])
        assert counts.sum() == 4096
        assert chisquare(counts, 4096 * expected / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize(("size", "share"), [(1, 1.0), (2, 0.73), (3, 0.50)])
def test_reading_from_left_to_right_is_right_as_often_as_was_derived(size, share):
    task = Expressions(answer_as="direct", min_operators=size)
    batch = drawn(task.replace(train_operators=size), count=4096)
    said = jax.vmap(task.baselines()["left to right"])(jax.tree.map(jnp.asarray, batch))
    right = np.asarray((said == batch.targets) & (batch.weights > 0)).any(1).mean()
    assert right == pytest.approx(share, abs=0.035)


def test_the_reductions_on_the_device_are_those_of_the_plain_program():
    shuffler, size = random.Random(0), 12
    marks = ["+", "-", "*", "/"]
    for _ in range(60):
        line: list[plain.Word] = [shuffler.randrange(1, 7)]
        while len(line) < 7:
            at = shuffler.choice([i for i, word in enumerate(line) if isinstance(word, int)])
            piece = [shuffler.randrange(1, 7), shuffler.choice(marks), shuffler.randrange(1, 7)]
            piece = ["(", *piece, ")"] if len(line) == 1 or shuffler.random() < 0.5 else piece
            line = [*line[:at], *piece, *line[at + 1 :]]
        line = line[:size]
        tokens = tokens_of(line, size)
        places = np.flatnonzero(reducible(tokens))
        ours = [words_of(np.asarray(reduced(tokens, jnp.int32(place), 7))) for place in places]
        try:
            theirs = list(plain.successors(line, 7))
        except plain.Unreadable:  # it divides by zero
            continue
        inner = [one for one in theirs if one not in ours]
        assert not inner
        # Ours leaves out reductions that only brackets of the sampler would never allow.
        assert all(one in theirs for one in ours)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["random", "leftmost"])
def test_every_line_of_a_trace_follows_from_the_one_before(order):
    task = Expressions(max_operators=4, train_operators=4, min_operators=3, order=order)
    batch = drawn(task, "unseen", count=64)
    for example in each(batch):
        assert example.targets[example.weights > 0].tolist() == task.oracle(example)
    scores = judged(task, batch, batch.targets)
    assert scores["answer"].all()
    assert scores["steps"].all()


@pytest.mark.slow
def test_a_wrong_line_with_a_right_answer_is_judged_as_such():
    task = Expressions(min_operators=3)
    batch = drawn(task, count=64)
    # The first number of the answer is another; the last line is what it was.
    first = (batch.targets >= NUMBERS) & (batch.weights > 0)
    first &= np.cumsum(first, 1) == 1
    changed = np.where(first, NUMBERS + (batch.targets - NUMBERS + 1) % 7, batch.targets)
    scores = judged(task, batch, changed)
    assert scores["answer"].all()
    assert not scores["steps"].any()


def test_a_skipped_line_and_a_wrong_number_are_where_the_facts_say():
    task = Expressions(min_operators=2, skipped=0.5, wrong=0.5)
    for example in each(drawn(task, count=128)):
        prompt, answer = task.render(example)
        lines = [[int(w) if w.isdigit() else w for w in line.split()] for line in (prompt + answer)[:-1].split("=")]
        assert len(lines) == 1 + example.facts["operators"] - example.facts["skipped"]
        wrong = any(
            later not in list(plain.successors(line, 7))
            for line, later in itertools.pairwise(lines)
            if not example.facts["skipped"]
        )
        assert wrong == bool(example.facts["wrong"]) or example.facts["skipped"]


def test_fields_of_expressions_that_do_not_fit_are_one_line_that_names_the_key():
    for values, key in (
        ({"modulus": 6}, "task.modulus: must be a prime, got 6"),
        ({"train_operators": 4}, "task.train_operators: at most task.max_operators = 3, got 4"),
        ({"min_operators": 4, "max_operators": 5}, "task.min_operators: at most task.train_operators = 3, got 4"),
        ({"wrong": 0.5, "answer_as": "direct"}, "task.wrong: must be 0 with task.answer_as = direct"),
    ):
        _, errors = check(values, Expressions, "task")
        assert [error[: len(key)] for error in errors] == [key]


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        Equations(modulus=11, unknowns=3),
        Equations(answer_as="direct"),
        Lis(answer_as="direct"),
        Lis(items=6),
        EditDistance(answer_as="direct"),
        EditDistance(letters=3),
    ],
    ids=lambda task: f"{type(task).__name__}-{task.answer_as}",
)
def test_other_forms_of_a_trace_agree_with_their_oracles(task):
    batch = drawn(task, "unseen", count=32)
    for example in each(batch):
        assert example.targets[example.weights > 0].tolist() == task.oracle(example)
    assert all(score.all() for score in judged(task, batch, batch.targets).values())


def test_the_first_block_of_equations_has_all_numbers_and_the_last_one_only_the_solution():
    for prompt, answer in texts(Equations(unknowns=3), count=16):
        assert prompt.count("+") == 6
        assert answer.count("|") == 2
        assert answer.split("|")[-1].split()[::4] == ["a", "b", "c"]


def test_planted_runs_make_the_longest_subsequence_longer_than_uniform_numbers_do():
    planted = drawn(Lis(max_items=20, items=20), count=512)
    longest = planted.facts["longest"].mean()
    uniform = np.random.default_rng(0).integers(0, 32, (512, 20))
    example = next(each(planted))  # an answer follows from the prompt alone
    answers = [Lis().answer([*row, 0], example) for row in uniform.tolist()]
    lengths = [len(answer) and max(answer[:-3]) - 1 for answer in answers]
    assert longest > np.mean(lengths) + 1


@pytest.mark.parametrize(
    ("first", "second", "distance"), [("a", "a", 0), ("a", "b", 3), ("ab", "b", 2), ("ab", "ba", 4)]
)
def test_the_table_of_edit_distances_has_the_costs_of_the_paper(first, second, distance):
    task = EditDistance(max_letters=2)
    strings = [jnp.array([ord(c) - 97 for c in text.ljust(size, "z")]) for text, size in ((first, 2), (second, 5))]
    assert task._table(*strings)[len(first) - 1, len(second) - 1] == distance


def test_strings_of_a_distance_differ_by_three_letters_or_fewer_and_the_shorter_is_first():
    for prompt, _ in texts(EditDistance(max_letters=8, letters=8), count=256):
        first, second = (part.split() for part in prompt[:-1].split("|"))
        assert 0 <= len(second) - len(first) <= 3
        assert 5 <= len(first) <= 8
