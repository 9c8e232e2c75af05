"""Packs of lanes as jobs of a real Slurm: a cluster of one node, started for these tests by `tests/slurm/start.sh`.

On a CPU a lane's bits do not depend on the lanes beside it, so every sweep here, however it was cut into packs, stopped
and resumed, has to equal the same sweep trained in one process, bit for bit.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from experiments.engine import config
from experiments.engine.train import train
from tests.commands import ROOT, TINY, call, command

HERE = Path(__file__).parent / "slurm"
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
# Long enough that a pack is still at it when Slurm kills it, some 3 s after it was told to stop.
SWEEP = ["-m", *TINY, "seed=0,1,2,3", "train.steps=30000", "train.eval_every=10000"]
PACKS = [
    "hydra/launcher=vmap_slurm",
    "hydra.launcher.max_lanes=2",
    "hydra.launcher.slurm.gpus_per_node=null",
    "hydra.launcher.slurm.cpus_per_task=1",
]


def results(out: Path) -> dict[str, bytes]:
    """Parameters, optimiser and metrics of every run under `out`."""
    kept = ("state.safetensors", "metrics.jsonl")
    return {f"{f.parent.name}/{f.name}": f.read_bytes() for f in sorted(out.rglob("*")) if f.name in kept}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The cluster, for as long as this module's tests run; its commands find it through SLURM_CONF."""
    absent = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    if absent:
        pytest.skip(f"Slurm is not installed: no {', '.join(absent)} (Debian: apt-get install slurm-wlm munge)")
    pytest.importorskip("submitit")
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as env:
        env.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        # Something is on disk whenever a test stops a pack, and no pack ends before it can be stopped.
        env.setenv("TERRARIUM_CHECKPOINT_SECONDS", "0")
        try:
            started = subprocess.run([HERE / "start.sh", folder], capture_output=True, text=True, timeout=120)
            assert started.returncode == 0, started.stderr
            yield
        finally:
            subprocess.run([HERE / "stop.sh", folder], timeout=120, check=True)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    done = call("run", *SWEEP, "hydra/launcher=vmap", f"out={out}")
    assert done.returncode == 0, done.stderr
    return results(out)


class Sweep:
    """The command that submits the sweep and waits, while it runs, and the Slurm jobs that it submitted."""

    def __init__(self, out: Path, words: list[str] | None = None):
        self.out = out
        self.process = subprocess.Popen(
            command("run", *(words or [*SWEEP, *PACKS]), f"out={out}"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, ready) -> None:
        deadline = time.monotonic() + 240
        while not ready():
            assert self.process.poll() is None, f"the sweep ended too early: {self.process.communicate()}"
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.05)

    def under_way(self, runs: int = 2) -> str:
        """Wait until a pack has states on disk, and has not ended; the number of its Slurm job."""
        found: list[str] = []

        def some_are() -> bool:
            for path in self.out.glob(".slurm/*.json"):
                folders = [Path(folder) for folder in json.loads(path.read_text())]
                if len(folders) == runs and all((f / "state.safetensors").exists() for f in folders):
                    assert not any((f / "result.json").exists() for f in folders), "the pack ended before its stop"
                    found.append(path.stem)
            return bool(found)

        self.wait_until(some_are)
        return found[0]

    def end(self) -> tuple[int, str]:
        """Wait for the command to end: its exit code and what it said."""
        _, said = self.process.communicate(timeout=240)
        return self.process.returncode, said


def tell_slurm(*words: str) -> None:
    subprocess.run(words, check=True)


@pytest.mark.slow
def test_a_sweep_as_packs_equals_the_same_sweep_in_process(slurm, in_process, tmp_path):
    done = call("run", *SWEEP, *PACKS, f"out={os.path.relpath(tmp_path, ROOT)}")
    assert done.returncode == 0, done.stderr
    assert "1 program to compile, for packs of 2 x 2 lanes; Slurm jobs " in done.stderr
    assert len(list(tmp_path.glob(".slurm/*_submission.sh"))) == 1
    assert "4 of 4 runs finished" in done.stdout
    assert results(tmp_path) == in_process


