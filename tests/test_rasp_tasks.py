"""What is true of the tasks of length generalisation: formats, laws, and how samples make rows."""

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from fields import check
from synthetic import contract
from synthetic.rasp.addition import Addition
from synthetic.rasp.copying import Copy, Sort
from synthetic.rasp.counting import Count, Mode
from synthetic.rasp.majority import Majority
from synthetic.rasp.parity import And, Parity
from synthetic.rasp.samples import runs, splice
from synthetic.task import Example
from tests.rasp_draws import EXAMPLES, draw, examples, fair, shown

LENGTHS: Any = {"max_length": 6, "test_every": 3, "train_length": 4}
TASKS = {
    "count": Count(**LENGTHS, symbols=8),
    "mode": Mode(**LENGTHS, symbols=6),
    "mode/by_count": Mode(**LENGTHS, scratchpad="by_count"),
    "mode/by_appearance": Mode(**LENGTHS, scratchpad="by_appearance"),
    "copy": Copy(**LENGTHS, symbols=7),
    "copy/repeated": Copy(**LENGTHS, unique=False, symbols=2),
    "sort": Sort(**LENGTHS, symbols=7),
    "addition": Addition(**LENGTHS, hint_range=9),
    "addition/forward": Addition(**LENGTHS, order="forward"),
    "addition/plain": Addition(**LENGTHS, order="forward", hints=False, carries=0.5),
    "parity": Parity(**LENGTHS, hint_range=8),
    "parity/plain": Parity(**LENGTHS, scratchpad=False),
    "parity/uniform": Parity(**LENGTHS, scratchpad=False, ones="uniform"),
    "majority": Majority(**LENGTHS),
    "majority/interleaved": Majority(**LENGTHS, interleaved=3, min_length=3),
    "and": And(bits=8, fixed=3, packing=True, context=22),
}
FEW = ["copy", "addition", "parity"]
each = pytest.mark.parametrize("name", TASKS)


@pytest.mark.parametrize(
    ("name", "prompt", "answer"),
    [
        ("count", "> 3 6", "3 4 5 6 ."),
        ("count", "> 4 4", "4 ."),
        ("mode", "> d b d :", "d ."),
        ("mode/by_count", "> d b d c c d :", "1 b 2 c 3 d d ."),
        ("mode/by_count", "> b d d c :", "1 b 1 c 2 d d ."),
        ("mode/by_appearance", "> d b d c c d :", "d 3 b 1 c 2 d ."),
        ("copy", "> 5 2 6 :", "5 2 6 ."),
        ("copy/repeated", "> 1 1 0 1 :", "1 1 0 1 ."),
        ("sort", "> 5 2 6 0 :", "0 2 5 6 ."),
        ("parity", "> h4 0 h5 1 h6 1 h7 0 :", "+ h5 - h6 + ."),
        ("parity", "> h0 0 :", "+ ."),
        ("parity/plain", "> 0 1 1 1 :", "- ."),
        ("majority", "> 0 1 1 0 1 :", "1 ."),
        ("majority", "> 0 :", "0 ."),
        ("majority/interleaved", "> 0 1 0 1 1 0 :", "0 1 0 ."),
        ("addition", "> h3 0 h4 9 h5 7 + h3 0 h4 0 h5 5 =", "h5 2 h4 0 h3 1 ."),
        ("addition/forward", "> h3 0 h4 9 h5 7 + h3 0 h4 0 h5 5 =", "h3 1 h4 0 h5 2 ."),
        ("addition/plain", "> 0 9 7 + 0 0 5 =", "1 0 2 ."),
        ("and", "> 1 1 1 1 1 1 1 1 :", "1 ."),
        ("and", "> 1 1 1 1 1 1 0 1 :", "0 ."),
    ],
)
def test_formats_of_rasp_tasks_equal_those_written_by_hand(name, prompt, answer):
    task = TASKS[name]
    text = [task.names.index(word) for word in f"{prompt} {answer}".split()]
    padded = jnp.pad(jnp.array(text), (0, task.spec.length + 1 - len(text)), constant_values=task.tokens.end)
    place = jnp.arange(task.spec.length) + 1
    weights = ((place >= len(prompt.split())) & (place < len(text))).astype(jnp.float32)
    example = Example(padded[:-1], padded[1:], weights, {})
    assert " ".join(task.names[token] for token in task.oracle(example)) == answer
    assert task.render(example) == (prompt, answer)


