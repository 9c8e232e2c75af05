"""Files are written whole or not at all, and only where a regular file is or may be."""

from __future__ import annotations

import errno
import os
import stat
import sys

import pytest

from experiments import preview
from experiments.engine import config
from experiments.engine.launch import Settings, launch
from experiments.errors import ConfigError
from experiments.files import check_writable, forget_unfinished, whole, write_whole
from paper import report
from paper.command import command
from tests.commands import TINY


def test_a_device_or_pipe_is_never_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/full", "/dev/null"):
        for write in (lambda path: write_whole(path, b"text"), check_writable):
            with pytest.raises(OSError, match="it is not a regular file"):
                write(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(f"there/{name}")
    (tmp_path / "there/old").write_text("old")
    for name in ("old", "new"):
        write_whole(tmp_path / name, b"text")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "there" / name).read_text() == "text"


def test_a_file_keeps_its_mode_and_a_new_one_gets_what_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"")
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o604)
        write_whole(tmp_path / "old", b"text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_a_failure_halfway_leaves_the_old_file_and_nothing_else(tmp_path):
    write_whole(tmp_path / "file", b"old")
    halfway = whole(tmp_path / "file")
    halfway.__enter__().write_bytes(b"half")
    assert not halfway.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_longest_name_that_a_disk_admits_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_whole(path, b"text")
    assert path.read_bytes() == b"text"


def test_what_a_killed_writer_left_is_forgotten(tmp_path):
    entered = whole(tmp_path / "file")
    entered.__enter__()
    (tmp_path / "other").touch()
    forget_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_the_report_refuses_a_bad_file_in_one_line_before_it_judges(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(report.studies, "check", None)
    for path, why in (
        ("/dev/full", "it is not a regular file"),
        (str(tmp_path), "it is a folder"),
        (f"{tmp_path}/file/report.html", f"{tmp_path}/file is not a folder"),
    ):
        monkeypatch.setattr(sys, "argv", ["report", "--out", path])
        with pytest.raises(SystemExit) as ended:
            command(report.main)
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"error: {path}: cannot write: {why}\n"


def test_what_writes_no_runs_needs_no_folder_for_them(monkeypatch, capsys):
    """The default folder may be read-only, as the checkout is in a container."""
    nowhere = "out=/dev/null/runs"
    monkeypatch.setattr(preview.devices, "use_all_cores", lambda: None)
    monkeypatch.setattr(sys, "argv", ["preview", *TINY[:5], "count=2", nowhere])
    assert preview.main() == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    jobs = config.jobs([[*TINY, nowhere]])
    with pytest.raises(ConfigError, match=r"^out: cannot write to /dev/null/runs: /dev/null is not a folder$"):
        launch(jobs, Settings())


def test_a_full_disk_is_one_line_of_a_command_of_the_paper(capsys):
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "report.html")

    with pytest.raises(SystemExit) as ended:
        command(full)
    assert (ended.value.code, capsys.readouterr().err) == (2, "error: report.html: No space left on device\n")
