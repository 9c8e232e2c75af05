"""What is true of RASP-L programs: they are right at every length to 200, causal, and have a length of their own."""

import random
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthetic.rasp import core, library, programs
from synthetic.rasp.addition import Addition
from synthetic.rasp.copying import Copy, Sort
from synthetic.rasp.counting import Count, Mode
from synthetic.rasp.parity import And, Parity
from synthetic.rasp.programs import PROGRAMS, Marks

# A program that runs a few times: optimising it takes longer than it saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

LONGEST = 200
each_program = pytest.mark.parametrize("name", PROGRAMS)


def plain_interpreter():
    """The operations on lists. A selection is, for each position, the list of those it attends to."""

    def aggregate(reduce):
        def of(a, v, default=0):
            return [reduce([v[j] for j in chosen]) if chosen else default for chosen in a]

        return of

    def select(k, q, predicate):
        return [[j for j in range(i + 1) if predicate(k[j], q[i])] for i in range(len(q))]

    return {
        "full": lambda x, c: [c] * len(x),
        "indices": lambda x: list(range(len(x))),
        "tok_map": lambda x, f: [int(f(t)) for t in x],
        "seq_map": lambda x, y, f: [int(f(s, t)) for s, t in zip(x, y, strict=True)],
        "select": select,
        "sel_width": lambda a: [len(chosen) for chosen in a],
        "aggr_mean": aggregate(lambda values: int(sum(values) / len(values))),
        "aggr_max": aggregate(max),
        "aggr_min": aggregate(min),
    }


def marks_above(n):
    return Marks(*range(n, n + 7))


@each_program
def test_a_program_gives_the_same_outputs_in_another_interpreter(name):
    marks = marks_above(12)
    tokens_BxT = np.random.default_rng(6).integers(0, 24, (100, 24)).astype(np.int32)
    computed = jit(jax.vmap(lambda x: PROGRAMS[name](x, marks)))(tokens_BxT)
    with core.interpreted(plain_interpreter()):
        assert computed.tolist() == [PROGRAMS[name](row, marks) for row in tokens_BxT.tolist()]


@each_program
def test_later_tokens_never_change_the_earlier_outputs_of_a_program(name):
    draw = np.random.default_rng(7)
    one, two = draw.integers(0, 24, (2, 300, 24)).astype(np.int32)
    same = np.arange(24) < draw.integers(0, 25, (300, 1))
    program = jit(jax.vmap(lambda x: PROGRAMS[name](x, marks_above(12))))
    said, other = program(one), program(np.where(same, one, two))
    assert (said == other)[same].all()
    assert (said != other)[~same].any()


def test_operations_are_counted_as_the_program_calls_them():
    assert core.operations(lambda x: programs.sort(x, marks_above(9))) == ["tok_map", "select", "aggr_min"]
    assert core.operations(lambda x: library.shift_right(x, 1)) == ["indices", "tok_map", "select", "aggr_mean"]
    assert core.operations(lambda x: library.num_prev(x, x)) == ["select", "sel_width"]
    lengths = {name: programs.length(program) for name, program in PROGRAMS.items()}
    assert lengths["sort"] == min(lengths.values())
    assert lengths["reverse_addition"] < lengths["forward_addition"] == max(lengths.values())


@pytest.mark.parametrize("aside", [lambda x: x + 1, lambda x: x == 1, lambda x: 1 if x else 2, lambda x: x[0], abs])
def test_a_program_that_computes_aside_from_operations_has_no_length(aside):
    with pytest.raises(TypeError):
        core.operations(aside)


def number(digits, hints):
    return [token for pair in zip(hints, digits, strict=True) for token in pair]


