"""What the page on adding a task says is so: its files are a package, and its commands give what it shows."""

import json
import re
import shlex
import sys

import pytest

from synthetic import contract
from tests.packages import CHECKED, Page, install

PAGE = Page.read("adding_a_task.md")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A function that runs a command in the page's package, installed apart from this environment."""
    return install(PAGE, tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed"))


def test_every_block_on_the_page_that_adds_a_task_names_its_file():
    assert list(PAGE.files) == ["pyproject.toml", "recall.py", "test_recall.py"]


def test_every_check_of_the_contract_is_explained():
    table = PAGE.text.split("## The contract")[1].split("##")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [check.__name__ for check in contract.CHECKS]


@pytest.mark.slow
def test_the_contract_tests_of_an_added_task_pass_by_one_command(package):
    assert f"{len(contract.CHECKS) + 1} passed" in package(PAGE.words("pytest")).stdout


@pytest.mark.slow
def test_preview_of_an_added_task_prints_the_lines_on_the_page(package):
    printed = package(PAGE.words("experiments.preview ")).stdout
    assert printed.count("\n") == 3
    assert f"```text\n{printed}```" in PAGE.text


def test_runs_of_an_added_task_pass_the_checks_and_a_wrong_field_is_refused_as_on_the_page(package):
    runs = [shlex.join(PAGE.words(f"experiments.run {begin}")[3:]) for begin in ("task=", "-m ")]
    shown = re.search(r"^\$ python -m experiments.run (.*)\n(error: .*)$", PAGE.text, re.MULTILINE)
    assert shown
    done = package([sys.executable, "-c", CHECKED, *runs, shown[1]])
    assert done.stdout.splitlines() == ["1 1", "12 1", shown[2]], done.stderr
    assert "12 runs in one program" in PAGE.text


@pytest.mark.slow
def test_an_added_task_reads_many_values_per_key_and_memorises_a_single_one(package, tmp_path):
    """The two ends of the page's sweep."""
    few = {"task.values_per_key": "1,12", "seed": "0"}
    sweep = [
        f"{key}={few.get(key, value)}"
        for key, _, value in (w.partition("=") for w in PAGE.words("experiments.run -m ")[4:])
    ]
    package([sys.executable, "-m", "experiments.run", "-m", *sweep, f"out={tmp_path}"])
    scores = {}
    for end in tmp_path.glob("*/*/result.json"):
        values = re.search(r"values_per_key=(\d+)", end.parent.name)
        assert values
        scores[int(values[1])] = json.loads(end.read_text())["scores"]
    assert set(scores) == {1, 12}
    assert min(scores[1]["seen"]["exact_match"], scores[12]["seen"]["exact_match"]) > 0.9
    assert scores[1]["unseen"]["exact_match"] < 0.05
    assert scores[12]["unseen"]["exact_match"] > 0.9
