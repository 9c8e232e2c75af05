"""What is true of whole Markov algorithms: of textbook ones, of the stepper beside the interpreter, of the lists."""

from __future__ import annotations

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, chisquare

from fields import check
from synthetic.markov import MarkovAlgorithms
from synthetic.markov.interpreter import Rule, interpret
from synthetic.markov.stepper import Algorithm, run
from synthetic.task import Example

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

REVERSAL = [
    Rule("αα", "β"),
    *(Rule(f"β{x}", f"{x}β") for x in "ab"),
    Rule("βα", "β"),
    Rule("β", "", stops=True),
    *(Rule(f"α{x}{y}", f"{y}α{x}") for x, y in itertools.product("ab", repeat=2)),
    Rule("", "α"),
]
ADDITION = [Rule("+", "", stops=True)]
MULTIPLICATION = [
    Rule("|x", "xy|"),
    Rule("yx", "xy"),
    Rule("x", ""),
    Rule("*|", "x*"),
    Rule("*", "z"),
    Rule("|z", "z"),
    Rule("yz", "z|"),
    Rule("z", "", stops=True),
]
BINARY_TO_UNARY = [Rule("|0", "0||"), Rule("1", "0|"), Rule("0", "")]
SORTING = [Rule("ba", "ab"), Rule("ca", "ac"), Rule("cb", "bc")]

# Algorithm -> (rules, inputs with their results)
TEXTBOOK = {
    "reversal": (REVERSAL, {text: text[::-1] for text in ("", "a", "ab", "aab", "abba", "babaab", "aabbbab")}),
    "unary addition": (ADDITION, {f"{'|' * a}+{'|' * b}": "|" * (a + b) for a in range(4) for b in range(4)}),
    "unary multiplication": (
        MULTIPLICATION,
        {f"{'|' * a}*{'|' * b}": "|" * (a * b) for a in range(4) for b in range(4)},
    ),
    "binary to unary": (BINARY_TO_UNARY, {f"{n:b}": "|" * n for n in range(14)}),
    "sorting": (SORTING, {text: "".join(sorted(text)) for text in ("", "cba", "abcabc", "ccbbaa", "bacbaccab")}),
}
BUFFER, STEPS = 40, 128
SLOTS, LONGEST = 11, 4  # of rules, and of their sides


def encoded(rules: list[Rule]) -> Algorithm:
    """Rules for the stepper, letters by their code."""

    def letters(side: str) -> list[int]:
        return [*map(ord, side), *[0] * (LONGEST - len(side))]

    blank = [Rule("", "")] * (SLOTS - len(rules))
    x, y, stops = zip(*rules, *blank, strict=True)
    search, replace = (jnp.array([*map(letters, of)], jnp.int32) for of in (x, y))
    of_x, of_y = (jnp.array([*map(len, of)], jnp.int32) for of in (x, y))
    return Algorithm(search, of_x, replace, of_y, jnp.array(stops), jnp.int32(len(rules)))


@jit
def _stepped(algorithms, strings, lengths):
    return jax.vmap(lambda a, s, n: run(a, s, n, STEPS))(algorithms, strings, lengths)


def stepped(cases: list[tuple[list[Rule], str]]) -> list[list[str]]:
    """The strings after each step by the stepper, all cases at once."""
    algorithms = jax.tree.map(lambda *of: np.stack(of), *(encoded(rules) for rules, _ in cases))
    strings = np.zeros((len(cases), BUFFER), np.int32)
    for row, (_, text) in zip(strings, cases, strict=True):
        row[: len(text)] = [*map(ord, text)]
    found = jax.tree.map(np.asarray, _stepped(algorithms, strings, np.array([len(text) for _, text in cases])))
    return [
        ["".join(map(chr, s[:n])) for s, n, rule in zip(*of, strict=True) if rule >= 0]
        for of in zip(found.strings, found.lengths, found.fired, strict=True)
    ]


