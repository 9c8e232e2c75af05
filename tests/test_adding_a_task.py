"""What the page on adding a task says is so: its files are a package, and its commands give what it shows."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from synthetic import contract
from tests.commands import ROOT

PAGE = (ROOT / "docs" / "adding_a_task.md").read_text()
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


def test_every_block_on_the_page_that_adds_a_task_names_its_file():
    assert list(FILES) == ["pyproject.toml", "recall.py", "test_recall.py"]


def test_every_check_of_the_contract_is_explained():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [check.__name__ for check in contract.CHECKS]


def test_the_contract_tests_of_an_added_task_pass_by_one_command(package):
    done = package(words("python -m pytest"))
    assert done.returncode == 0, done.stdout
    assert f"{len(contract.CHECKS) + 1} passed" in done.stdout


def test_preview_of_an_added_task_prints_the_lines_on_the_page(package):
    done = package(words("python -m experiments.preview "))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 3
    assert f"```text\n{done.stdout}```" in PAGE


# What the checks before a run say of each argument, the words of one.
_CHECKED = """
import shlex, sys, jax
from experiments.engine import config
from experiments import errors
for argument in sys.argv[1:]:
    words = shlex.split(argument)
    try:
        jobs = config.jobs(config.sweep(words[1:]) if words[0] == "-m" else [words])
        print(len(jobs), len({jax.tree.structure(job.run) for job in jobs}))
    except errors.ConfigError as e:
        print("error:", *e.lines)
"""


def test_runs_of_an_added_task_pass_the_checks_and_a_wrong_field_is_refused_as_on_the_page(package):
    runs = [shlex.join(words(f"python -m experiments.run {begin}")[3:]) for begin in ("task=", "-m ")]
    shown = re.search(r"^\$ python -m experiments.run (.*)\n(error: .*)$", PAGE, re.MULTILINE)
    assert shown
    done = package([sys.executable, "-c", _CHECKED, *runs, shown[1]])
    assert done.stdout.splitlines() == ["1 1", "12 1", shown[2]], done.stderr
    assert "12 runs in one program" in PAGE


@pytest.mark.slow
def test_an_added_task_reads_many_values_per_key_and_memorises_a_single_one(package, tmp_path):
    """The two ends of the page's sweep."""
    few = {"task.values_per_key": "1,12", "seed": "0"}
    sweep = [
        f"{key}={few.get(key, value)}"
        for key, _, value in (w.partition("=") for w in words("python -m experiments.run -m ")[4:])
    ]
    done = package([sys.executable, "-m", "experiments.run", "-m", *sweep, f"out={tmp_path}"])
    assert done.returncode == 0, done.stderr
    scores = {}
    for end in tmp_path.glob("single/*/result.json"):
        values = re.search(r"values_per_key=(\d+)", end.parent.name)
        assert values
        scores[int(values[1])] = json.loads(end.read_text())["scores"]
    assert set(scores) == {1, 12}
    assert min(scores[1]["seen"]["exact_match"], scores[12]["seen"]["exact_match"]) > 0.9
    assert scores[1]["unseen"]["exact_match"] < 0.05
    assert scores[12]["unseen"]["exact_match"] > 0.9
