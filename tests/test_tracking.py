"""Weights & Biases never stops nor delays a training run, and says in a line or two what it lost."""

from __future__ import annotations

import sys
import threading
import time
import types
from typing import Any

import pytest

from experiments.engine import config, tracking
from experiments.engine.tracking import Courier, Tracker
from experiments.engine.train import train
from tests.commands import TINY


class Service:
    """A stand-in for the package `wandb`: what was done with it, and how long it takes or how it fails to begin."""

    def __init__(self, *, hangs: threading.Event | None = None, fails: str = ""):
        self.hangs, self.fails, self.done = hangs, fails, []
        self.api = types.SimpleNamespace(api_key="key")
        self.summary: dict[str, Any] = {}

    def Settings(self, **_: Any) -> None:
        return None

    def init(self, **settings: Any) -> Service:
        if self.hangs:
            self.hangs.wait()
        if self.fails:
            raise RuntimeError(self.fails)
        self.done.append(("init", settings["id"], settings["config"]["seed"]))
        return self

    def log(self, scores: dict[str, float], *, step: int) -> None:
        self.done.append(("log", step, len(scores)))

    def finish(self, *, exit_code: int) -> None:
        self.done.append(("finish", exit_code, self.summary["status"]))


@pytest.fixture
def service(monkeypatch):
    """Puts a service in the place of the package, with a courier of its own."""

    def use(**how: Any) -> Service:
        made = Service(**how)
        monkeypatch.setitem(sys.modules, "wandb", made)
        courier = Courier()
        monkeypatch.setattr(tracking, "COURIER", courier)
        monkeypatch.setattr("experiments.engine.train.COURIER", courier)
        return made

    return use


def jobs_in(folder, *overrides, seeds=(0, 1, 2)):
    return config.jobs([[*TINY, f"seed={s}", "wandb.mode=online", f"out={folder}", *overrides] for s in seeds])


def test_every_run_is_copied_whole_and_in_order(service, tmp_path):
    used = service()
    (job,) = jobs_in(tmp_path, seeds=(7,))
    train([job])
    assert [what[0] for what in used.done] == ["init", "log", "log", "finish"]
    assert used.done[0][1:] == (job.id, 7)
    assert [what[1] for what in used.done[1:3]] == [20, 40]
    assert used.done[3] == ("finish", 0, "finished")


def test_a_server_that_does_not_answer_delays_nothing_and_is_given_up_at_the_end(
    service, tmp_path, monkeypatch, capsys
):
    """However many lanes there are: none waits for its turn."""
    silent = threading.Event()
    service(hangs=silent)
    monkeypatch.setattr(tracking, "PATIENCE", 0.2)
    jobs = jobs_in(tmp_path)
    trackers = time.monotonic()
    for job in jobs:
        Tracker(job).close()
    assert time.monotonic() - trackers < 1
    ends = train(jobs)
    silent.set()
    assert [end and end["status"] for end in ends] == ["finished"] * 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wandb")]
    assert lines == ["wandb: given up (no answer in 0 s); the records are complete, what W&B has of them is not"]


def test_a_failure_of_all_runs_is_two_lines(service, tmp_path, capsys):
    service(fails="no such project: [x]")
    jobs = jobs_in(tmp_path)
    assert [end and end["status"] for end in train(jobs)] == ["finished"] * 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wandb")]
    assert len(lines) == 2
    assert lines[0].endswith(f"is no longer tracked (no such project: [x]); its records are in {jobs[0].folder}")
    assert lines[1] == "wandb: 3 runs are not tracked to their end (no such project: [x])"


def test_after_a_failure_that_took_long_the_other_runs_are_not_tried(service, tmp_path, monkeypatch, capsys):
    used = service(fails="timed out")
    monkeypatch.setattr(tracking, "_SLOW", -1.0)
    train(jobs_in(tmp_path))
    assert used.done == []
    said = capsys.readouterr().err
    assert said.count("timed out") == 1
    assert "wandb: given up for the other runs of this command too" in said


def test_the_package_missing_is_said_once(tmp_path, service, monkeypatch, capsys):
    service()
    monkeypatch.setitem(sys.modules, "wandb", None)
    train(jobs_in(tmp_path))
    assert capsys.readouterr().err.count("is no longer tracked (import of wandb halted") == 1
