"""A file of the user's that hides one of the suite's modules is named, in one line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.commands import ROOT

NAMES = ["fields.py", "models/__init__.py", "synthetic/__init__.py", "hydra_plugins/__init__.py"]


def start(folder, *words):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_a_hidden_module_is_one_line_in_a_command_and_an_import_error_elsewhere(name, tmp_path):
    hides = tmp_path / name
    hides.parent.mkdir(exist_ok=True)
    hides.touch()
    top = name.partition("/")[0].removesuffix(".py")
    said = f"{hides} hides this project's {top}: rename it, or start the command in another folder\n"
    done = start(tmp_path, "-m", "experiments.run", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {said}")
    done = start(tmp_path, "-c", "import experiments")
    assert done.stderr.splitlines()[-1] == f"ImportError: {said.strip()}"


def test_folders_of_the_user_that_are_no_packages_hide_nothing(tmp_path):
    for name in ("models", "synthetic", "hydra_plugins"):
        (tmp_path / name).mkdir()
    assert start(tmp_path, "-c", "import experiments").returncode == 0
