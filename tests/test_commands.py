"""Whole commands, as typed: what they leave on disk, and what they say of bad input."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from experiments import errors, reproduce
from experiments import run as command_line
from experiments.engine import config
from experiments.engine.launch import Settings, launch
from experiments.engine.progress import Progress
from tests.commands import ROOT, TINY, call

BAD = {
    "unknown key": (["task.num_rule=3"], "task.num_rule: unknown key (did you mean num_rules?); allowed: "),
    "unknown section": (["tasks.num_rules=3"], "tasks: unknown key (did you mean task?); allowed: "),
    "wrong type": (
        ["task.noop_rate=often"],
        "task.noop_rate: expected a number from 0.0 to 1.0 (share), got 'often'",
    ),
    "out of bounds": (["optim.b1=1.5"], "optim.b1: expected a number from 0.0 to 0.9999, got 1.5"),
    "pattern longer than input": (
        ["task.search_length=60"],
        "task.search_length: at most task.input_length = 50, got 60",
    ),
    "more rules than exist": (
        ["task.alphabet=4", "task.search_length=1", "task.replace_length=1", "task.num_rules=10"],
        "task.num_rules: at most 9 rules exist for alphabet 4",
    ),
    "unwritable output": (
        ["out=/dev/null/runs"],
        "out: cannot write to /dev/null/runs: /dev/null is not a folder",
    ),
    "unknown study": (
        ["study=markov/treshold/cpu"],
        "study: there is no markov/treshold/cpu (did you mean markov/threshold/cpu?)",
    ),
    "unknown task": (["task=markow"], "task: there is no markow (did you mean markov?); allowed: "),
    "unknown choice of a study's own group": (
        ["-m", "study=tint/static_vs_dynamic/smoke", "tint/noise=dynamic_11"],
        "tint/noise: there is no dynamic_11 (did you mean dynamic_1",
    ),
    "missing -m": (
        ["study=markov/threshold/smoke"],
        "-m is missing: this study sweeps task.num_rules, seed; type: ",
    ),
    "two studies": (
        ["-m", "study=markov/threshold/smoke,markov/threshold/cpu"],
        "study: sweep one study at a time",
    ),
    "a bad value that others are made of": (
        ["-m", "study=markov/threshold/smoke", "task.num_rules=abc"],
        "job task.num_rules=abc,seed=0,study=markov/threshold/smoke,out=",
    ),
    "a sweep that the sweeper lacks": (["-m", "optim.lr=interval(0,1)"], "BasicSweeper does not support"),
    "a group that is no name": (["task=5"], "task: expected the name of an option, got 5"),
    "launcher": (
        ["-m", "study=markov/threshold/smoke", "hydra.launcher.max_lanes=-1"],
        "hydra.launcher.max_lanes: expected an integer, at least 0, got -1",
    ),
    "syntax": (["task.num_rules=[1"], "task.num_rules=[1: not an override; write KEY=VALUE"),
}


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs a command in this process up to its refusal, and returns the lines of its error: it must print no more."""

    def run(module: ModuleType, *words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", [module.__name__, *words])
        monkeypatch.setattr(command_line, "_job", lambda: pytest.fail("Hydra was started"))
        with pytest.raises(SystemExit) as end:
            errors.command(module.main)()
        printed = capsys.readouterr()
        assert end.value.code == 2, printed.err
        assert printed.out == ""
        return printed.err.strip().splitlines()

    return run


@pytest.mark.parametrize("case", BAD)
def test_a_run_refuses_bad_input_in_one_line_before_it_writes_anything(case, tmp_path, refused):
    overrides, message = BAD[case]
    out = [] if "out" in overrides[0] else [f"out={tmp_path / 'runs'}"]
    lines = refused(command_line, *overrides, *out)
    if "abc" not in overrides[-1]:  # from which another field is computed
        assert len(lines) == 1, lines
    assert lines[0].startswith("error: " + message)
    assert not list(tmp_path.iterdir())


def test_a_sweep_names_every_bad_job_and_no_other(tmp_path, refused):
    lines = refused(command_line, "-m", "task.noop_rate=0.1,1.5", "seed=0,-1", f"out={tmp_path / 'runs'}")
    assert all(line.startswith("error: job task.noop_rate=") for line in lines)
    assert [line.split(": ")[2] for line in lines] == ["seed", "task.noop_rate"]
    assert all(" and 1 more: " in line for line in lines)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["markov/treshold/cpu"],
        ["markov/threshold/cpu", "task.nope=1"],
        ["markov/threshold/cpu", "train.steps=3", "--record"],
        ["markov/threshold/cpu", "--record", "train.steps=3"],
        ["markov/threshold/cpu", "--check", "seed=1"],
        ["markov/threshold/smoke", "optim.lr=0.01,0.0"],
        ["markov/threshold/cpu", "--all"],
        ["markov/threshold/cpu", "rasp/table/cpu"],
        ["--all", "--check", "seed=1"],
        ["--all", "--record", "train.steps=3"],
        [],
    ],
    ids=" ".join,
)
def test_reproduce_refuses_bad_input_in_one_line(words, refused):
    (line,) = refused(reproduce, *words)
    assert len(line) < 300
    assert line.startswith("error: ")


