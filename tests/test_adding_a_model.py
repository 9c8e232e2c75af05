"""What the page on adding a model says is so: its files are a package, and its commands give what it shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

import models
from models import contract
from tests.commands import ROOT
from tests.test_adding_a_task import _CHECKED

PAGE = (ROOT / "docs" / "adding_a_model.md").read_text()
FILES = dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)).splitlines()


def words(begin):
    """The words of the page's one command that begins so, with this Python."""
    (line,) = (line for line in COMMANDS if line.startswith(begin))
    return [sys.executable, *shlex.split(line)[1:]]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A function that runs a command in the page's package, installed apart from this environment."""
    folder, installed = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    env = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}

    def run(command):
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)

    install = [word for word in words("python -m pip install ") if word != "--editable"]
    done = run([*install, "--no-index", "--disable-pip-version-check", "--target", str(installed)])
    assert done.returncode == 0, done.stderr
    return run


def test_every_block_on_the_page_that_adds_a_model_names_its_file():
    assert list(FILES) == ["pyproject.toml", "elman.py", "test_elman.py"]


def test_every_check_of_the_contract_of_models_is_explained():
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE.split("## The contract")[1].split("##")[0], re.MULTILINE) == [
        check.__name__ for check in contract.CHECKS
    ]


def test_every_registered_model_is_named():
    names = re.findall(r"^\| `(\w+)` \|", PAGE.split("## The suite's own models")[1], re.MULTILINE)
    assert sorted(names) == sorted(models.registry())


@pytest.mark.slow
def test_the_contract_tests_of_an_added_model_pass_by_one_command(package):
    done = package(words("python -m pytest"))
    assert done.returncode == 0, done.stdout
    assert f"{len(contract.CHECKS) + 1} passed" in done.stdout


def test_runs_of_an_added_model_pass_the_checks_and_what_does_not_fit_is_refused_as_on_the_page(package):
    runs = [shlex.join(words(f"python -m experiments.run {begin}")[3:]) for begin in ("model=", "-m ")]
    shown = re.findall(r"^\$ python -m experiments.run (.*)\n(error: .*)$", PAGE, re.MULTILINE)
    assert len(shown) == 2
    done = package([sys.executable, "-c", _CHECKED, *runs, *(argument for argument, _ in shown)])
    assert done.stdout.splitlines() == ["1 1", "2 2", *(line for _, line in shown)], done.stderr


@pytest.mark.slow
def test_an_added_model_goes_on_to_longer_words_where_a_transformer_does_not(package, tmp_path):
    done = package([*words("python -m experiments.run -m "), f"out={tmp_path}"])
    assert done.returncode == 0, done.stderr
    scores = {}
    for end in tmp_path.glob("single/*/result.json"):
        config = yaml.safe_load((end.parent / "config.yaml").read_text())
        result = json.loads(end.read_text())["scores"]
        scores[config["model"]["name"]] = {name: score["exact_match"] for name, score in result.items()}
    assert min(scores["elman"].values()) > 0.95
    assert scores["transformer"]["within"] > 0.9
    assert scores["transformer"]["length_40"] < 0.7
