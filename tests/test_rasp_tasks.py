"""What is true of the tasks of length generalisation: formats, laws, and how samples make rows."""

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from fields import check
from synthetic import contract
from synthetic.rasp.addition import Addition
from synthetic.rasp.copying import Copy, Sort
from synthetic.rasp.counting import Count, Mode
from synthetic.rasp.majority import Majority
from synthetic.rasp.parity import And, Parity
from synthetic.rasp.samples import chosen, runs, splice
from synthetic.task import Example

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

EXAMPLES = 512
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


@partial(jit, static_argnums=1)
def _draw(task, split):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(0), EXAMPLES), split)


def draw(task, split="train"):
    """Examples as NumPy arrays with a leading axis."""
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, split))


def examples(batch):
    return (jax.tree.map(lambda x, i=i: x[i], batch) for i in range(len(batch.weights)))


def shown(task, split="test"):
    """(prompt, answer, facts) of examples, the texts as lists of words."""
    for example in examples(draw(task, split)):
        prompt, answer = task.render(example)
        yield prompt.split(), answer.split(), {name: int(fact) for name, fact in example.facts.items()}


def fair(counts, p=1e-3):
    return chisquare(counts).pvalue > p


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


def test_counting_begins_anywhere():
    first = [int(prompt[1]) for prompt, *_ in shown(TASKS["count"].replace(min_length=3, train_length=3))]
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
