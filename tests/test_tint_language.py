"""What traced functions may be: a new operation is one function, and what cannot be traced is refused."""

import numpy as np
import pytest

from synthetic.tint import language, operations
from synthetic.tint.generate import Form, generate, needed
from synthetic.tint.language import SHOWN, traced
from synthetic.tint.noise import Noise
from synthetic.tint.operands import Laws
from synthetic.tint.operations import add, mixture
from synthetic.tint.plain import parsed, response
from synthetic.tint.text import spell, vocabulary
from tests.test_tint import rows


@pytest.fixture
def registry(monkeypatch):
    """A registry of operations that the test may add to."""
    monkeypatch.setattr(language, "_OPERATIONS", dict(language.operations()))


def test_a_new_operation_is_one_function(registry):
    @traced("norm( {nums} )", essential="total", inside={"add": SHOWN}, takes_list=True)
    def norm(nums):
        total = 0
        for i in range(len(nums)):
            square = nums[i] * nums[i]
            total = add(total, square)
        return total

    form = Form("norm", "lines", 1, 3)
    made = generate(form, needed(form).tokens, Laws(1, 1, 1, 3, 0.0), Noise(), 0, "train", np.arange(9))
    for prompt, said in rows(made):
        _, [numbers] = parsed(prompt)
        assert spell(said, vocabulary()).endswith("\n" + " ".join(str(sum(n * n for n in numbers))) + " .")
        fuel, tokens = needed(form).fuel, needed(form).tokens
        assert said == response(prompt, "lines", tokens, fuel, Noise(), 0, 0, list(made["begin"]).index(len(prompt)))


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
def test_what_is_not_of_the_language_is_refused(registry, function, message):
    with pytest.raises(SyntaxError) as failure:
        traced("f( {x} )", essential="")(function)
    assert str(failure.value) == message


def test_a_name_taken_twice_is_an_error(registry):
    with pytest.raises(ValueError, match="operation add is registered twice"):
        traced("{x} + {y}", essential="")(operations.add)


def test_mixture_reads_weights():
    assert [(o.name, share) for o, share in mixture("sort + 3*add")] == [("sort", 0.25), ("add", 0.75)]