FORMATS = {
    "count": r"> \d \d",
    "mode": r"> ([a-f] )+:",
    "copy": r"> ([0-6] )+:",
    "copy/repeated": r"> ([01] )+:",
    "sort": r"> ([0-6] )+:",
    "addition": r"> h\d 0 (h\d \d )+\+ h\d 0 (h\d \d )+=",
    "addition/plain": r"> 0 (\d )+\+ 0 (\d )+=",
    "parity": r"> (h\d [01] )+:",
    "parity/uniform": r"> ([01] )+:",
    "majority": r"> ([01] )+:",
    "majority/interleaved": r"> ([01] )+:",
    "parity/plain": r"> ([01] )+:",
    "and": r"> ([01] ){8}:",
}


@pytest.mark.parametrize("name", FORMATS)
def test_prompts_have_the_format_and_the_length(name):
    """Hints follow one another and are the same for both operands; copied and sorted symbols come once."""
    task = TASKS[name]
    for prompt, _, facts in shown(task):
        assert re.fullmatch(FORMATS[name], " ".join(prompt))
        body = prompt[1:] if name == "count" else prompt[1:-1]
        hints = [int(word[1:]) for word in body if word.startswith("h")]
        symbols = [word for word in body if not word.startswith("h")]
        if "addition" in name:
            n = facts["length"]
            assert symbols.index("+") == n + 1
            assert len(symbols) == 2 * n + 3
            assert not hints or hints == [*range(hints[0], hints[0] + n + 1)] * 2
        elif name == "count":
            assert int(body[1]) - int(body[0]) + 1 == facts["length"]
        elif name not in ("and", "majority/interleaved"):
            assert len(symbols) == facts["length"]
            assert not hints or hints == [*range(hints[0], hints[0] + len(symbols))]
        if name in ("copy", "sort"):
            assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize(("name", "length", "places"), [("addition", 6, 3), ("addition", 2, 7), ("parity", 3, 6)])
def test_hints_begin_anywhere_in_their_range(name, length, places):
    task = TASKS[name].replace(min_length=length, train_length=length)
    first = np.bincount([int(prompt[1][1:]) for prompt, *_ in shown(task)])
    assert len(first) == places
    assert fair(first)


@pytest.mark.parametrize("name", FEW)
def test_lengths_are_uniform_in_training_and_in_tests(name):
    task = TASKS[name].replace(min_length=2)
    for variant, split, low, high in [
        (task.replace(packing=False), "train", 2, 4),
        (*task.conditions()["within"], 2, 4),
        (*task.conditions()["beyond"], 5, 6),
        (*task.conditions()["length_6"], 6, 6),
    ]:
        counts = np.bincount(draw(variant, split).facts["length"], minlength=high + 1)
        assert len(counts) == high + 1
        assert counts[:low].sum() == 0
        assert low == high or fair(counts[low:])


def test_beyond_is_the_longest_where_training_has_all_lengths():
    task, split = Count(max_length=6, train_length=6).conditions()["beyond"]
    assert set(draw(task, split).facts["length"].tolist()) == {6}


@each
def test_packed_rows_are_samples_back_to_back(name):
    task = TASKS[name]
    batch, uncut = draw(task), 0
    for example in examples(batch):
        text = np.append(example.inputs, example.targets[-1])
        starts, ends = text == task.tokens.start, text == task.tokens.end
        assert np.array_equal(ends[:-1], starts[1:])
        first = np.flatnonzero(starts)[0]
        assert not example.weights[:first].any()
        assert task.oracle(example) == example.targets[example.weights > 0].tolist()
        uncut += first == 0
    assert 0 < uncut < EXAMPLES / 4


@each
def test_test_rows_are_one_sample_from_the_start(name):
    begins_with_its_only_sample(TASKS[name], "test")


@pytest.mark.parametrize("name", FEW)
def test_training_rows_that_are_not_packed_are_one_sample_from_the_start(name):
    begins_with_its_only_sample(TASKS[name].replace(packing=False), "train")


