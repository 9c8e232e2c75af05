"""`export` writes the same examples as `preview` shows, whole or not at all, fast."""

import json
import os
import resource
import sys

import jax
import numpy as np
import polars as pl
import pytest

from experiments import export, preview
from experiments.errors import ConfigError
from experiments.examples import rows as rows_of
from tests.commands import call
from tests.toys import HalfSpace

SMALL = ["task.alphabet=16", "task.input_length=8", "task.search_length=2", "task.replace_length=3"]


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """Runs the command in this process and returns the path of the file."""

    def run(name, *words):
        path = tmp_path / name
        monkeypatch.setattr(export.devices, "use_all_cores", lambda: None)
        monkeypatch.setattr(sys, "argv", ["export", *SMALL, *words, f"out={path}"])
        assert export.main() == 0
        return path

    return run


def test_a_row_holds_text_tokens_and_facts_that_agree(exported):
    path = exported("new/examples.jsonl", "task.noop_rate=0.5", "count=300")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 300
    assert list(rows[0]) == ["prompt", "answer", "inputs", "targets", "weights", "facts"]
    for row in rows:
        rule, z = row["prompt"].split(" : ")
        x, y = rule.split(" -> ")
        assert row["answer"] == z.replace(x, y, 1) + "."
        assert row["facts"]["noop"] == (x not in z)
        letters = "abcdefghijklmnop=."
        assert "".join(letters[t] for t in row["inputs"][: 2 + 3 + 8 + 1]) == f"{x}{y}{z}="
        said = [letters[t] for t, w in zip(row["targets"], row["weights"], strict=True) if w]
        assert "".join(said) == row["answer"]
        assert set(row["weights"]) <= {0, 1}


def test_parquet_and_json_lines_hold_the_same(exported):
    parquet, lines = (exported(f"examples.{kind}", "count=5000") for kind in ("parquet", "jsonl"))
    table = pl.read_parquet(parquet)
    assert table.to_dicts() == [json.loads(line) for line in lines.read_text().splitlines()]
    assert table.schema["inputs"] == pl.Array(pl.Int32, 2 + 3 + 8 + 1 + 10 - 1)


def test_a_larger_export_begins_with_the_smaller_one_and_with_the_preview(exported, monkeypatch, capsys):
    small = exported("small.jsonl", "count=10", "split=unseen").read_text().splitlines()
    large = exported("large.jsonl", "count=4100", "split=unseen").read_text().splitlines()
    assert (len(small), len(large)) == (10, 4100)
    assert large[:10] == small
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["preview", *SMALL, "count=10", "split=unseen"])
    assert preview.main() == 0
    shown = capsys.readouterr().out.splitlines()
    for line, row in zip(shown, map(json.loads, small), strict=True):
        assert line.startswith(f"{row['prompt']}  =>  {row['answer']}    (")


def test_an_export_reports_its_rows_seconds_and_speed_in_one_line(exported, capsys):
    path = exported("examples.jsonl", "count=20")
    said = capsys.readouterr().out
    assert said.startswith(f"wrote 20 examples to {path} in ")
    assert said.endswith(" examples/s)\n")
    assert said.count("\n") == 1


def test_a_failure_leaves_the_old_file_and_nothing_else(exported, monkeypatch, tmp_path):
    path = exported("examples.jsonl", "count=20")
    before = path.read_bytes()
    calls = []

    def fails_later(task, batch):
        calls.append(batch)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return export_frame(task, batch)

    export_frame = export.frame
    monkeypatch.setattr(export, "frame", fails_later)
    with pytest.raises(BaseException):  # noqa: B017, PT011  whatever polars makes of it
        exported("examples.jsonl", "count=9000")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["examples.jsonl"]


def test_vectors_are_exported_as_nested_lists(tmp_path):
    task = HalfSpace()
    keys = jax.random.split(jax.random.key(0), 6)
    batch = jax.tree.map(np.asarray, jax.vmap(task.sample, (0, None))(keys, "train"))
    path = tmp_path / "vectors.jsonl"
    export.frame(task, batch).write_ndjson(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert (np.array([row["inputs"] for row in rows], np.float32) == batch.inputs).all()
    assert [row["facts"]["plane_0"] for row in rows] == batch.facts["plane_0"].tolist()


def test_rows_without_facts_are_rows_too():
    task = HalfSpace()
    keys = jax.random.split(jax.random.key(0), 3)
    batch = jax.tree.map(np.asarray, jax.vmap(task.sample, (0, None))(keys, "train"))._replace(facts={})
    assert [example.facts for example in rows_of(batch)] == [{}, {}, {}]
    assert "facts" not in export.frame(task, batch).columns


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "out: expected a file that ends in .jsonl or .parquet, got none"),
        (["out=examples.csv"], "out: expected a file that ends in .jsonl or .parquet, got examples.csv"),
        (["out=/dev/null/examples.jsonl"], "out: cannot write /dev/null/examples.jsonl: /dev/null is not a folder"),
        (["out={}"], "out: cannot write {}: it is a folder"),
        (["out=examples.jsonl", "count=0", "split=x"], "count: expected an integer from 1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_compiled(words, error, monkeypatch, tmp_path):
    folder = tmp_path / "folder.jsonl"
    folder.mkdir()
    monkeypatch.setattr(export.devices, "use_all_cores", lambda: None)
    monkeypatch.setattr(export, "compiled", None)
    monkeypatch.setattr(sys, "argv", ["export", *(word.format(folder) for word in words)])
    with pytest.raises(ConfigError) as failure:
        export.main()
    assert failure.value.lines[0].startswith(error.format(folder))
    assert [p.name for p in tmp_path.iterdir()] == ["folder.jsonl"]


@pytest.mark.slow
def test_fifty_thousand_a_second_fit_on_two_cores(tmp_path):
    """At the papers' lengths; by time on the processor, so that a busy machine does not fail it."""
    used = []
    for count in (export.BATCH, export.BATCH, 50_000):  # the first fills the cache of compiled programs
        before = os.times()
        assert call("export", f"count={count}", f"out={tmp_path / 'examples.jsonl'}").returncode == 0
        after = os.times()
        used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert (50_000 - export.BATCH) / (used[2] - used[1]) > 50_000 / 2


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(kind, exported, tmp_path):
    path = exported(f"examples.{kind}", "count=10")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(ConfigError, match=rf"^out: cannot write {path}: File too large") as error:
            exported(f"examples.{kind}", "count=4096")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in error.value.lines[0]
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
