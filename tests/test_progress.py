"""The display moves, and names the run that a number belongs to; metrics and a state are on disk while a run trains."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest

from experiments.engine import config, pack, progress
from experiments.engine.progress import Progress, short_names
from experiments.engine.train import train
from tests.commands import TINY


def jobs_in(folder, *words, seeds=(0, 1)):
    return config.jobs([[*TINY, f"seed={seed}", f"out={folder}", *words] for seed in seeds])


def rows_of(job, score):
    return [{"condition": name, "exact_match": score} for name in job.run.task.conditions()]


@pytest.fixture
def restless(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)
    monkeypatch.setattr(progress, "_TICK_SECONDS", 0.01)


def test_while_a_program_compiles_lines_say_for_how_long_and_which_it_is(restless, tmp_path, capsys):
    with Progress() as display:
        display.add(jobs_in(tmp_path), done=0)
        display.phase("compiling 1 of 2 for 2 lanes")
        time.sleep(0.3)  # the main thread does nothing, as in a compiler
    lines = [line for line in capsys.readouterr().err.splitlines() if "compiling" in line]
    assert len(lines) >= 3
    assert all("compiling 1 of 2 for 2 lanes, 0 s" in line for line in lines)


def test_a_line_names_the_run_of_each_loss_and_score(tmp_path, capsys):
    jobs = jobs_in(tmp_path)
    with Progress() as display:
        display.add(jobs, done=0)
        display.start(jobs, np.array([0, 0]))
        display.loss(jobs, [2.5, None])
        display.score(jobs[1], rows_of(jobs[1], 0.25))
    assert capsys.readouterr().err.splitlines()[-1].endswith(" | seed=0 loss 2.5; seed=1 score .25")


def test_a_run_alone_needs_no_name(tmp_path, capsys):
    (job,) = jobs_in(tmp_path, seeds=(0,))
    with Progress() as display:
        display.add([job], done=0)
        display.start([job], np.array([0]))
        display.loss([job], [2.5])
        display.score(job, rows_of(job, 1.0))
    assert capsys.readouterr().err.splitlines()[-1].endswith(" | loss 2.5 score 1.0")


def test_runs_are_named_by_what_tells_them_apart(tmp_path):
    jobs = jobs_in(tmp_path) + jobs_in(tmp_path, "optim.lr=0.01", seeds=(1,))
    assert list(short_names(jobs).values()) == ["seed=0", "seed=1", "seed=1 optim.lr=0.01"]
    alike = [*jobs_in(tmp_path, seeds=(3,)), *jobs_in(tmp_path / "elsewhere", seeds=(3,))]
    assert [name.split()[-1] for name in short_names(alike).values()] == [job.id for job in alike]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_each_run_has_a_line_below_the_bar(tmp_path, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    jobs = jobs_in(tmp_path, seeds=range(11))
    with Progress() as display:
        display.add(jobs, done=0)
        display.start(jobs, np.zeros(11, int))
        display.loss(jobs, np.linspace(1, 2, 11))
        time.sleep(0.6)  # it is drawn anew by itself
    shown = screen.getvalue()
    assert "seed=0 loss 1" in shown
    assert "seed=7 loss 1.7" in shown
    assert "and 3 more" in shown


class Watching(Progress):
    """Notes which files of the first run are on disk after each chunk, and the losses that it is shown."""

    def __init__(self):
        super().__init__()
        self.files, self.shown = [], []

    def loss(self, jobs, losses):
        self.shown += [loss for loss in losses if loss is not None]

    def update(self, jobs, steps, rate):
        names = {path.name for path in jobs[0].folder.iterdir()}
        self.files.append((int(steps[0]), {"metrics.jsonl", "state.safetensors"} & names))


def test_a_state_and_metrics_are_on_disk_soon_after_training_begins(tmp_path, monkeypatch):
    """With the usual interval of half a minute, of which this run takes a second."""
    monkeypatch.setattr(pack, "FIRST_SECONDS", 0.05)
    (job,) = jobs_in(tmp_path, "train.steps=2000", "train.eval_every=200", seeds=(0,))
    with Watching() as display:
        train([job], progress=display)
    midway = [files for step, files in display.files if step < 2000]
    assert {"metrics.jsonl", "state.safetensors"} in midway
    assert display.shown[-1] < display.shown[0]


def test_what_takes_long_to_write_is_written_more_seldom(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pack.time, "monotonic", lambda: now[0])

    def writes(seconds, growth):
        """The moments of the first writes, each of which takes so long."""
        pace, moments = pack._Pace(growth=growth), []
        for _ in range(2000):
            now[0] += 0.1
            if pace.due():
                moments.append(now[0])
                with pace.done():
                    now[0] += seconds
        return np.diff(moments)

    assert (writes(0.0, growth=1.0) < 1.2).all()
    quick, slow = writes(0.01, growth=2.0), writes(1.0, growth=2.0)
    assert quick[0] < 2.5 < 29 < quick[-1] < 31
    assert slow.min() > 19
