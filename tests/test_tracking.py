"""Weights & Biases and TensorBoard never stop nor delay a training run, and say in a line or two what they lost."""

from __future__ import annotations

import struct
import sys
import threading
import time
import types
from typing import Any

import pytest

from experiments.engine import config, courier, records, tracking
from experiments.engine.courier import Courier
from experiments.engine.job import check_output
from experiments.engine.tracking import Tracker
from experiments.engine.train import train
from experiments.errors import ConfigError
from tests.commands import TINY


class Service:
    """A stand-in for the package `wandb`: what was done with it, and how long it takes or how it fails to begin."""

    def __init__(self, *, hangs: threading.Event | None = None, fails: str = ""):
        self.hangs, self.fails, self.done = hangs, fails, []
        self.api = types.SimpleNamespace(api_key="key")
        self.summary: dict[str, Any] = {}
        self.settings: list[dict[str, Any]] = []
        self.tables: list[tuple[list[str], list[list[Any]]]] = []

    def Table(self, columns: list[str], data: list[list[Any]]) -> str:
        self.tables.append((columns, data))
        return "table"

    def Settings(self, **_: Any) -> None:
        return None

    def init(self, **settings: Any) -> Service:
        if self.hangs:
            self.hangs.wait()
        if self.fails:
            raise RuntimeError(self.fails)
        self.settings.append(settings)
        self.done.append(("init", settings["id"], settings["config"]["seed"]))
        return self

    def log(self, scores: dict[str, Any], *, step: int) -> None:
        self.done.append(("log", step, *scores))

    def finish(self, *, exit_code: int) -> None:
        self.done.append(("finish", exit_code, self.summary["status"]))


@pytest.fixture
def service(monkeypatch):
    """Puts a service in the place of the package, with a courier of its own."""

    def use(**how: Any) -> Service:
        made = Service(**how)
        monkeypatch.setitem(sys.modules, "wandb", made)
        monkeypatch.setitem(tracking.COURIERS, "wandb", Courier("wandb"))
        return made

    return use


def jobs_in(folder, *overrides, seeds=(0, 1, 2)):
    return config.jobs([[*TINY, f"seed={s}", "wandb.mode=online", f"out={folder}", *overrides] for s in seeds])


def test_every_run_is_copied_whole_and_in_order(service, tmp_path):
    used = service()
    (job,) = jobs_in(tmp_path, seeds=(7,))
    train([job])
    assert [what[0] for what in used.done] == ["init", "log", "log", "log", "finish"]
    assert used.done[0][1:] == (job.id, 7)
    assert [what[1] for what in used.done[1:3]] == [20, 40]
    assert {"train/exact_match", "unseen/nll", "train_loss"} <= {*used.done[1][2:]}
    assert used.done[3] == ("log", 40, "final_scores")
    assert used.done[4] == ("finish", 0, "finished")


def test_a_finished_run_has_a_table_of_its_last_scores(service, tmp_path):
    used = service()
    (job,) = jobs_in(tmp_path, seeds=(7,))
    (end,) = train([job])
    assert end
    ((columns, data),) = used.tables
    assert columns[:2] == ["condition", "exact_match"]
    assert [row[0] for row in data] == list(end["scores"])
    assert [row[columns.index("nll")] for row in data] == [scores["nll"] for scores in end["scores"].values()]


def test_runs_are_grouped_by_study_and_tagged_with_what_they_are(tmp_path):
    (first, *_) = config.jobs(config.sweep(["study=markov/threshold/smoke", f"out={tmp_path}"]))
    tags = tracking.tags_of(first)
    assert tags[:2] == ["markov/threshold/smoke", "task=markov"]
    assert {"model=tiny", "optim=adamw", f"task.num_rules={first.config['task']['num_rules']}"} <= {*tags}
    assert all(len(tag) <= 64 for tag in tags)


def test_the_group_is_the_folder_of_the_records_unless_named(service, tmp_path):
    used = service()
    for more in ([], ["wandb.group=mine"]):
        for one in jobs_in(tmp_path, *more, seeds=(7,)):
            Tracker(one).close()
    tracking.COURIERS["wandb"].drain()
    assert [settings["group"] for settings in used.settings] == ["single", "mine"]


def test_the_end_of_a_command_says_how_offline_runs_are_uploaded(service, tmp_path, capsys):
    service()
    train(jobs_in(tmp_path, "wandb.mode=offline", seeds=(0, 1)))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wandb")]
    upload = f"wandb sync {tmp_path}/single/*/wandb/offline-run-*"
    assert line == f"wandb: 2 runs are kept offline; to upload: {upload}"


