"""What is true of TInt prompted: documents of one operation, whose worked examples alone are noised in evaluation."""

import jax
import numpy as np
import pytest

from fields import check
from synthetic.tint import TIntPrompted
from synthetic.tint.language import operations
from synthetic.tint.plain import parsed
from synthetic.tint.prompted import LEVELS
from synthetic.tint.text import END, NEWLINE, format_tokens, vocabulary
from tests.test_tint import PYTHON

SMALL = TIntPrompted(examples=60, test_examples=60, shots=3, operations="add+subtract+modulo+gcd")


def parts(table, i):
    """The (operands, response) of each example of document i."""
    tokens, found = table["tokens"][i].tolist(), []
    while tokens and tokens[0] != END:
        prompt, response = tokens[: tokens.index(NEWLINE) + 1], tokens[tokens.index(NEWLINE) + 1 : tokens.index(END)]
        operation, operands = parsed(prompt)
        assert operation is None  # a prompt does not tell
        found.append((operands, response))
        tokens = tokens[tokens.index(END) + 1 :]
    return found


def answer(response):
    """The number on the last line of a response."""
    return int("".join(map(str, response[len(response) - response[::-1].index(NEWLINE) :])))


@pytest.fixture(scope="module")
def tables():
    """The sets without noise in training."""
    return SMALL.materialise().tables  # type: ignore[attr-defined]


def level(tables, name):
    """The test set at one level of noise."""
    return {key: values[list(LEVELS).index(name)] for key, values in tables["test"].items()}


def test_the_examples_of_a_document_are_of_one_operation(tables):
    names = list(operations())
    for table in (tables["train"], level(tables, "clean")):
        assert set(table["operation"]) == {names.index(n) for n in ("add", "subtract", "modulo", "gcd")}
        for i, number in enumerate(table["operation"]):
            found = parts(table, i)
            assert len(found) == 4
            assert all(answer(response) == PYTHON[names[number]](*operands) for operands, response in found)


def test_training_asks_for_every_response_and_evaluation_for_the_last():
    task, names = SMALL.materialise(), vocabulary()
    for split, count in (("train", 4), ("test", 1)):
        example = jax.tree.map(np.asarray, task.sample(jax.random.key(1), split))
        asked = example.targets[example.weights > 0].tolist()
        assert asked.count(END) == count
        prompt, said = task.render(example)
        assert prompt.count(names[END]) == 3
        assert said == format_tokens(asked, names)


def test_noise_meets_the_worked_examples_and_never_the_question(tables):
    clean = level(tables, "clean")
    assert (clean["label"] == 1).all()
    assert (clean["kept"] == 1).all()
    for name in LEVELS:
        noised = level(tables, name)
        changed = 0
        for i in range(60):
            was, now = parts(clean, i), parts(noised, i)
            assert now[-1] == was[-1]
            assert [operands for operands, _ in now] == [operands for operands, _ in was]
            changed += now != was
        assert changed >= (50 if name != "clean" else 0), name
    kept = {name: level(tables, name)["kept"].mean() for name in LEVELS}
    assert kept["characters/0.3"] > kept["characters/0.6"] > kept["characters/0.9"]
    assert kept["dynamic/0.2"] > kept["dynamic/0.4"]


def test_documents_write_their_digits_higher_by_a_hidden_number_each_which_the_worked_examples_show(tables):
    shifted = SMALL.replace(shifts=10).materialise().tables  # type: ignore[attr-defined]
    for plain, written in ((tables["train"], shifted["train"]), (level(tables, "clean"), level(shifted, "clean"))):
        assert set(written["shift"]) == set(range(10))
        for i, shift in enumerate(written["shift"].tolist()):
            was, now = parts(plain, i), parts(written, i)
            assert [operands for operands, _ in now] == [operands for operands, _ in was]
            for (_, before), (_, after) in zip(was, now, strict=True):
                assert after == [(token + shift) % 10 if token < 10 else token for token in before]
    assert (level(shifted, "dynamic/0.4")["label"] == level(tables, "dynamic/0.4")["label"]).all()


def test_an_answer_is_judged_by_the_digits_of_its_own_document():
    task = SMALL.replace(shifts=10).materialise()
    for key in jax.random.split(jax.random.key(2), 5):
        example = task.sample(key, "test")
        assert {name: np.asarray(score).item() for name, score in task.judge(example, example.targets).items()} == {
            **{"answer": 1, "astray": 0, "recovered": 0, "follows": 1, "label": 1, "kept": 1}
        }
        other = jax.numpy.where(example.targets < 10, (example.targets + 1) % 10, example.targets)
        assert task.judge(example, other)["answer"] == 0


def test_training_documents_are_noised_as_asked():
    table = SMALL.replace(characters=0.5, contamination=0.5).materialise().tables["train"]  # type: ignore[attr-defined]
    names = list(operations())
    right = [
        [answer(response) == PYTHON[names[number]](*operands) for operands, response in parts(table, i)]
        for i, number in enumerate(table["operation"])
    ]
    assert np.allclose(np.mean([row[:-1] for row in right], 1), table["label"])
    assert 0.4 < np.mean(right) < 0.9


def test_documents_that_are_too_long_lose_their_first_examples(tables):
    longer = SMALL.materialise().spec.length + 1
    short = SMALL.replace(length=longer // 2).materialise().tables  # type: ignore[attr-defined]
    seen = set()
    for i in range(60):
        whole, cut = parts(tables["train"], i), parts(short["train"], i)
        assert cut == whole[len(whole) - len(cut) :]
        assert short["train"]["shots"][i] == len(cut) - 1
        seen.add(len(cut))
    assert len(seen) > 1


def test_a_document_needs_room_for_a_worked_example_and_the_question():
    task, [error] = check({"length": 20}, TIntPrompted, "task")
    assert task is None
    assert error.startswith("task.length: at least ")
