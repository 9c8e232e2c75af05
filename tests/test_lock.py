"""Two processes, one folder: a run has one writer at a time, and what disagrees with itself is refused by name."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from experiments.engine import config, lock, sharing
from experiments.engine.lock import Lock, path_of
from experiments.engine.progress import Progress
from experiments.engine.records import Record
from experiments.engine.results import table
from experiments.engine.stop import Stop, Stopped
from experiments.engine.train import train
from experiments.errors import ConfigError
from tests.commands import ROOT, TINY, command


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that has finished, as the files in its folder."""
    (job,) = config.jobs([[*TINY, f"out={tmp_path_factory.mktemp('runs')}"]])
    train([job])
    return {path.name: path.read_bytes() for path in job.folder.iterdir()}


@pytest.fixture
def job(finished, tmp_path):
    """The same run in a folder of its own."""
    (job,) = config.jobs([[*TINY, f"out={tmp_path}"]])
    job.folder.mkdir(parents=True)
    for name, content in finished.items():
        (job.folder / name).write_bytes(content)
    return job


def other_holder(path: Path) -> subprocess.Popen[bytes]:
    """A process that holds the lock in `path` until it is killed."""
    process = subprocess.Popen(["sleep", "300"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lock._process() | {"pid": process.pid, "started": lock._started(process.pid)}))
    return process


def test_a_lock_has_one_holder_and_is_gone_when_given_back(tmp_path):
    first, second = Lock(tmp_path / "x.lock"), Lock(tmp_path / "x.lock")
    assert first.acquire()
    assert not second.acquire()
    second.release()
    assert first.held()
    first.release()
    assert not list(tmp_path.iterdir())
    assert second.acquire()
    second.release()


def test_a_lock_of_a_killed_process_is_taken_over_at_once_and_that_of_a_living_one_never(tmp_path):
    process = other_holder(tmp_path / "x.lock")
    ours = Lock(tmp_path / "x.lock")
    assert not ours.acquire()
    process.kill()
    process.wait()
    assert ours.acquire()
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
    ours.release()


def test_a_lock_of_another_machine_is_stale_when_it_has_not_been_renewed_for_long_enough(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(lock.time, "monotonic", lambda: now[0])
    path = tmp_path / "x.lock"
    for content in (json.dumps({"host": "elsewhere", "machine": "b", "pid": 1, "started": "5"}), ""):
        path.write_text(content)
        lock._SEEN.clear()
        ours = Lock(path)
        assert not ours.acquire()
        now[0] += lock.STALE_SECONDS - 1
        assert not ours.acquire()
        later = path.stat().st_mtime_ns + 10**9
        lock.os.utime(path, ns=(later, later))  # its holder lives
        now[0] += lock.STALE_SECONDS - 1
        assert not ours.acquire()
        now[0] += lock.STALE_SECONDS + 1
        assert ours.acquire()
        ours.release()


def test_of_many_that_take_over_a_stale_lock_one_gets_it(tmp_path):
    process = other_holder(tmp_path / "x.lock")
    process.kill()
    process.wait()
    locks, got = [Lock(tmp_path / "x.lock") for _ in range(16)], []
    threads = [threading.Thread(target=lambda one=one: got.append(one.acquire())) for one in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) <= 1  # a retry gets it where all were in each other's way
    assert sum(got) == 1 or Lock(tmp_path / "x.lock").acquire()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_holder_that_was_taken_for_dead_writes_nothing_more(job):
    (job.folder / "result.json").unlink()
    ours = Lock(path_of(job))
    assert ours.acquire()
    path_of(job).write_text("{}")
    before = {path.name: path.read_bytes() for path in job.folder.iterdir()}
    with pytest.raises(ConfigError, match=r"is trained by another process"):
        Record(job)._write("metrics.jsonl", "")
    assert {path.name: path.read_bytes() for path in job.folder.iterdir()} == before
    lock._HELD.clear()


def test_a_run_that_has_ended_is_never_written_into(job):
    for name in ("result.json", "error.json"):
        if name == "error.json":
            (job.folder / "result.json").rename(job.folder / name)
        with pytest.raises(ConfigError, match=r"has ended: nothing more is written there"):
            Record(job).open(None)


def test_the_lock_that_a_killed_process_left_on_an_ended_run_goes_and_that_of_a_living_one_stays(job):
    process = other_holder(path_of(job))
    train([job])
    assert path_of(job).exists()
    process.kill()
    process.wait()
    train([job])
    assert not path_of(job).exists()


def test_a_run_that_another_process_trains_is_waited_for_and_not_touched(job, finished, monkeypatch, capsys):
    """The other ends the run: nothing is left to do."""
    monkeypatch.setattr(sharing, "WAIT_SECONDS", 0.01)
    (job.folder / "result.json").unlink()
    process = other_holder(path_of(job))

    def other_ends() -> None:
        time.sleep(0.3)
        (job.folder / "result.json").write_bytes(finished["result.json"])
        process.kill()
        process.wait()

    thread = threading.Thread(target=other_ends)
    thread.start()
    (end,) = train([job])
    thread.join()
    assert end is not None
    assert end["status"] == "finished"
    said = capsys.readouterr().err
    assert f"waiting for 1 run that process {process.pid} on " in said
    assert "compiling" not in said
    assert "1/1 runs | 100%" in said
    assert {path.name: path.read_bytes() for path in job.folder.iterdir()} == finished


def test_a_run_that_another_process_leaves_undone_is_trained_here(job, finished, monkeypatch):
    monkeypatch.setattr(sharing, "WAIT_SECONDS", 0.01)
    for path in job.folder.iterdir():
        path.unlink()
    process = other_holder(path_of(job))

    def other_dies() -> None:
        time.sleep(0.3)
        process.kill()
        process.wait()

    thread = threading.Thread(target=other_dies)
    thread.start()
    train([job])
    thread.join()
    for name in ("metrics.jsonl", "state.safetensors"):
        assert (job.folder / name).read_bytes() == finished[name]
    assert not path_of(job).exists()


def test_a_signal_ends_the_waiting(job, capsys):
    (job.folder / "result.json").unlink()
    process = other_holder(path_of(job))
    with Progress() as progress, Stop() as stop, sharing.Locks(progress) as locks:
        assert locks.take([job]) == []
        stop.asked.append(signal.SIGTERM)
        with pytest.raises(Stopped):
            locks.wait(stop)
    process.kill()
    process.wait()


def _without(name):
    def damage(folder: Path) -> None:
        (folder / name).unlink()

    return damage


def _fallen_back(folder: Path) -> None:
    rows = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(row for row in rows if json.loads(row)["step"] < 40))