@pytest.mark.parametrize(
    ("module", "words"),
    [("run", ["-m", "study=markov/threshold/smoke", "task.nope=1"]), ("reproduce", ["markov/threshold/cpu", "--all"])],
)
def test_a_command_in_a_process_of_its_own_ends_with_code_2_and_one_line(module, words, tmp_path):
    out = [f"out={tmp_path / 'runs'}"] if module == "run" else []
    done = call(module, *words, *out)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_smoke_study_runs_whole_and_then_does_nothing_more(tmp_path):
    words = ["-m", "study=markov/threshold/smoke", f"out={tmp_path}"]
    done = call("run", *words)
    assert done.returncode == 0, done.stderr
    folders = sorted((tmp_path / "markov/threshold/smoke").iterdir())
    assert len(folders) == 4
    files = {"config.yaml", "metrics.jsonl", "state.safetensors", "result.json"}
    assert all({f.name for f in folder.iterdir()} == files for folder in folders)
    rows = [json.loads(line) for line in (folders[0] / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20] * 6 + [40] * 6
    assert {"exact_match", "token_accuracy", "nll", "examples", "train_loss"} <= rows[0].keys()
    before = {f: f.stat().st_mtime_ns for folder in folders for f in folder.iterdir()}
    again = call("run", *words)
    assert again.returncode == 0, again.stderr
    assert "training" not in again.stderr
    assert before == {f: f.stat().st_mtime_ns for folder in folders for f in folder.iterdir()}


def test_reproduce_judges_draws_and_leaves_the_tree_alone(tmp_path):
    done = call("reproduce", "markov/threshold/smoke", "optim.warmup=4", f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "not fitted" in done.stdout  # the smoke study is far too short, and says so
    assert "not the study's own settings: optim.warmup=4\n" in done.stdout
    assert (tmp_path / "markov/threshold/smoke/figure.png").read_bytes().startswith(b"\x89PNG")
    assert not (ROOT / "paper/results/markov/threshold/smoke.csv").exists()


class Counted:
    """A pack that only counts its steps."""

    def __init__(self, jobs, progress, **how):
        self.jobs, self.progress = jobs, progress

    def train(self, stop):
        self.progress.update(self.jobs, np.array([job.run.train.steps for job in self.jobs]), 1.0)
        self.progress.ended(len(self.jobs), 0)


def test_one_display_counts_all_runs_that_a_command_trains(tmp_path, capsys, monkeypatch):
    """As the rounds of a bisection, and the runs that others start from."""
    monkeypatch.setattr("experiments.engine.train.Pack", Counted)
    start = "start_from={train:{steps:20}}"
    runs = [config.jobs([[*TINY, start, f"seed={seed}", f"out={tmp_path}"]]) for seed in (1, 2)]
    with Progress() as progress:
        for jobs in runs:
            launch(jobs, Settings(), progress)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line == "training 1 run" for line in lines) == 4
    assert [line.split(" | ")[:2] for line in lines if " runs | " in line] == [["4/4 runs", "100%"]]


@pytest.mark.slow
def test_a_job_alone_and_in_a_sweep_is_the_same_run(tmp_path):
    alone = call("run", *TINY, "seed=1", f"out={tmp_path}")
    assert alone.returncode == 0, alone.stderr
    swept = call("run", "-m", *TINY, "seed=1,2", "hydra/launcher=vmap", f"out={tmp_path}")
    assert swept.returncode == 0, swept.stderr
    assert "training 1 run, 1 already done" in swept.stderr
    assert len(list((tmp_path / "single").iterdir())) == 2


@pytest.mark.slow
def test_weights_and_biases_offline_gets_one_run_per_job(tmp_path):
    pytest.importorskip("wandb")
    done = call("run", "-m", *TINY, "seed=1,2", "hydra/launcher=vmap", "wandb.mode=offline", f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "no longer tracked" not in done.stderr
    for folder in (tmp_path / "single").iterdir():
        assert len(list((folder / "wandb").glob("offline-run-*"))) == 1
