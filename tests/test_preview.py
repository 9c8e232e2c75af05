"""`preview` shows examples to people: aligned words in a pipe, colours on a terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from experiments import preview
from experiments.errors import ConfigError
from tests.commands import ROOT, call, command

SMALL = ["task.alphabet=16", "task.input_length=8", "task.search_length=2", "task.replace_length=2"]


@pytest.fixture
def previewed(monkeypatch, capsys):
    """Runs the command in this process and returns the lines it prints."""

    def run(*words):
        monkeypatch.setattr(preview.devices, "use_all_cores", lambda: None)
        monkeypatch.setattr(sys, "argv", ["preview", *words])
        assert preview.main() == 0
        return capsys.readouterr().out.splitlines()

    return run


def test_preview_into_a_pipe_prints_plain_examples_under_the_overrides():
    done = call("preview", "task=markov", *SMALL, "task.noop_rate=0.3", "count=20")
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"^(\w+) -> (\w+) : (\w+)  =>  (\w+)    \((.*)\)$", done.stdout, re.MULTILINE)
    assert len(shown) == len(done.stdout.splitlines()) == 20
    for x, y, z, answer, facts in shown:
        assert (len(x), len(y), len(z)) == (2, 2, 8)
        assert answer == z.replace(x, y, 1)
        assert f"noop {int(x not in z)}" in facts
    assert 0 < sum(x not in z for x, _, z, *_ in shown) < 20


def test_preview_shows_five_examples_by_default_and_more_only_add_to_them(previewed):
    five = previewed(*SMALL, "split=unseen")
    seven = previewed(*SMALL, "split=unseen", "count=7")
    assert (len(five), len(seven)) == (5, 7)
    assert seven[:5] == five
    assert not set(five) & set(previewed(*SMALL, "split=unseen", "seed=1"))


@pytest.mark.slow
def test_preview_on_a_terminal_prints_colours():
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    subprocess.run(command("preview", *SMALL, "count=2"), cwd=ROOT, env=env, stdout=theirs, check=True, timeout=300)
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    assert text.count("\x1b[1;32m") == 2
    assert text.count("=>") == 2


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["count=many"], "count: expected an integer from 1 to 2147483647, got many"),
        (["split=test"], "split: expected one of train, seen, unseen, got test"),
        (["task.noop_rat=1"], "task.noop_rat: unknown key (did you mean noop_rate?); allowed: "),
    ],
)
def test_bad_input_is_refused_in_one_line(words, error, previewed):
    with pytest.raises(ConfigError) as failure:
        previewed(*words)
    assert len(failure.value.lines) == 1
    assert failure.value.lines[0].startswith(error)


def test_an_error_is_printed_without_a_traceback():
    done = call("preview", "count=0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: count: expected an integer from 1 to 2147483647, got 0\n"
