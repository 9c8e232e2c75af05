"""What is true of TInt without noise: its traces, its answers, its oracle, what it holds out and what it refuses."""

import math
import statistics
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fields import check
from synthetic.tint import TInt, language, operations
from synthetic.tint.arrays import Items
from synthetic.tint.digits import DigitsMachine
from synthetic.tint.generate import Form, generate, needed
from synthetic.tint.machine import Machine, Rates
from synthetic.tint.noise import Noise
from synthetic.tint.operands import Laws
from synthetic.tint.plain import parsed, response
from synthetic.tint.text import format_tokens, lay_out, vocabulary
from synthetic.tint.words import root

NAMES = ["add", "subtract", "multiply", "divide", "modulo", "gcd", "sort", "median"]
PYTHON = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x // y,
    "modulo": lambda x, y: x % y,
    "gcd": math.gcd,
    "sort": sorted,
    "median": lambda numbers: math.floor(statistics.median(numbers)),
}


def trace(name, *operands, style="steps"):
    """The lines of one computation as text."""
    arrays = [Items(np.array([x]), np.array([len(x)])) if isinstance(x, list) else np.array([x]) for x in operands]
    kind = DigitsMachine if style == "lines" else Machine
    machine = kind(root(0, 0), Rates(), 1000, compact=style == "compact")
    machine.run(language.operations(style)[name], arrays)
    names = vocabulary(style)
    laid = lay_out(machine.lines, 1, {name: i for i, name in enumerate(names)}, newlines=style != "compact")
    return format_tokens(laid.tokens.tolist(), names).rstrip("\n")


def table(name, style, noise=Noise(), *, split="train", digits=3, items=4, indices: Sequence[int] = range(8), seed=5):  # noqa: B008
    """Examples of one operation, the form, and the size that they need."""
    form = Form(name, style, digits, items)
    laws, size = Laws(1, digits, 1, items, 0.3), needed(form)
    return generate(form, size.tokens, laws, noise, seed, split, np.array(indices)), size


def drawn(task, split, count):
    """Examples of a materialised task, as NumPy arrays."""
    options: dict = {"xla_backend_optimization_level": 0}  # it runs once
    sample = jax.jit(jax.vmap(task.sample, (0, None)), static_argnums=1, compiler_options=options)
    return jax.tree.map(np.asarray, sample(jax.random.split(jax.random.key(0), count), split))


def example_of(examples, i):
    """Example number i of a batch."""
    return jax.tree.map(lambda x: x[i], examples)


def rows(made):
    """(prompt, response) of each example, as lists of tokens."""
    for tokens, begin, end in zip(made["tokens"].tolist(), made["begin"], made["end"], strict=True):
        yield tokens[:begin], tokens[begin : end + 1]