def test_textbook_algorithms_run_on_interpreter_and_stepper_and_agree():
    cases = [(rules, text, result) for rules, results in TEXTBOOK.values() for text, result in results.items()]
    interpreted = [interpret(rules, text, STEPS) for rules, text, _ in cases]
    for (_, text, result), (strings, halted) in zip(cases, interpreted, strict=True):
        assert halted
        assert (strings[-1] if strings else text) == result
    assert stepped([(rules, text) for rules, text, _ in cases]) == [strings for strings, _ in interpreted]


def test_algorithms_at_random_are_stepped_as_they_are_interpreted():
    rng = np.random.default_rng(0)

    def word(most: int) -> str:
        return "".join(rng.choice(list("abc"), rng.integers(most + 1)))

    cases = []
    while len(cases) < 300:
        rules = [Rule(word(3), word(3), rng.random() < 0.1) for _ in range(rng.integers(1, 6))]
        text = word(12)
        if max(map(len, interpret(rules, text, STEPS)[0]), default=0) <= BUFFER:
            cases.append((rules, text))
    interpreted = [interpret(rules, text, STEPS) for rules, text in cases]
    assert stepped(cases) == [strings for strings, _ in interpreted]
    steps = [len(strings) for strings, _ in interpreted]
    assert len(set(steps)) > 10
    assert max(steps) == STEPS  # some never end


def test_an_algorithm_without_rules_that_apply_does_nothing():
    assert stepped([([Rule("a", "b")], "bcb"), ([], "abc")]) == [[], []]


@partial(jit, static_argnums=(1, 2))
def _draw(task, split, count, seed):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(seed), count), split)


def draw(task: MarkovAlgorithms, split: str = "train", count: int = 512, seed: int = 0) -> list[Example]:
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    batch = jax.tree.map(np.asarray, _draw(numeric, split, count, seed))
    return [jax.tree.map(lambda x, i=i: x[i], batch) for i in range(count)]


GROWING = MarkovAlgorithms(
    alphabet=6, rule_slots=4, max_rules=4, search_length=2, replace_length=3, input_length=7, buffer=12, step_slots=5,
    max_steps=4, max_planted=3, stop_rate=0.2,
)  # fmt: skip
SHRINKING = GROWING.replace(replace_length=1, buffer=7, min_rules=2)


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("task", [GROWING, SHRINKING], ids=["growing", "shrinking"])
def test_the_answer_and_the_facts_of_an_algorithm_equal_the_interpreters(task: MarkovAlgorithms, trace: bool):
    task = task.replace(trace=trace)
    assert list(task.problems()) == []
    seen = set()
    for example in draw(task, "unseen", count=256):
        rules, text = task.read(example)
        strings, halted = interpret(rules, text, task.max_steps)
        assert example.targets[example.weights > 0].tolist() == task.oracle(example)
        assert {name: int(fact) for name, fact in example.facts.items() if name != "list"} == {
            "steps": len(strings),
            "halted": halted,
            "rules": len(rules),
            "length": len([text, *strings][-1]),
        }
        assert task.min_rules <= len(rules) <= task.max_rules
        seen.add((len(strings), halted))
    assert {steps for steps, _ in seen} == set(range(task.max_steps + 1))  # lists end after few steps and many
    assert (task.max_steps, False) in seen


def test_the_aligned_example_has_the_answer_of_the_oracle_and_is_rendered():
    text = "ca,fb!___fcac=faac=faaa=baaa."
    tokens = np.array(["abcdefghijklmnop=.,!_".index(letter) for letter in text], np.int32)
    weights = np.repeat([0.0, 1.0], [12, 16]).astype(np.float32)
    task = MarkovAlgorithms()
    example = Example(jnp.asarray(tokens[:-1]), jnp.asarray(tokens[1:]), jnp.asarray(weights), {})
    assert example.inputs.shape[0] <= task.spec.length
    assert task.oracle(example) == tokens[13:].tolist()
    assert task.render(example) == ("c -> a, f -> b! : fcac", "=faac=faaa=baaa.")