def _edited(**changes):
    def damage(folder: Path) -> None:
        end = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps(end | changes))

    return damage


def _both(*damages):
    def damage(folder: Path) -> None:
        for one in damages:
            one(folder)

    return damage


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_fallen_back, "result.json is of step 40 of 40, metrics.jsonl of step 20 or of other scores"),
        (_without("metrics.jsonl"), "result.json is of step 40 of 40, metrics.jsonl of step 0 or of other scores"),
        (_edited(step=20), "result.json is of step 20, state.safetensors of step 40"),
        (_edited(id="0123456789"), "result.json is of the run 0123456789"),
        (_edited(scores={}), "result.json is of step 40 of 40, metrics.jsonl of step 40 or of other scores"),
        (lambda folder: (folder / "error.json").write_text('{"status":0,"id":0,"step":0,"reason":0}'), "it has both"),
        (_both(_without("result.json"), _without("metrics.jsonl")), "metrics.jsonl lacks scores of step 20"),
        (
            _both(_without("result.json"), lambda folder: (folder / "metrics.jsonl").write_text("")),
            "metrics.jsonl lacks scores of step 20",
        ),
        (_both(_without("result.json"), _fallen_back), "metrics.jsonl lacks scores of step 40"),
    ],
)
def test_records_that_disagree_are_refused_by_name_and_left_alone(job, damage, why):
    damage(job.folder)
    before = {path.name: path.read_bytes() for path in job.folder.iterdir()}
    for read in (lambda: train([job]), lambda: table([job])):
        if read is train or (job.folder / "result.json").exists():
            with pytest.raises(ConfigError) as error:
                read()
            assert len(error.value.lines) == 1
            assert error.value.lines[0].startswith(f"{job.folder}: ")
            assert why in error.value.lines[0]
    with pytest.raises(ConfigError, match="disagrees with itself"):
        train([job])
    assert {path.name: path.read_bytes() for path in job.folder.iterdir()} == before


@pytest.mark.parametrize("content", ["[]", "{}", '{"status": "finished"}', '"text"', "1"])
def test_an_end_that_lacks_what_it_must_say_is_damaged(job, content):
    (job.folder / "result.json").write_text(content)
    with pytest.raises(ConfigError, match=r"result.json: damaged \(it lacks .*id"):
        train([job])


def test_a_run_that_has_ended_needs_no_state_any_more(job):
    (job.folder / "state.safetensors").unlink()
    assert train([job])[0] is not None


@pytest.mark.slow
def test_two_commands_over_one_folder_do_each_run_once(tmp_path):
    """The issue's own case: the one that finishes later is interrupted, and nothing falls back."""
    words = ["markov/threshold/smoke", f"out={tmp_path}", "train.steps=3000", "train.eval_every=1000"]
    both = [
        subprocess.Popen(
            command("reproduce", *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    while all(process.poll() is None for process in both):
        time.sleep(0.05)
    for process in both:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    said = [process.communicate(timeout=300)[1] for process in both]
    assert sum("waiting for" in text for text in said) == 1, said
    assert 0 in [process.returncode for process in both], said
    folders = [path for path in (tmp_path / "markov/threshold/smoke").iterdir() if path.is_dir()]
    assert len(folders) == 4
    for folder in folders:
        assert json.loads((folder / "result.json").read_text())["step"] == 3000
    again = subprocess.run(command("reproduce", *words), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
