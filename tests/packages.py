"""Packages that pages of the documentation build: their files, their commands, and a place where they are installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.commands import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]

# What the checks before a run say of each argument, the words of one.
CHECKED = """
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


@dataclass(frozen=True)
class Page:
    """A page: its text, the files that it shows in full, and the lines of its commands."""

    text: str
    files: Mapping[str, str]
    commands: list[str]

    @classmethod
    def read(cls, name: str) -> Page:
        """Reads a page of docs/."""
        text = (ROOT / "docs" / name).read_text()
        files = dict(re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return cls(text, files, [str(line) for line in "".join(blocks).splitlines()])

    def words(self, begin: str) -> list[str]:
        """Returns the words of the page's command that is this, or else of the one that begins so, with this Python."""
        whole = [line for line in self.commands if line == f"python -m {begin}"]
        (line,) = whole or [line for line in self.commands if line.startswith(f"python -m {begin}")]
        return [sys.executable, *shlex.split(line)[1:]]


def write(files: Mapping[str, str], folder: Path) -> None:
    """Writes files below a folder, by their names."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def install(page: Page, folder: Path, installed: Path, files: Mapping[str, str] | None = None) -> Run:
    """Writes a page's package into `folder` and installs it in `installed`, apart from this environment.

    Returns a function that runs a command in the package and demands that it succeeds. files: those of the package, by
    default the page's.
    """
    write(files or page.files, folder)
    env = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "COLUMNS": "80"}

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    command = [word for word in page.words("pip install ") if word != "--editable"]
    run([*command, "--no-index", "--disable-pip-version-check", "--target", str(installed)])
    return run
