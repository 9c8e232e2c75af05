"""What is shown neither stops nor alters a command: outputs that are closed, full or broken, text that looks odd."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from experiments.engine import config, progress
from experiments.engine.progress import Progress
from experiments.engine.train import train
from tests.commands import ROOT, TINY, call, command

TALKS = """
import os, sys
from experiments.errors import command
def main():
    opened = os.open(os.devnull, os.O_RDONLY)
    for n in range(20_000):
        print("result", n); print("progress", n, file=sys.stderr)
    os.write(int(os.environ["REPORT"]), f"done, first file {opened}".encode())
    return 0
command(main, trains=%s)()
"""


def shell(line: str, code: str) -> tuple[int, str, str]:
    """Exit code of a command under a shell's redirections, what it reported at its end, and its standard error."""
    done = subprocess.run(
        ["bash", "-c", f"exec 9>&1; {line}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "REPORT": "9", "PYTHON": sys.executable, "CODE": code},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


RUN = '"$PYTHON" -c "$CODE"'


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{RUN} >/dev/null 2>/dev/full", 0),
        (f"{RUN} >/dev/null 2>&-", 0),
        (f"{RUN} <&- >/dev/null 2>&-", 0),
        (f"set -o pipefail; {RUN} 2>&1 | head -1 >/dev/null", 0),
        (f"{RUN} >&- 2>&-", 0),
        (f"{RUN} 2>/dev/null >/dev/full", 1),
    ],
)
def test_a_command_that_trains_goes_on_to_its_end_whatever_becomes_of_its_output(line, code):
    ended, said, errors = shell(line, TALKS % True)
    assert (ended, said[:4]) == (code, "done"), (said, errors)
    assert int(said.split()[-1]) > 2, "a file of ours has the number of a standard stream"
    assert "Traceback" not in errors


def test_a_full_output_is_one_line_at_the_end():
    ended, said, errors = shell(f"{RUN} >/dev/full", TALKS.replace('print("progress", n, file=sys.stderr)', "") % True)
    assert (ended, said[:4], errors) == (1, "done", "error: standard output: No space left on device\n")


def test_a_command_that_only_shows_ends_with_its_reader_and_says_that_a_disk_is_full():
    code = TALKS.replace('print("progress", n, file=sys.stderr)', "") % False
    assert shell(f"set -o pipefail; {RUN} | head -1", code) == (0, "result 0\n", "")
    assert shell(f"{RUN} >/dev/full", code)[::2] == (2, "error: output: No space left on device\n")


def test_letters_that_an_output_lacks_are_replaced():
    code = "from experiments.errors import command\ncommand(lambda: print('a × b'), trains=%s)()"
    for trains in (True, False):
        done = shell(f"PYTHONIOENCODING=ascii {RUN}", code % trains)
        assert done == (0, "a ? b\n", "")


def test_a_terminal_of_no_width_is_taken_for_one_of_unknown_width():
    code = (
        "from experiments.errors import command; from experiments.streams import console\n"
        "command(lambda: console().print('shown'))()"
    )
    for size in ("COLUMNS=0", "COLUMNS=", "COLUMNS=0 LINES=0"):
        assert shell(f"{size} {RUN}", code) == (0, "shown\n", "")


class Broken:
    """A pack that cannot be trained, for a reason that looks like markup."""

    def __init__(self, jobs, progress, **how):
        raise RuntimeError("no such folder: [/data/words] [bold :smile:")


def test_text_from_outside_is_never_markup(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("experiments.engine.train.Pack", Broken)
    jobs = config.jobs([[*TINY, f"model.depth={depth}", f"out={tmp_path}"] for depth in (1, 2)])
    assert train(jobs) == [None, None]
    said = capsys.readouterr().err
    assert said.count("failed: no such folder: [/data/words] [bold :smile:") == 2


class Unwritable:
    """A standard error that fails."""

    encoding, terminal = "utf-8", False

    def write(self, text):
        raise OSError(28, "No space left on device")

    def flush(self):
        raise OSError(28, "No space left on device")

    def isatty(self):
        return self.terminal

    def fileno(self):
        raise OSError(25, "not a terminal")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_display_that_fails_is_given_up(terminal, tmp_path, monkeypatch):
    monkeypatch.setattr(Unwritable, "terminal", terminal)
    monkeypatch.setattr(progress.sys, "stderr", Unwritable())
    (job,) = config.jobs([[*TINY, f"out={tmp_path}"]])
    with Progress() as display:
        display.add([job], done=0)
        display.phase("compiling")
        display.start([job], np.array([0]))
        display.update([job], np.array([20]), 1.0)
        display.score(job, [])
        display.ended(1, 0)
        display.say("[/]")


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">&- 2>&-", "2>&1 | head -1"])
def test_a_study_is_trained_whole_whatever_becomes_of_its_output(redirection, tmp_path):
    words = command("reproduce", "markov/threshold/smoke", f"out={tmp_path}")
    done = subprocess.run(["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *words], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert len(list(tmp_path.rglob("result.json"))) == 4


@pytest.mark.slow
def test_a_preview_ends_with_its_reader():
    words = command("preview", *TINY[:5], "count=100000000")
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -1', "bash", *words], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert call("preview", *TINY[:5], COLUMNS="0").stdout.count("=>") == 5