def begins_with_its_only_sample(task, split):
    batch = draw(task, split)
    assert (batch.inputs[:, 0] == task.tokens.start).all()
    assert ((batch.inputs == task.tokens.start).sum(1) == 1).all()
    ended = np.cumsum(batch.inputs == task.tokens.end, 1) > 0
    assert not (batch.weights * ended).any()
    assert (batch.targets[ended] == task.tokens.end).all()
    assert all(task.oracle(e) == e.targets[e.weights > 0].tolist() for e in examples(batch))


@each
def test_training_has_answers_at_the_positions_where_tests_have_them(name):
    task = TASKS[name]
    trained = draw(task).weights.any(0)
    for variant, split in task.conditions().values():
        assert trained[draw(variant, split).weights.any(0)].all()
    if name == "copy":
        alone = draw(task.replace(packing=False)).weights.any(0)
        assert alone.sum() < trained.sum()


def test_a_longer_context_packs_more_samples():
    task = TASKS["addition"].replace(context=150)
    assert task.spec.length == 150
    starts = (draw(task).inputs == task.tokens.start).sum(1)
    assert starts.min() >= 150 // task.extent[1]
    assert (draw(task, "test").inputs == task.tokens.start).sum(1).tolist() == [1] * EXAMPLES


@pytest.mark.parametrize("name", ["mode/by_count", "addition/plain"])
@pytest.mark.parametrize("holds", [contract.shapes_match_spec, contract.render_is_whole], ids=lambda c: c.__name__)
def test_variants_keep_the_contract(name, holds):
    holds(TASKS[name])


@pytest.mark.parametrize(
    ("cls", "values", "error"),
    [
        (Count, {"train_length": 50}, "task.train_length: at most task.max_length = 40, got 50"),
        (Count, {"min_length": 21}, "task.min_length: at most task.train_length = 20, got 21"),
        (Count, {"test_every": 41}, "task.test_every: at most task.max_length = 40, got 41"),
        (Count, {"context": 42}, "task.context: must be 0 or at least 43, which the longest test sample needs, got 42"),
        (Count, {"symbols": 39}, "task.symbols: at least task.max_length = 40 integers to count, got 39"),
        (Copy, {"symbols": 39}, "task.symbols: at least task.max_length = 40: none comes twice, got 39"),
        (Sort, {"symbols": 39}, "task.symbols: at least task.max_length = 40: none comes twice, got 39"),
        (Mode, {"symbols": 4}, "task.symbols: expected an integer from 5 to 52 (symbols), got 4"),
        (Parity, {"hint_range": 39}, "task.hint_range: must be 0 or at least task.max_length = 40, got 39"),
        (
            Addition,
            {"hint_range": 40},
            "task.hint_range: must be 0 or at least task.max_length + 1 = 41: numbers have one digit more, got 40",
        ),
        (Mode, {"distinct": 30}, "task.distinct: at most task.symbols = 26, got 30"),
        (Parity, {"most": 3}, "task.most: must be null with task.ones = fair, got 3"),
        (
            Parity,
            {"ones": "uniform", "bins": 10},
            "task.bins: at least task.train_length = 20 with task.ones = uniform, got 10",
        ),
        (And, {"fixed": 20}, "task.fixed: must be less than task.bits = 20, got 20"),
        (And, {"packing": True}, "task.context: must be at least 46 with task.packing, to hold a whole sample, got 0"),
    ],
)
def test_impossible_rasp_tasks_are_refused_in_one_line_that_names_the_keys(cls, values, error):
    assert check(values, cls, "task") == (None, [error])


def test_few_symbols_are_enough_where_they_may_repeat():
    assert check({"unique": False, "symbols": 2}, Copy, "task")[1] == []


def test_splicing_samples_equals_concatenating_them():
    parts = [([1, 2, 3], 2), (7, 1), ([4, 5], 0), ([8, 9], 2)]
    tokens, count = splice(*((np.array(tokens), n) for tokens, n in parts))
    assert tokens[: int(count)].tolist() == [1, 2, 7, 8, 9]
    run, place = runs(jnp.array([2, 0, 3]), 5, skip=1)
    assert (run.tolist(), place.tolist()) == ([0, 2, 2, 2, 3], [1, 0, 1, 2, 0])