def test_a_server_that_does_not_answer_delays_nothing_and_is_given_up_at_the_end(
    service, tmp_path, monkeypatch, capsys
):
    """However many lanes there are: none waits for its turn."""
    silent = threading.Event()
    service(hangs=silent)
    monkeypatch.setattr(courier, "PATIENCE", 0.2)
    jobs = jobs_in(tmp_path)
    trackers = time.monotonic()
    for job in jobs:
        Tracker(job).close()
    assert time.monotonic() - trackers < 1
    ends = train(jobs)
    silent.set()
    assert [end and end["status"] for end in ends] == ["finished"] * 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wandb")]
    assert lines == ["wandb: given up (no answer in 0 s); the records are complete, their copy is not"]


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


class Writer:
    """A stand-in for `tensorboardX.SummaryWriter`, which fails with every number if told so."""

    fails = False
    made: list[Writer]

    def __init__(self, folder: str):
        self.folder, self.numbers, self.texts, self.closed = folder, {}, {}, False
        self.made.append(self)

    def add_text(self, name: str, text: str, step: int | None = None) -> None:
        self.texts[name] = (text, step)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        if self.fails:
            raise OSError(28, "No space left on device")
        self.numbers[name, step] = value

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writer(monkeypatch):
    """Puts the stand-in in the place of the package, with a courier of its own."""
    monkeypatch.setattr(Writer, "made", [], raising=False)
    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=Writer))
    monkeypatch.setattr("experiments.engine.job.find_spec", lambda name: True)
    monkeypatch.setitem(tracking.COURIERS, "tensorboard", Courier("tensorboard"))
    return Writer


def for_tensorboard(folder):
    return config.jobs([[*TINY, "tensorboard=true", f"out={folder}"]])


def test_tensorboard_gets_the_numbers_of_every_evaluation(writer, tmp_path):
    (one,) = for_tensorboard(tmp_path)
    train([one])
    (made,) = writer.made
    assert made.folder == str(one.folder / "tensorboard")
    rows = records.read_metrics(one.folder)
    expected = {(f"{row['condition']}/nll", row["step"]): row["nll"] for row in rows if row["learner"] == "model"}
    assert {key: value for key, value in made.numbers.items() if key[0].endswith("/nll")} == expected
    assert {step for name, step in made.numbers if name == "train_loss"} == {20, 40}
    assert "task:\n" in made.texts["config"][0]
    assert made.texts["status"] == ("finished", 40)
    assert made.closed


def test_a_resumed_run_is_written_for_tensorboard_from_its_start(writer, tmp_path):
    (one,) = for_tensorboard(tmp_path)
    rows = [{"step": step, "learner": "model", "condition": "train", "nll": 1.0, "train_loss": 2.0} for step in (5, 9)]
    baseline = [{"step": 9, "learner": "chance", "condition": "train", "nll": 9.0}]
    Tracker(one, rows + baseline).close()
    tracking.COURIERS["tensorboard"].drain()
    assert writer.made[0].numbers == {
        (name, s): v for s in (5, 9) for name, v in (("train/nll", 1.0), ("train_loss", 2.0))
    }


def test_a_full_disk_ends_tensorboards_copy_with_one_line_and_nothing_else(writer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Writer, "fails", True)
    (one,) = for_tensorboard(tmp_path)
    (end,) = train([one])
    assert end
    assert end["status"] == "finished"
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tensorboard")]
    assert line.startswith(f"tensorboard: {one.id} is no longer tracked ([Errno 28] No space left on device)")


def test_tensorboard_is_refused_in_one_line_where_its_package_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.engine.job.find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"^tensorboard: true needs the package tensorboardX: .* install tensorboardX$"
    ):
        check_output(for_tensorboard(tmp_path))


def test_the_event_file_is_read_back_as_it_was_logged(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    (one,) = for_tensorboard(tmp_path)
    train([one])
    (file,) = (one.folder / "tensorboard").iterdir()
    data, events = file.read_bytes(), []
    while data:  # a record: its length, the length's checksum, the event, its checksum
        (length,) = struct.unpack("<Q", data[:8])
        body, (checksum,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert checksum == masked_crc32c(body)
        events.append(Event.FromString(body))
        data = data[16 + length :]
    said = {(v.tag, e.step): v.simple_value for e in events for v in e.summary.value if v.HasField("simple_value")}
    rows = [row for row in records.read_metrics(one.folder) if row["learner"] == "model"]
    for row in rows:
        assert said[f"{row['condition']}/nll", row["step"]] == pytest.approx(row["nll"])