@pytest.mark.slow
def test_a_cancelled_pack_is_named_and_the_same_command_does_only_what_is_missing(slurm, in_process, tmp_path):
    sweep = Sweep(tmp_path)
    pack = sweep.under_way()
    lost = json.loads((tmp_path / f".slurm/{pack}.json").read_text())
    tell_slurm("scancel", pack)
    code, said = sweep.end()
    assert code == 1
    assert f"Slurm job {pack} left 2 runs undone: " in said
    assert "CANCELLED" in said
    assert {line.split("-")[-1] for line in said.splitlines() if line.startswith("failed: ")} == {
        f"{folder.rpartition('-')[2]}: it has not ended" for folder in lost
    }
    assert "only these again: python -m experiments.run -m" in said
    done = call("run", *SWEEP, *PACKS, f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "for packs of 2 lanes; Slurm jobs " in done.stderr
    assert results(tmp_path) == in_process


@pytest.mark.slow
@pytest.mark.parametrize("by", ["the signal before its time is over", "Slurm, as a pre-empted job"])
def test_a_stopped_pack_is_requeued_and_goes_on_from_its_state(by, slurm, in_process, tmp_path):
    sweep = Sweep(tmp_path)
    pack = sweep.under_way()
    log = tmp_path / f".slurm/{pack}_0_log.err"
    asked = time.monotonic()
    if by == "Slurm, as a pre-empted job":
        tell_slurm("scontrol", "requeue", pack)
    else:
        tell_slurm("scancel", "--signal=USR2", pack)
        sweep.wait_until(lambda: "Requeued job" in log.with_suffix(".out").read_text())
        assert time.monotonic() - asked < 30  # the aim is 10 s; a busy machine is slower
    code, said = sweep.end()
    assert code == 0, said
    assert "resuming 2 from their last checkpoints" in log.read_text()
    assert results(tmp_path) == in_process


@pytest.mark.slow
def test_the_same_command_waits_for_packs_that_are_in_the_queue_already(slurm, in_process, tmp_path):
    sweep = Sweep(tmp_path)
    sweep.under_way()
    sweep.process.send_signal(signal.SIGINT)
    code, said = sweep.end()
    assert code == 130
    assert "while the Slurm jobs go on (`scancel " in said
    done = call("run", *SWEEP, *PACKS, f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    if "in the queue already: Slurm jobs " not in done.stderr:
        assert "Slurm jobs" not in done.stderr  # nothing is submitted twice
        pytest.skip("the packs had ended before the same command came again")
    assert len(list(tmp_path.glob(".slurm/*_submission.sh"))) == 1
    assert results(tmp_path) == in_process


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "hydra.launcher.slurm.partition=nowhere",
            "hydra.launcher.slurm: sbatch: error: invalid partition specified: nowhere; sbatch: error: "
            "Batch job submission failed: Invalid partition name specified",
        ),
        ("+hydra.launcher.slurm.hours=3", "hydra.launcher.slurm: Unavailable parameter(s): ['hours']"),
    ],
)
def test_a_job_that_slurm_refuses_is_an_error_of_one_line(setting, message, slurm, tmp_path):
    done = call("run", *SWEEP, *PACKS, setting, f"out={tmp_path}")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"error: {message}"]


def test_every_lane_is_on_disk_before_a_signals_own_handler_has_it(tmp_path):
    """As submitit's handler has SIGUSR2 on a Slurm node, and does nothing at SIGTERM."""
    job = config.jobs([[*TINY, "train.steps=1000000", f"out={tmp_path}"]])[0]
    state = job.folder / "state.safetensors"
    seen: list[tuple[int, bool]] = []

    def ignore(number, frame):
        seen.append((number, state.exists()))
        os.kill(os.getpid(), signal.SIGUSR2)

    def leave(number, frame):
        seen.append((number, state.exists()))
        raise SystemExit(3)

    before = [signal.signal(signal.SIGTERM, ignore), signal.signal(signal.SIGUSR2, leave)]

    def send() -> None:
        while not (job.folder / "config.yaml").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    try:
        sender.start()
        with pytest.raises(SystemExit):
            train([job])
    finally:
        sender.join()
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGUSR2, before[1])
    assert seen == [(signal.SIGTERM, True), (signal.SIGUSR2, True)]


# Two tasks on one node, a device each: the lanes of a pack, or the batches of a run, are shared between processes.
TOGETHER = [
    "hydra/launcher=vmap_slurm",
    "hydra.launcher.slurm.gpus_per_node=null",
    "hydra.launcher.slurm.cpus_per_task=1",
    "+hydra.launcher.slurm.ntasks_per_node=2",
]
SHARED = [*TOGETHER, "hydra.launcher.shard_batch=true"]


@pytest.fixture
def one_device(monkeypatch):
    """One device in each process from here on, whatever the number of cores."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=1")


@pytest.mark.slow
def test_lanes_in_two_processes_equal_those_in_one(slurm, one_device, tmp_path):
    """To the bit, as on a CPU lanes do not depend on the devices that they are on."""
    sweep = ["-m", *TINY, "seed=0,1,2"]
    for launcher, out in ((["hydra/launcher=vmap"], tmp_path / "one"), (TOGETHER, tmp_path / "two")):
        done = call("run", *sweep, *launcher, f"out={out}")
        assert done.returncode == 0, done.stderr
    assert results(tmp_path / "one") == results(tmp_path / "two")


@pytest.mark.slow
def test_a_run_in_two_processes_equals_the_run_in_one_and_goes_on_after_a_requeue(slurm, one_device, tmp_path):
    """Within tolerance, as each process sums over its share of the batches; requeued, to the bit."""
    sweep = ["-m", *TINY, "seed=0", "train.steps=800", "train.eval_every=100", "optim.eps=0.001"]
    for launcher, out in ((["hydra/launcher=vmap"], tmp_path / "one"), (SHARED, tmp_path / "two")):
        done = call("run", *sweep, *launcher, f"out={out}")
        assert done.returncode == 0, done.stderr
    logs = "".join(path.read_text() for path in (tmp_path / "two").glob(".slurm/*_0_log.err"))
    assert "batches of 16 over 2 devices" in logs
    rows = [
        [json.loads(line) for line in content.splitlines()]
        for out in ("one", "two")
        for name, content in results(tmp_path / out).items()
        if name.endswith("metrics.jsonl")
    ]
    for one, two in zip(*rows, strict=True):
        for score in ("nll", "train_loss"):
            assert one[score] == pytest.approx(two[score], rel=1e-3)
    process = Sweep(tmp_path / "again", words=[*sweep, *SHARED])
    pack = process.under_way(runs=1)
    tell_slurm("scancel", "--signal=USR2", pack)
    code, said = process.end()
    assert code == 0, said
    assert "resuming 1 from their last checkpoints" in (tmp_path / f"again/.slurm/{pack}_0_log.err").read_text()
    assert results(tmp_path / "again") == results(tmp_path / "two")