# What the code released with the paper prints, read off runs of it: its own traces, line by line.
RELEASED = {
    ("add", 57, 68): "x = 5 7 , y = 6 8|res = 0|carry = 0|digx = 7|digy = 8|x = 5|y = 6|ds = 1 5|res = 5|carry = 1|"
    "digx = 5|digy = 6|x = 0|y = 0|ds = 1 1|ds = 1 2|res = 2 5|carry = 1|res = 1 2 5",
    ("add", 999, 1): "x = 9 9 9 , y = 1|res = 0|carry = 0|digx = 9|digy = 1|x = 9 9|y = 0|ds = 1 0|res = 0|carry = 1|"
    "digx = 9|digy = 0|x = 9|y = 0|ds = 9|ds = 1 0|res = 0 0|carry = 1|digx = 9|digy = 0|x = 0|y = 0|ds = 9|ds = 1 0|"
    "res = 0 0 0|carry = 1|res = 1 0 0 0",
    ("subtract", 170, 88): "x = 1 7 0 , y = 8 8|res = 0|borrow = 0|digx = 0|digy = 8|x = 1 7|y = 8|digx = 1 0|"
    "borrow = 1|dd = 2|res = 2|digx = 7|digy = 8|x = 1|y = 0|digx = 6|borrow = 0|digx = 1 6|borrow = 1|dd = 8|"
    "res = 8 2|dd = 0",
    ("subtract", 100, 99): "x = 1 0 0 , y = 9 9|res = 0|borrow = 0|digx = 0|digy = 9|x = 1 0|y = 9|digx = 1 0|"
    "borrow = 1|dd = 1|res = 1|digx = 0|digy = 9|x = 1|y = 0|digx = 1 0|digx = 9|dd = 0|res = 0 1|dd = 0",
    ("multiply", 57, 8): "x = 5 7 , y = 8|out_res = 0|carry = 0|mag = 0|fac = 8|y = 0|x_c = 5 7|in_res = 0|term = 7|"
    "x_c = 5|dm = 5 6|dm = call( 5 6 + 0 )|dm = 5 6|in_res = 6|carry = 5|term = 5|x_c = 0|dm = 4 0|"
    "dm = call( 4 0 + 5 )|dm = 4 5|in_res = 5 6|carry = 4|in_res = 4 5 6|carry = 0|in_res = 4 5 6|mag = 0|"
    "out_res = call( 0 + 4 5 6 )|out_res = 4 5 6",
    ("multiply", 0, 34): "x = 0 , y = 3 4|t = 0|x = 3 4|y = 0|out_res = 0|carry = 0|mag = 0",
    ("multiply", 7, 8): "x = 7 , y = 8|out_res = 5 6",
    ("divide", 7, 5): "x = 7 , y = 5|res = 0|len_x = 1|len_y = 1|factor_mag = call( 1 - 1 )|factor_mag = 0|dig = 1|"
    "sum_div = 5|sub_x = 7|dig = call( 1 + 1 )|dig = 2|sum_div = call( 5 + 5 )|sum_div = 1 0|dig = call( 2 - 1 )|"
    "dig = 1|sum_div = call( 1 0 - 5 )|sum_div = 5|factor = 1|res = call( 0 + 1 )|res = 1|remove = 5|"
    "x = call( 7 - 5 )|x = 2",
    ("gcd", 12, 18): "x = 1 2 , y = 1 8|t = 1 8|y = call( 1 2 % 1 8 )|y = 1 8|y = 1 2 , t = 1 8|x = 1 8|t = 1 2|"
    "y = call( 1 8 % 1 2 )|y = 1 2|len_x = 2|len_y = 2|factor_mag = 0|sum_div = 1 2|sub_x = 1 8|sum_div = 2 4|"
    "sum_div = 1 2|remove = 1 2|x = 0 6|x = 1 8 , y = 0 6 , t = 1 2|x = 1 2|t = 0 6|y = call( 1 2 % 0 6 )|y = 0 6|"
    "len_x = 2|len_y = 1|factor_mag = 1|factor_mag = 0|sum_div = 0 6|sub_x = 1 2|sum_div = 1 2|sum_div = 1 8|"
    "sum_div = 1 2|remove = 1 2|x = 0 0|x = 1 2 , y = 0 0 , t = 0 6|x = 0 6",
    ("median", (200, 7)): "nums = [ 2 0 0 , 7 ]|nums_sorted = call( sort_ints([ 2 0 0 , 7 ]))|l = [ 2 0 0 , 7 ]|"
    "sorted_l = []|min_item = 2 0 0|min_index = 0|i = 0|candidate = 2 0 0|i = 1|candidate = 7|min_item = 7|"
    "min_index = 1|l = [ 2 0 0 ]|min_item = 2 0 0|min_index = 0|i = 0|candidate = 2 0 0|l = []|"
    "nums = [ 2 0 0 , 7 ] , nums_sorted = [ 7 , 2 0 0 ]|n = 2|left_mid = 7|right_mid = 2 0 0|"
    "sum_mid = call( 7 + 2 0 0 )|sum_mid = 2 0 7|res = 1 0 3",
}


@pytest.mark.parametrize("asked", RELEASED, ids=str)
def test_lines_are_those_of_the_code_released_with_the_paper(asked):
    name, *operands = asked
    operands = [list(x) if isinstance(x, tuple) else x for x in operands]
    assert trace(name, *operands, style="lines").split("\n") == RELEASED[asked].split("|")


def test_the_steps_of_ours_show_numbers_without_zeros_in_front():
    results = [line for line in trace("add", 999, 1).split("\n") if "res" in line]
    assert results == [*["res = 0"] * 4, "res = 1 0 0 0"]


def test_the_second_sum_of_digits_is_left_out_without_a_carry():
    assert trace("add", 2, 3).split("\n")[-3:] == ["ds = 5", "res = 5", "carry = 0"]


def test_a_call_inside_a_product_is_one_line_and_its_result():
    assert "dm = 5 6\ndm = call( 5 6 + 0 )\ndm = 5 6\n" in trace("multiply", 7, 8)


@pytest.mark.parametrize("style", ["lines", "steps"])
def test_whole_examples_are_prompt_trace_and_answer(style):
    made, _ = table("add", style, digits=2)
    names = vocabulary(style)
    for prompt, said in rows(made):
        x, y = parsed(prompt, style)[1]
        assert format_tokens(prompt, names) == f"{' '.join(str(x))} + {' '.join(str(y))}\n"
        assert format_tokens(said, names) == f"{trace('add', x, y, style=style)}\n{' '.join(str(x + y))} ."


