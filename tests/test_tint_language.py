"""What traced functions may be: a new operation is one function, and what cannot be traced is refused."""

import importlib
import re

import numpy as np
import pytest

from synthetic.tint import language, operations
from synthetic.tint.generate import Form, generate, needed
from synthetic.tint.language import SHOWN, traced
from synthetic.tint.noise import Noise
from synthetic.tint.operands import Laws
from synthetic.tint.operations import add, mixture
from synthetic.tint.plain import parsed, response
from synthetic.tint.text import format_tokens, vocabulary
from tests.commands import ROOT
from tests.test_tint import rows


@pytest.fixture
def registry(monkeypatch):
    """A registry of operations that the test may add to."""
    monkeypatch.setattr(language, "_OPERATIONS", dict(language.operations()))


def test_a_new_operation_is_one_function(registry):
    @traced("norm( {nums} )", essential="total", inside={"add": SHOWN}, lists="nums")
    def norm(nums):
        total = 0
        for i in range(len(nums)):
            square = nums[i] * nums[i]
            total = add(total, square)
        return total

    form = Form("norm", "steps", 1, 3)
    made = generate(form, needed(form).tokens, Laws(1, 1, 1, 3, 0.0), Noise(), 0, "train", np.arange(9))
    for prompt, said in rows(made):
        _, [numbers] = parsed(prompt)
        assert format_tokens(said, vocabulary()).endswith("\n" + " ".join(str(sum(n * n for n in numbers))) + " .")
        fuel, tokens = needed(form).fuel, needed(form).tokens
        assert said == response(prompt, "steps", tokens, fuel, Noise(), 0, 0, list(made["begin"]).index(len(prompt)))


def test_operands_are_as_many_numbers_and_lists_as_there_are_parameters(registry):
    @traced("square( {x} )", essential="res")
    def square(x):
        res = x * x
        return res

    @traced("dot( {a} , {b} )", essential="res", lists="a b")
    def dot(a, b):
        res = 0
        for i in range(len(a)):
            res += a[i] * b[i]
        return res

    @traced("count( {nums} , {x} , {y} )", essential="res", lists="nums")
    def count(nums, x, y):
        res = 0
        for num in nums:
            if num >= x and num <= y:
                res += 1
        return res

    for function in (square, dot, count):
        form = Form(function.__name__, "steps", 1, 3)
        made = generate(form, needed(form).tokens, Laws(1, 1, 2, 3, 0.0), Noise(dynamic=0.2), 0, "train", np.arange(40))
        for i, (prompt, said) in enumerate(rows(made)):
            operation, operands = parsed(prompt)
            assert operation is not None
            assert [isinstance(x, list) for x in operands] == [p in operation.lists for p in operation.parameters]
            fuel, tokens = needed(form).fuel, needed(form).tokens
            assert said == response(prompt, "steps", tokens, fuel, Noise(dynamic=0.2), 0, 0, i)
            assert not any("_" in word for word in format_tokens(said, vocabulary()).split())
        clean = generate(form, needed(form).tokens, Laws(1, 1, 2, 3, 0.0), Noise(), 0, "train", np.arange(40))
        for prompt, said in rows(clean):
            operands = parsed(prompt)[1]
            if function is dot:  # what is read past a list's end is its last item
                n = len(operands[0])
                operands[1] = (operands[1] + operands[1][-1:] * n)[:n]
            assert format_tokens(said, vocabulary()).endswith("\n" + " ".join(str(function(*operands))) + " .")


def test_the_page_on_adding_a_task_adds_an_operation(registry, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "adding_a_task.md").read_text()
    (code,) = (c for c in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "@traced" in c)
    (tmp_path / "dot_of_the_page.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("dot_of_the_page")
    form, laws = Form("dot", "compact", 1, 3), Laws(1, 1, 3, 3, 0.0)
    for prompt, said in rows(generate(form, needed(form).tokens, laws, Noise(), 0, "train", np.arange(20))):
        a, b = parsed(prompt)[1]
        assert format_tokens(said, vocabulary()).endswith("\n" + " ".join(str(np.dot(a, b))) + " .")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"text": "f( {x} )", "lists": "l"}, "f: lists names l, which is no parameter; there are x"),
        ({"text": "f( {x} )", "divisor": True}, "f: larger_first and divisor are for two numbers, got x"),
        ({"text": "f( )"}, "f: its text must show its parameters in order, x"),
    ],
)
def test_operands_that_are_not_as_declared_are_refused(registry, declared, message):
    def f(x):
        y = x
        return y

    with pytest.raises(ValueError, match=re.escape(message)):
        traced(declared.pop("text"), essential="", **declared)(f)


def unfit_return(x):
    return x + 1


def unfit_break(x):
    while x > 0:
        break
    return x


def unfit_call(x):
    x = 1 + abs(x)
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unfit_return, "unfit_return, line 2: the last statement must return a variable: return x + 1"),
        (unfit_break, "unfit_break, line 3: not a statement of traced functions: break"),
        (unfit_call, "unfit_call, line 2: not an expression of traced functions: abs(x)"),
    ],
)
def test_python_outside_the_language_of_tint_is_refused(registry, function, message):
    with pytest.raises(SyntaxError) as failure:
        traced("f( {x} )", essential="")(function)
    assert str(failure.value) == message


def test_a_task_or_operation_whose_name_is_taken_is_an_error(registry):
    with pytest.raises(ValueError, match="operation add is registered twice"):
        traced("{x} + {y}", essential="")(operations.add)


def test_a_mixture_of_operations_is_read_with_its_weights():
    assert [(o.name, share) for o, share in mixture("sort + 3*add")] == [("sort", 0.25), ("add", 0.75)]
