"""What the page on adding a model says is so: its files are a package, and its commands give what it shows."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest
import yaml

import models
from models import contract
from tests.packages import CHECKED, Page, install

PAGE = Page.read("adding_a_model.md")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A function that runs a command in the page's package, installed apart from this environment."""
    return install(PAGE, tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed"))


def test_every_block_on_the_page_that_adds_a_model_names_its_file():
    assert list(PAGE.files) == ["pyproject.toml", "elman.py", "test_elman.py"]


def test_every_check_of_the_contract_of_models_is_explained():
    table = PAGE.text.split("## The contract")[1].split("##")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [check.__name__ for check in contract.CHECKS]


def test_every_registered_model_is_named():
    names = re.findall(r"^\| `(\w+)` \|", PAGE.text.split("## The suite's own models")[1], re.MULTILINE)
    assert sorted(names) == sorted(models.registry())


@pytest.mark.slow
def test_the_contract_tests_of_an_added_model_pass_by_one_command(package):
    assert f"{len(contract.CHECKS) + 1} passed" in package(PAGE.words("pytest")).stdout


@pytest.mark.slow
def test_runs_of_an_added_model_pass_the_checks_and_what_does_not_fit_is_refused_as_on_the_page(package):
    runs = [shlex.join(PAGE.words(f"experiments.run {begin}")[3:]) for begin in ("model=", "-m ")]
    shown = re.findall(r"^\$ python -m experiments.run (.*)\n(error: .*)$", PAGE.text, re.MULTILINE)
    assert len(shown) == 2
    done = package([sys.executable, "-c", CHECKED, *runs, *(argument for argument, _ in shown)])
    assert done.stdout.splitlines() == ["1 1", "2 2", *(line for _, line in shown)], done.stderr


@pytest.mark.slow
def test_an_added_model_goes_on_to_longer_words_where_a_transformer_does_not(package, tmp_path):
    package([*PAGE.words("experiments.run -m "), f"out={tmp_path}"])
    scores = {}
    for end in tmp_path.glob("*/*/result.json"):
        config = yaml.safe_load((end.parent / "config.yaml").read_text())
        result = json.loads(end.read_text())["scores"]
        scores[config["model"]["name"]] = {name: score["exact_match"] for name, score in result.items()}
    assert min(scores["elman"].values()) > 0.95
    assert scores["transformer"]["within"] > 0.9
    assert scores["transformer"]["length_40"] < 0.7