def test_inputs_are_planted_with_left_sides_and_otherwise_uniform():
    task = MarkovAlgorithms(alphabet=8, search_length=2, replace_length=1, input_length=7, buffer=7, max_rules=1)
    for planted in range(4):
        fixed = task.replace(min_planted=planted, max_planted=planted)
        read = [fixed.read(example) for example in draw(fixed)]
        assert all(text.count(rules[0].x) >= planted for rules, text in read)
        if planted == 1:
            places = [text.find(rules[0].x) for rules, text in read if text.count(rules[0].x) == 1]
            assert chisquare(np.bincount(places, minlength=6)).pvalue > 0.001
    letters = np.concatenate([[ord(c) for c in task.read(e)[1]] for e in draw(task.replace(max_planted=0))])
    assert chisquare(np.bincount(letters, minlength=8)).pvalue > 0.001


def test_the_share_of_stopping_rules_and_the_number_of_rules_are_as_stated():
    task = MarkovAlgorithms(rule_slots=3, max_rules=3, stop_rate=0.3)
    lists = [task.read(example)[0] for example in draw(task)]
    stops = [rule.stops for rules in lists for rule in rules]
    low, high = binom.interval(0.999, len(stops), 0.3)
    assert low <= sum(stops) <= high
    assert chisquare(np.bincount([len(rules) for rules in lists], minlength=4)[1:]).pvalue > 0.001


def test_there_are_as_many_training_lists_as_asked_for():
    task = MarkovAlgorithms(lists=5, min_rules=3, max_rules=3)
    lists = {tuple(task.read(example)[0]) for example in draw(task)}
    assert len(lists) == 5
    assert lists < {tuple(task.read(e)[0]) for e in draw(task.replace(lists=9), count=1024)}
    assert not lists & {tuple(task.read(e)[0]) for e in draw(task.replace(seed=1))}


@pytest.mark.parametrize(("slots", "n", "m"), [(2, 1, 1), (1, 2, 1)])
def test_lists_are_distinct_and_share_no_side_with_held_out_ones_for_every_seed(slots: int, n: int, m: int):
    task = MarkovAlgorithms(alphabet=4, rule_slots=slots, search_length=n, replace_length=m)
    sides: dict[bool, list[np.ndarray]] = {}
    for held_out in (False, True):
        exist = task.lists_that_exist(held_out=held_out)
        assert exist == ((1 if held_out else 3) ** 2 * 4 ** (n + m - 2)) ** slots

        def one(seed, index, held_out=held_out):
            found = task.replace(seed=seed).algorithm(index, held_out=held_out)
            return found.search, found.replace

        lists = jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))
        sides[held_out] = [np.asarray(side) for side in lists(jnp.arange(20), jnp.arange(exist))]
        for seed in range(20):
            rows = np.concatenate([side[seed].reshape(exist, -1) for side in sides[held_out]], 1)
            assert len({tuple(row) for row in rows.tolist()}) == exist
    for seed, side in itertools.product(range(20), range(2)):
        ours, theirs = ({tuple(s) for s in sides[h][side][seed].reshape(-1, (n, m)[side])} for h in (False, True))
        assert not ours & theirs


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            {"replace_length": 2},
            "task.buffer: must be at least 8: an input of task.input_length = 4 can grow to it in task.step_slots = 4",
        ),
        ({"search_length": 5}, "task.search_length: must be at most task.input_length = 4, got 5"),
        ({"max_rules": 4}, "task.max_rules: must be at most task.rule_slots = 3, got 4"),
        ({"min_rules": 3}, "task.min_rules: must be at most task.max_rules = 2, got 3"),
        ({"max_steps": 5}, "task.max_steps: must be at most task.step_slots = 4, got 5"),
        ({"max_planted": 5}, "task.max_planted: must be at most 4: so many of task.search_length = 1 fit in"),
        (
            {"alphabet": 2, "lists": 2},
            "task.lists: must be at most 1: so many lists of task.rule_slots = 3 rules exist",
        ),
        ({"stop_rate": 1.5}, "task.stop_rate: expected a number from 0.0 to 1.0 (share), got 1.5"),
    ],
)
def test_settings_that_cannot_be_generated_are_refused_in_one_line_that_names_the_key(values, error):
    task, errors = check(values, MarkovAlgorithms, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(error)
    assert "\n" not in errors[0]
