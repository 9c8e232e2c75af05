"""Every registered task keeps the contract, and each check of the contract can fail."""

import types
from typing import Any

import pytest

import fields
from fields import declared
from synthetic import contract, registry
from synthetic.rasp.samples import LengthTask
from synthetic.task import TASKS, register
from tests.broken_tasks import BROKEN
from tests.toys import HalfSpace, Line, Sort, Sum


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", registry())
def test_every_registered_task_keeps_the_contract(name, check):
    cls = registry()[name]
    # By default these tasks have ten conditions and long rows, or large sets, which are slow to draw and add nothing.
    small: dict[str, Any] = (
        {"max_length": 12, "test_every": 6, "train_length": 8} if issubclass(cls, LengthTask) else {}
    )
    if "test_examples" in declared(cls):
        small = {"examples": 2000, "test_examples": 500, "max_digits": 2}
    if "shots" in declared(cls):
        small |= {"examples": 500, "test_examples": 200, "shots": 1, "operations": "add+subtract"}
    check(cls(**small))


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("cls", [Sum, HalfSpace, Line, Sort])
def test_tasks_of_another_kind_fit_the_contract(cls, check):
    check(cls())


@pytest.mark.parametrize(("check", "cls", "message"), BROKEN)
def test_each_check_fails_on_a_broken_task_and_names_it(check, cls, message):
    with pytest.raises(AssertionError) as failure:
        check(cls())
    said = str(failure.value)
    assert said.startswith(cls.__name__ + ": ")
    assert message in said
    assert "\n" not in said


def test_every_check_is_shown_to_fail():
    assert {param.values[0] for param in BROKEN} == set(contract.CHECKS)


def test_a_task_of_another_package_is_found_by_its_entry_point(monkeypatch):
    class Entry:
        name, value = "sum", "toys:Sum"

        def load(self):
            return Sum

    monkeypatch.setattr(TASKS, "_known", dict(TASKS._known))
    monkeypatch.setattr(fields, "entry_points", lambda group: [Entry()] if group == "terrarium.tasks" else [])
    assert registry()["sum"] is Sum
    assert registry()["sum"] is Sum


def test_a_task_or_operation_whose_name_is_taken_is_an_error(monkeypatch):
    monkeypatch.setattr(TASKS, "_known", {"sum": Sum})
    with pytest.raises(ValueError, match="task sum is registered twice: Sum and HalfSpace"):
        register("sum")(HalfSpace)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ImportError("no module named flash\nand more"), "ImportError: no module named flash"),
        (SyntaxError("invalid syntax"), "SyntaxError: invalid syntax"),
        (AttributeError("module has no attribute Task"), "AttributeError: module has no attribute Task"),
        (SystemExit(), "SystemExit"),
        (None, "TypeError: theirs:Task is no class of a task"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named_once_in_one_line_and_the_others_work(error, why, monkeypatch, capsys):
    class Entry:
        name, value, dist = "sum", "theirs:Task", types.SimpleNamespace(name="theirs")

        def load(self) -> Any:
            if error:
                raise error
            return "no task"

    class Good(Entry):
        name, value = "good", "ours:Sum"

        def load(self) -> Any:
            return Sum

    monkeypatch.setattr(TASKS, "_known", dict(TASKS._known))
    monkeypatch.setattr(TASKS, "_broken", set())
    monkeypatch.setattr(fields, "entry_points", lambda group: [Entry(), Good()])
    for _ in range(2):
        assert "sum" not in registry()
        assert registry()["good"] is Sum
    said = "ignored: the package theirs, whose entry sum = theirs:Task of terrarium.tasks cannot be loaded: "
    assert capsys.readouterr().err == f"{said}{why}\n"
