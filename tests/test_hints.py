"""What is true of sorting and incrementing with hints."""

import numpy as np
import pytest

from fields import check
from synthetic import contract
from synthetic.hints import HINTS, HintedIncrement, HintedSort
from tests.generated import drawn, each

SMALL = {"max_length": 8, "train_length": 6, "test_every": 8, "packing": False}


@pytest.mark.slow
@pytest.mark.parametrize("hint", [hint for hint in HINTS if hint not in ("none", "successor")])
@pytest.mark.parametrize("cls", [HintedSort, HintedIncrement])
def test_every_hint_is_answered_as_plain_python_does(cls, hint):
    contract.oracle_agrees(cls(hint=hint, **SMALL))


def test_all_hints_are_compared_at_the_same_questions_of_the_task_itself():
    batches = {hint: drawn(HintedSort(hint=hint, hint_share=0.5, **SMALL)) for hint in ("none", "successor", "count")}
    none = batches.pop("none")
    hinted = none.facts["hint"]
    assert not none.weights[hinted].any(), "a hint that is none has a loss"
    for batch in batches.values():
        assert (batch.facts["hint"] == hinted).all()
        assert (batch.weights[hinted].sum(1) > 0).all()
        for field in ("inputs", "targets", "weights"):
            assert (getattr(batch, field)[~hinted] == getattr(none, field)[~hinted]).all()


def test_a_carry_goes_through_all_highest_digits_and_may_make_a_number_longer():
    task = HintedIncrement(symbols=2, hint="none", hint_share=0.0, **SMALL)
    answers = {task.render(example) for example in each(drawn(task, "test"))}
    assert ("> main 1 1 1 :", "1 0 0 0 .") in answers
    assert ("> main 0 1 1 :", "1 0 0 .") in answers


def test_hints_without_a_name_for_their_number_are_refused():
    _, errors = check({"hint": "fill", "train_length": 12, "symbols": 10}, HintedSort, "task")
    assert errors == ["task.train_length: below task.symbols = 10, to say a fill, got 12"]


def test_numbers_to_sort_come_more_than_once():
    words = [
        example.inputs[2 : 2 + int(example.facts["length"])] for example in each(drawn(HintedSort(**SMALL), "test"))
    ]
    assert any(len(np.unique(word)) < len(word) for word in words)
