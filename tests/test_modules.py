"""How the suite is installed: what hides its modules, or lacks its configuration, is named in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import PurePath

import pytest

from experiments import gallery
from experiments.errors import ConfigError, check_docstrings
from experiments.examples import read_words
from paper import report
from tests.commands import ROOT, TINY

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


def test_an_install_without_the_configuration_says_so(tmp_path):
    for name in ("__init__.py", "modules.py", "streams.py", "errors.py", "run.py"):
        (tmp_path / "experiments").mkdir(exist_ok=True)
        (tmp_path / "experiments" / name).write_bytes((ROOT / "experiments" / name).read_bytes())
    for name in ("fields.py", "models/__init__.py", "synthetic/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    done = start(tmp_path, "-m", "experiments.run")
    said = f"error: {tmp_path}/conf: no such folder, which is part of this project; install it again\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    script = tmp_path / "bin" / "terrarium"  # as pip writes it
    script.parent.mkdir()
    script.write_text("from experiments.__main__ import console\n")
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, script, "run"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def data_files(folder):
    """Returns the files of conf/ and paper/ below a folder that are no code, by their paths in it."""
    every = [path for name in ("conf", "paper") for path in (folder / name).rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix() for path in every if path.suffix not in (".py", ".pyc")}
    return {name for name in names if not name.startswith("paper/build/")}


def test_an_install_has_every_file_of_configuration_and_records():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    names = data_files(ROOT)
    assert "conf/study/markov/threshold.yaml" in names
    assert not [name for name in names if not any(fnmatch(PurePath(name).name, pattern) for pattern in data)]


@pytest.mark.slow
def test_a_copy_that_pip_makes_works_in_any_folder_and_writes_no_record(tmp_path):
    checkout, site = tmp_path / "checkout", tmp_path / "site"
    for name in ("conf", "experiments", "hydra_plugins", "models", "paper", "synthetic"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "build"))
    for name in ("fields.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*install, "--target", site, checkout], check=True, capture_output=True, timeout=300)
    assert data_files(site) == data_files(checkout)
    shutil.rmtree(checkout)
    (folder := tmp_path / "elsewhere").mkdir()

    def command(*words):
        env = os.environ | {"PYTHONPATH": str(site)}
        line = [sys.executable, "-m", *words]
        return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=300)

    assert command("experiments.run", *TINY).stdout.startswith("runs/single/")
    assert "\nreproduced: " in command("experiments.reproduce", "markov/threshold/cpu", "--check").stdout
    assert command("paper.report").stdout.startswith("report.html: ")
    for words, kept in (
        (("experiments.reproduce", "markov/threshold/cpu", "--record"), "the record"),
        (("experiments.null_rates", "--all"), "the record"),
        (("experiments.keys",), "docs/keys.md"),
        (("paper",), "the write-up"),
    ):
        said = f"error: {kept}: is kept in a checkout, and this is an installed copy, in {site}\n"
        assert command(*words).stderr == said
    assert {path.name for path in folder.iterdir()} == {"runs", "report.html"}


def test_make_installs_into_its_own_environment_whatever_pip_is_told(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho call >> told; env | grep ^PIP_ >> told; exit 0\n")
    python.chmod(0o755)
    told = {"PIP_USER": "1", "PIP_TARGET": "/tmp/t", "PIP_PREFIX": "/tmp/p", "PIP_ROOT": "/tmp/r", "PIP_INDEX_URL": "u"}
    subprocess.run(["make", "-s", ".venv/.installed"], cwd=tmp_path, env=os.environ | told, check=True, timeout=60)
    calls = [call.splitlines() for call in (tmp_path / "told").read_text().split("call\n")[2:]]  # the first only asks
    assert len(calls) == 2
    for call in calls:
        assert "PIP_USER=0" in call
        assert "PIP_INDEX_URL=u" in call
        assert not [line for line in call if line.startswith(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"))]


def test_without_docstrings_examples_are_shown_and_pages_that_are_made_of_them_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["preview", *TINY[:5], "count=1"])
    assert read_words("", "preview", count="5").count == 1
    check_docstrings()
    monkeypatch.setattr(check_docstrings, "__doc__", None)
    for main in (gallery.main, report.main):
        monkeypatch.setattr(sys, "argv", ["page"])
        with pytest.raises(ConfigError, match=r"^PYTHONOPTIMIZE: "):
            main()