def test_a_compact_addition_takes_nine_tokens_a_digit():
    assert trace("add", 57, 68, style="compact") == "digx 7 digy 8 ds 1 5 carry 1 digx 5 digy 6 ds 1 2 carry 1"


@pytest.mark.parametrize("name", NAMES)
def test_operations_are_pythons_arithmetic(name):
    rng = np.random.default_rng(0)
    function, python = getattr(operations, name), PYTHON[name]
    for _ in range(200):
        if language.operations()[name].takes_list:
            operands = [rng.integers(0, 10 ** rng.integers(1, 5), rng.integers(1, 8)).tolist()]
        else:
            operands = sorted((int(rng.integers(1, 10 ** rng.integers(1, 8))) for _ in range(2)), reverse=True)
        assert function(*operands) == python(*operands)


@pytest.mark.parametrize("style", ["lines", "steps", "compact", "none"])
@pytest.mark.parametrize("name", NAMES)
def test_responses_are_those_of_python_running_the_function(name, style):
    made, size = table(name, style, digits=2, items=4)
    names = vocabulary(style)
    for i, (prompt, said) in enumerate(rows(made)):
        assert said == response(prompt, style, size.tokens, size.fuel, Noise(), 5, 0, i)
        _, operands = parsed(prompt, style)
        answer = PYTHON[name](*operands)
        answers = answer if isinstance(answer, list) else [answer]
        last = format_tokens(said, names).rstrip(" .").split("\n")[-1]
        assert [int(part.replace(" ", "")) for part in last.strip("[] ").split(",")] == answers


def test_an_example_does_not_depend_on_what_is_made_beside_it():
    noise = Noise(contamination=0.5, characters=0.1, swap=0.2, dynamic=0.2, hidden=0.5, operator_errors=0.1)
    whole, _ = table("add+median", "lines", noise, indices=range(40))
    some, _ = table("add+median", "lines", noise, indices=[33, 4, 17])
    for name, values in whole.items():
        assert (values[[33, 4, 17]] == some[name]).all(), name


def test_another_seed_or_split_of_tint_gives_other_examples():
    base, _ = table("add", "none", digits=9)
    for other, _ in (table("add", "none", digits=9, seed=6), table("add", "none", digits=9, split="noised")):
        assert not (base["tokens"] == other["tokens"]).all(1).any()


def test_no_numbers_of_a_test_are_in_training_in_any_order_or_operation():
    form, laws = Form("add+multiply", "none", 1, 1), Laws(1, 1, 1, 1, 0.0)
    found = {}
    for split in ("train", "noised", "test"):
        made = generate(form, needed(form).tokens, laws, Noise(), 3, split, np.arange(1000))
        found[split] = {tuple(sorted(parsed(prompt)[1])) for prompt, _ in rows(made)}
    assert len(found["train"] | found["noised"] | found["test"]) == 55  # unordered pairs of digits
    assert not found["test"] & (found["train"] | found["noised"])


def test_operands_of_tint_are_drawn_from_their_distributions():
    form = Form("add", "none", 3, 1)
    for magnitude, share in ((0.0, 1 / 3), (1.0, 0.9)):
        made = generate(form, 20, Laws(1, 3, 1, 1, magnitude), Noise(), 0, "train", np.arange(3000))
        longest = np.array([len(str(parsed(prompt)[1][0])) == 3 for prompt, _ in rows(made)])
        assert abs(longest.mean() - share) < 4 * math.sqrt(share * (1 - share) / 3000)
    made, _ = table("divide", "none", indices=range(200))
    assert all(x >= y >= 1 for x, y in (parsed(prompt)[1] for prompt, _ in rows(made)))


def test_operations_in_a_mixture_come_as_often_as_their_weights():
    made, _ = table("add+3*subtract", "none", indices=range(2000))
    share = (made["operation"] == 1).mean()
    assert abs(share - 0.75) < 4 * math.sqrt(0.75 * 0.25 / 2000)


def test_training_draws_every_example_of_its_finite_set():
    task = TInt(max_digits=1, examples=5, test_examples=3).materialise()
    assert set(drawn(task, "train", 100).facts["index"].tolist()) == set(range(5))


def test_a_set_must_be_made_before_it_is_sampled():
    with pytest.raises(ValueError, match="made by materialise"):
        TInt().sample(jax.random.key(0), "train")