def problem(name, n, draw, low):
    """(prompt, answer, marks) of length n by plain Python; marks are below the symbols if `low`, else above them."""
    marks = marks_above(0 if low else 500) if name in ("mode", "copy_unique", "sort") else marks_above(500)
    symbols = range(7, 7 + LONGEST + 30) if marks.start == 0 else range(LONGEST + 30)
    word = draw.sample(symbols, n)
    if name == "count":
        a = draw.randrange(LONGEST + 30 - n)
        return [marks.start, a, a + n - 1], [*range(a, a + n), marks.end], marks
    if name == "mode":
        few = draw.sample(symbols, 5)
        word = draw.choices(few, k=n)
        counts = sorted(map(word.count, set(word)))
        if len(counts) > 1 and counts[-1] == counts[-2]:
            tied = [s for s in word if word.count(s) == counts[-1]]
            word[word.index(next(s for s in tied if s != tied[0]))] = tied[0]
        return [marks.start, *word, marks.sep], [max(word, key=word.count), marks.end], marks
    if name == "copy_unique":
        return [marks.start, *word, marks.sep], [*word, marks.end], marks
    if name == "sort":
        return [marks.start, *word, marks.sep], [*sorted(word), marks.end], marks
    first_hint = draw.randrange(510, 530)
    hints = range(first_hint, first_hint + n)
    bits = draw.choices((0, 1), k=n) if low else [1] * n
    if name == "boolean_and":
        if not draw.randrange(3):
            bits[draw.randrange(n)] = 0
        return [marks.start, *bits, marks.sep], [int(all(bits)), marks.end], marks
    if name == "parity":
        said = [(h, marks[5 + sum(bits[: i + 1]) % 2]) for i, h in enumerate(hints) if bits[i]]
        answer = [marks.even, *(token for pair in said for token in pair), marks.end]
        return [marks.start, *number(bits, hints), marks.sep], answer, marks
    # Long chains of carries are rare among random numbers: sums of pairs are mostly 9.
    a = [draw.randrange(10) for _ in range(n)]
    b = [9 - d if draw.random() < 0.9 else draw.randrange(10) for d in a]
    if not low:
        a, b = [9] * n, [0] * (n - 1) + [draw.randrange(2)]
    total = int("".join(map(str, a))) + int("".join(map(str, b)))
    c, hints = [int(d) for d in str(total).zfill(n + 1)], range(first_hint, first_hint + n + 1)
    operands = [marks.start, *number([0, *a], hints), marks.plus, *number([0, *b], hints), marks.equals]
    if name == "reverse_addition":
        c, hints = c[::-1], hints[::-1]
    return operands, [*number(c, hints), marks.end], marks


def padded(lists):
    size = max(map(len, lists))
    return np.array([[*one, *[0] * (size - len(one))] for one in lists], np.int32)


def problems(name, lengths, low):
    draw = random.Random(f"{name} {low}")
    return [problem(name, n, draw, low) for n in lengths]


@pytest.mark.slow
@each_program
def test_a_program_gives_the_next_token_at_every_length_to_200(name):
    rows = [row for low in (True, False) for row in problems(name, range(1, LONGEST + 1), low)]
    for marks in {marks for *_, marks in rows}:
        prompts, answers, _ = zip(*(row for row in rows if row[2] == marks), strict=True)
        texts = padded([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])
        said_BxT = np.asarray(jax.jit(jax.vmap(lambda x, marks=marks: PROGRAMS[name](x, marks)))(texts))
        for prompt, answer, said in zip(prompts, answers, said_BxT, strict=True):
            assert said[len(prompt) - 1 :][: len(answer)].tolist() == answer, f"a prompt of {len(prompt)}"


def check_run(name, lengths, low):
    prompts, answers, (marks, *_) = zip(*problems(name, lengths, low), strict=True)
    most = max(map(len, answers)) + 2
    sizes = np.array([*map(len, prompts)])
    wrote = programs.run(PROGRAMS[name], marks, padded(prompts), sizes, most).tolist()
    assert wrote == [a + [marks.end] * (most - len(a)) for a in answers]


@each_program
def test_a_program_writes_the_whole_answer_by_itself(name):
    check_run(name, [1, 2, 3, 8, 25], low=True)


@pytest.mark.slow
@pytest.mark.rotated(6, "synthetic/rasp/")
@pytest.mark.parametrize("low", [True, False])
@each_program
def test_a_program_writes_the_whole_answer_by_itself_at_every_length_to_200(name, low):
    check_run(name, range(1, 101), low)
    check_run(name, range(101, LONGEST + 1), low)


def test_a_run_stops_at_the_most_tokens():
    marks = marks_above(9)
    prompts = np.array([[marks.start, 2, 7], [marks.start, 3, 3]], np.int32)
    wrote = programs.run(programs.count, marks, prompts, np.array([3, 3]), 3)
    assert wrote.tolist() == [[2, 3, 4], [3, marks.end, marks.end]]


SMALL: Any = {"max_length": 8, "test_every": 4, "train_length": 8}
TASKS = {
    "count": Count(**SMALL),
    "mode": Mode(**SMALL),
    "copy_unique": Copy(**SMALL),
    "sort": Sort(**SMALL),
    "reverse_addition": Addition(**SMALL),
    "forward_addition": Addition(**SMALL, order="forward"),
    "parity": Parity(**SMALL),
    "boolean_and": And(bits=8, fixed=3),
}


@each_program
def test_a_program_solves_its_task_on_int8_as_on_int32(name):
    task = TASKS[name]

    def solve(key):
        example = task.sample(key, "test")
        return example, [PROGRAMS[name](example.inputs.astype(t), task.tokens) for t in (jnp.int32, jnp.int8)]

    example, said = jit(jax.vmap(solve))(jax.random.split(jax.random.key(0), 256))
    asked = example.weights > 0
    assert asked.any(1).all()
    for answer in said:
        assert (answer == example.targets)[asked].all()
