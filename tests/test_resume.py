"""Stops: a run that is killed, or asked to stop, ends as one that never was, bit for bit."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from experiments.engine import config, records
from experiments.engine.engine import Engine
from experiments.engine.launch import Settings, launch
from experiments.engine.pack import dealt
from experiments.engine.train import missing, plan, train
from experiments.errors import ConfigError
from tests.commands import ROOT, TINY, call, command

SWEEP = ["-m", *TINY, "seed=0,1,2", "train.steps=4000", "train.eval_every=500", "hydra/launcher=vmap"]


def results(out: Path) -> dict[str, bytes]:
    """Parameters, metrics and configuration of every run under `out`."""
    kept = ("state.safetensors", "metrics.jsonl")
    return {f"{f.parent.name}/{f.name}": f.read_bytes() for f in sorted(out.rglob("*")) if f.name in kept}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    done = call("run", *SWEEP, f"out={out}")
    assert done.returncode == 0, done.stderr
    return results(out)


def start(out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", *SWEEP, f"out={out}"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], ready) -> None:
    while process.poll() is None and not ready():
        time.sleep(0.02)


@pytest.mark.slow
def test_a_sweep_killed_at_random_moments_and_run_again_ends_as_one_that_never_was(
    uninterrupted, tmp_path, monkeypatch, capsys
):
    """kill -9 with nothing on disk, then soon after a checkpoint, then somewhere in between."""
    monkeypatch.setenv("TERRARIUM_CHECKPOINT_SECONDS", "0")
    seed = os.environ.get("TERRARIUM_KILL_SEED") or str(time.time_ns() % 2**32)
    with capsys.disabled():
        print(f"\nthe moments of the kills are drawn from TERRARIUM_KILL_SEED={seed}")
    chance = random.Random(seed)
    killed = 0
    for _ in range(3):
        before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("state.safetensors")}
        process = start(tmp_path)
        moved = lambda: {f: f.stat().st_mtime_ns for f in tmp_path.rglob("state.safetensors")} != before  # noqa: E731, B023
        wait_for(process, moved)
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed, "the run ended before it could be killed: this test saw nothing"
    process = start(tmp_path)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert results(tmp_path) == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sweep_that_is_asked_to_stop_writes_every_lane_and_says_how_to_go_on(number, uninterrupted, tmp_path):
    process = start(tmp_path)
    wait_for(process, lambda: list(tmp_path.rglob("config.yaml")))
    process.send_signal(number)
    asked = time.monotonic()
    _, said = process.communicate(timeout=300)
    if process.returncode == 0:
        pytest.skip("the run ended before the signal came")
    assert process.returncode == 130
    assert time.monotonic() - asked < 60  # the aim, 10 s, is measured in benchmarks; this only tells it from a hang
    assert "to go on: python -m experiments.run -m" in said
    assert len(list(tmp_path.rglob("state.safetensors"))) == 3
    done = call("run", *SWEEP, f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert results(tmp_path) == uninterrupted


def test_a_diverged_lane_is_recorded_and_the_others_finish(tmp_path):
    base = [*TINY, f"out={tmp_path}"]
    jobs = config.jobs([[*base, "seed=0"], [*base, "seed=1", "optim.lr=10", "optim.clip=0"], [*base, "seed=2"]])
    object.__setattr__(jobs[1].run.optim, "lr", float("inf"))
    ends = train(jobs)
    assert [end and end["status"] for end in ends] == ["finished", "diverged", "finished"]
    assert ends[1] is not None
    assert ends[1]["reason"].startswith("loss, gradient or score not finite after step ")
    assert not (jobs[1].folder / "result.json").exists()
    assert train(jobs) == ends


def test_a_damaged_state_is_an_error_that_names_it_and_is_not_retrained(tmp_path):
    job = config.jobs([[*TINY, f"out={tmp_path}"]])[0]
    train([job])
    (job.folder / "result.json").unlink()
    state = job.folder / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ConfigError, match=r"state.safetensors: damaged .*; delete it to train this run from its start"):
        train([job])


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    records.write(path, "old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(ConfigError, match=r"^out: cannot write .*result.json: no space left$"):
        records.write(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
    assert path.read_text() == "old"


def test_halving_a_pack_leaves_runs_that_have_ended_alone(tmp_path, monkeypatch):
    """A pack that runs out of memory late: the lane that diverged before stays diverged, and is not trained anew."""
    jobs = config.jobs([[*TINY, f"seed={seed}", f"out={tmp_path}"] for seed in range(3)])
    object.__setattr__(jobs[0].run.optim, "lr", float("inf"))
    advance, ended = Engine.advance, []

    def late(engine, lanes, until):
        if engine.size == 3 and (jobs[0].folder / "error.json").exists():
            ended.append((jobs[0].folder / "error.json").stat().st_mtime_ns)
            raise RuntimeError("RESOURCE_EXHAUSTED: late")
        return advance(engine, lanes, until)

    monkeypatch.setattr(Engine, "advance", late)
    assert [end and end["status"] for end in train(jobs)] == ["diverged", "finished", "finished"]
    assert ended == [(jobs[0].folder / "error.json").stat().st_mtime_ns]


def test_scores_that_are_not_finite_are_a_divergence(tmp_path, monkeypatch):
    job = config.jobs([[*TINY, f"out={tmp_path}"]])[0]
    evaluate = Engine.evaluate

    def broken(engine, lanes):
        return {name: found | {"nll": found["nll"] * np.nan} for name, found in evaluate(engine, lanes).items()}

    monkeypatch.setattr(Engine, "evaluate", broken)
    end = train([job])[0]
    assert end is not None
    assert (end["status"], end["step"]) == ("diverged", 20)
    assert records.read_metrics(job.folder) == []


@pytest.mark.slow
def test_a_signal_ends_a_sweep_of_the_basic_launcher_too(tmp_path):
    process = subprocess.Popen(
        command("run", *SWEEP[:-1], "hydra/launcher=basic", f"out={tmp_path}"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, lambda: list(tmp_path.rglob("config.yaml")))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert len(list(tmp_path.rglob("config.yaml"))) == 1


def test_the_id_ignores_output_and_tracking_and_nothing_else():
    def id_of(*overrides: str) -> str:
        return config.jobs([[*TINY, *overrides]])[0].id

    assert id_of() == id_of("out=elsewhere", "name=x", "wandb.mode=offline", "wandb.group=x")
    assert id_of("seed=0") == id_of()
    assert id_of("task.num_rules=2e1", "optim.weight_decay=1") == id_of("optim.weight_decay=1.0")
    assert len({id_of(), id_of("seed=1"), id_of("task.seed=1"), id_of("optim.lr=0.002"), id_of("train.steps=41")}) == 5


@pytest.mark.slow
def test_a_pack_that_does_not_fit_in_memory_is_halved(tmp_path, monkeypatch, capfd):
    """Told by the compiler's count beforehand, or by the device while it runs: no run is lost either way."""
    jobs = config.jobs([[*TINY, f"seed={seed}", f"out={tmp_path}"] for seed in range(5)])
    advance = Engine.advance

    def three_lanes_at_most(engine, lanes, until):
        if engine.size > 3:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory while trying to allocate")
        return advance(engine, lanes, until)

    monkeypatch.setattr(Engine, "advance", three_lanes_at_most)
    one = Engine([jobs[0].run]).programs.device_bytes
    two = Engine([job.run for job in jobs[:3]]).programs.device_bytes
    assert one < two
    ends = train(jobs)
    assert [end and end["status"] for end in ends] == ["finished"] * 5
    assert "5 lanes do not fit, going on with 3 and 2" in capfd.readouterr().err
    monkeypatch.setattr("experiments.engine.devices.memory", lambda: (one + two) // 2)
    more = config.jobs([[*TINY, f"seed={seed}", f"out={tmp_path}"] for seed in range(5, 8)])
    assert [end and end["status"] for end in train(more)] == ["finished"] * 3
    assert "3 lanes do not fit, going on with 2 and 1 (RESOURCE_EXHAUSTED: needs" in capfd.readouterr().err


def test_a_pack_that_fails_does_not_keep_the_others_from_training(tmp_path, monkeypatch, capfd):
    jobs = config.jobs([[*TINY, f"model.depth={depth}", f"out={tmp_path}"] for depth in (1, 2)])
    advance = Engine.advance

    def shallow_only(engine, lanes, until):
        if engine.programs is Engine([jobs[1].run]).programs:
            raise RuntimeError("the second pack is broken")
        return advance(engine, lanes, until)

    monkeypatch.setattr(Engine, "advance", shallow_only)
    done, failed = train(jobs)
    assert done is not None
    assert done["status"] == "finished"
    assert failed is None
    said = capfd.readouterr().err
    assert "RuntimeError: the second pack is broken" in said
    assert f"the pack of {jobs[1].folder.name} failed" in said


def test_equal_runs_of_two_studies_are_both_trained_and_a_repeated_run_only_once(tmp_path):
    (job,) = config.jobs([[*TINY, f"out={tmp_path}"]])
    other = dataclasses.replace(job, study="markov/threshold/smoke")
    assert job.id == other.id
    assert missing([job, other, job]) == [job, other]


def test_the_plan_names_the_fields_that_keep_programs_apart(tmp_path):
    jobs = config.jobs([[*TINY, f"model.depth={d}", f"optim.lr={lr}"] for d in (1, 2) for lr in (0.1, 0.2, 0.3)])
    assert plan(jobs, 0) == "2 programs to compile, for packs of 3 x 2 lanes: model.depth differs"
    assert plan(jobs[:3], 2) == "1 program to compile, for packs of 2 and 1 lanes"


def test_devices_share_the_steps_of_unequal_runs_evenly():
    steps = (40, 40, 40, 40, 10, 10, 10, 10)
    jobs = config.jobs([[*TINY, f"seed={k}", f"train.steps={n}"] for k, n in enumerate(steps)])
    order = [job.run.train.steps for job in dealt(jobs, 2)]
    assert (sum(order[:4]), sum(order[4:])) == (100, 100)
    assert {job.id for job in dealt(jobs[:7], 4)} == {job.id for job in jobs[:7]}


def test_retry_starts_only_runs_that_diverged_anew(tmp_path):
    good, bad = config.jobs([[*TINY, f"seed={seed}", f"out={tmp_path}"] for seed in (0, 1)])
    object.__setattr__(bad.run.optim, "lr", float("inf"))
    train([good, bad])
    finished = (good.folder / "result.json").stat().st_mtime_ns
    again = config.jobs([[*TINY, f"seed={seed}", f"out={tmp_path}", "retry=true"] for seed in (0, 1)])
    ends = launch(again, Settings())
    assert [end and end["status"] for end in ends] == ["finished", "finished"]
    assert not (bad.folder / "error.json").exists()
    assert (good.folder / "result.json").stat().st_mtime_ns == finished