ERRORS = [
    ({"operations": "ad"}, "task.operations: unknown operation ad (did you mean add?); allowed: add, subtract"),
    ({"operations": "add+0*sort"}, "task.operations: expected a weight above 0 before each *, got 0"),
    ({"operations": "add+add"}, "task.operations: add stands twice"),
    ({"operations": "multiply", "max_digits": 10}, "task.max_digits: at most 9 with task.operations = multiply"),
    ({"min_digits": 7}, "task.min_digits: at most task.max_digits = 5, got 7"),
    ({"min_digits": 17}, "task.min_digits: at most task.max_digits = 5, got 17"),
    ({"min_items": 7}, "task.min_items: at most task.max_items = 5, got 7"),
    (
        {"max_digits": 1, "seed": 609},
        "task.seed: add has so few operands with task.max_digits = 1 that none are",
    ),
    ({"length": 30}, "task.length: at least 65, which traces of task.operations = add need with task.style = compact"),
    ({"style": "none", "swap": 0.1}, "task.swap: must be 0 with task.style = none"),
    ({"dynamic": 1.5}, "task.dynamic: expected a number from 0.0 to 1.0 (rate), got 1.5"),
    ({"contamination": -0.1}, "task.contamination: expected a number from 0.0 to 1.0 (share), got -0.1"),
]


@pytest.mark.parametrize(("values", "message"), ERRORS)
def test_wrong_values_of_tint_are_refused_in_one_line(values, message):
    task, errors = check(values, TInt, "task")
    assert task is None
    assert len(errors) == 1
    assert errors[0].startswith(message)
    assert "\n" not in errors[0]


JUDGED = {
    "right": {"answer": 1, "astray": 0, "recovered": 0, "follows": 1},
    "wrong answer": {"answer": 0, "astray": 1, "recovered": 0, "follows": 0},
    "wrong result": {"answer": 1, "astray": 1, "recovered": 1, "follows": 0},
    "wrong step": {"answer": 1, "astray": 1, "recovered": 1, "follows": 1},
    "junk behind": {"answer": 1, "astray": 0, "recovered": 0, "follows": 1},
    "no end": {"answer": 0, "astray": 1, "recovered": 0, "follows": 0},
}


def changed_in(change, said, first, last, shown, names):
    """A response from place `first` to the end token at `last`, with one thing changed, or None where it has no such.

    `shown` are the names of variables that say the result.
    """
    digits = [t for t in range(first, last) if said[t] < 10]
    answer = max(t for t in range(first, last) if names[said[t]] == "\n")
    results = [t for t in digits if t < answer and t + 1 not in digits and names[head_of(said, t, names)] == shown]
    steps = [t for t in digits if t < answer and names[head_of(said, t, names)] in ("digx", "candidate", "x", "i")]
    places = {"wrong answer": digits[-1:], "wrong result": results[-1:], "wrong step": steps[:1]}.get(change, [])
    if change.startswith("wrong") and not places:
        return None
    said = said.copy()
    said[places] = (said[places] + 1) % 10
    if change in ("junk behind", "no end"):
        said[last + (change == "junk behind") :] = 3
    return said


def head_of(said, t, names):
    """The token of the variable whose value has a digit at t."""
    return next(said[i] for i in range(t, -1, -1) if said[i] >= 10 and names[said[i]] != "=")


@pytest.mark.parametrize("style", ["lines", "steps", "compact"])
def test_decoded_answers_are_judged(style):
    kinds = "add+subtract+gcd+sort+median"
    task = TInt(operations=kinds, style=style, max_digits=2, max_items=3, examples=1, test_examples=40).materialise()
    examples, names, cases = drawn(task, "test", 40), vocabulary(style), []
    for i in range(40):
        example = example_of(examples, i)
        operation = list(language.operations(style).values())[example.facts["operation"]]
        shown = operation.names[operation.units if operation.units and style == "compact" else operation.result]
        asked = np.flatnonzero(example.weights)
        for change in JUDGED:
            said = changed_in(change, example.targets, asked[0], asked[-1], shown, names)
            cases += [] if said is None else [(change, i, said)]
    chosen = jax.tree.map(lambda x: x[[i for _, i, _ in cases]], examples)
    found = jax.jit(jax.vmap(task.judge))(chosen, jnp.array([said for _, _, said in cases]))
    assert {change for change, _, _ in cases} == set(JUDGED)
    for n, (change, i, said) in enumerate(cases):
        scores = {key: float(value[n]) for key, value in found.items()}
        assert scores == JUDGED[change] | {"label": 1, "kept": 1}, (
            change,
            format_tokens(said.tolist(), names),
            task.render(example_of(examples, i)),
        )
