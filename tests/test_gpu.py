"""What is run on a GPU runs on CPUs at toy size, and its results become records and tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import record
from benchmarks.gpu.__main__ import PARTS
from experiments.errors import ConfigError
from experiments.judging import results
from tests.commands import ROOT


def _gpu(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.gpu", f"out={folder}", *words]
    env = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0", "JAX_PLATFORMS": "cpu"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=1200)


@pytest.mark.slow
def test_every_part_runs_at_toy_size_once_and_is_recorded(tmp_path, monkeypatch):
    _gpu(tmp_path / "gpu", "seconds=3000", *(name for name in PARTS if name != "pytorch"))  # which is an extra
    found = json.loads((tmp_path / "gpu" / "results.json").read_text())
    ends = {name: part["status"] for name, part in found["parts"].items()}
    assert set(ends.values()) == {"done"}, ends
    checks = found["parts"]["checks"]["rows"]
    assert [row["what"] for row in checks if not row["passed"]] == []
    again = _gpu(tmp_path / "gpu", "seconds=60", "checks", "studies")
    assert (again.returncode, again.stdout) == (0, "")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    said = record.record_studies(tmp_path / "gpu" / "runs.tar.gz", tmp_path / "runs")
    assert [line.partition(", ")[2] for line in said] == ["4 of 4 runs"]
    assert (tmp_path / "results" / "markov" / "threshold" / "smoke.png").exists()


def test_words_that_are_wrong_are_named_in_a_line_each(tmp_path):
    answer = _gpu(tmp_path / "gpu", "seconds=soon", "spede", "depth=2")
    assert answer.returncode == 1
    assert [line.split(":")[0] for line in answer.stderr.splitlines()] == ["depth", "spede", "seconds"]
    assert not (tmp_path / "gpu").exists()


def test_the_benchmarks_readme_is_what_the_record_makes():
    kept = json.loads(record.RECORD.read_text()) if record.RECORD.exists() else None
    text = record.README.read_text()
    assert record.renewed(text, kept) == text


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ConfigError, match="lacks the markers"):
        record.renewed("Benchmarks", None)


def test_the_section_says_how_parts_ended_and_what_the_lanes_suggest():
    rows = [
        {"what": f"2 x 64, {n}", "size": "2 x 64", "lanes": n, "at a time": n, "tokens/s": speed}
        for n, speed in ((1, 1e6), (4, 3e6), (16, 5.9e6), (64, 6e6))
    ]
    parts = {
        "speed": {"status": "done", "rows": rows},
        "pytorch": {
            "status": "stopped: its time was out",
            "rows": [{"what": "2 x 64, eager", "size": "2 x 64", "tokens/s": 5e5}],
        },
    }
    made = {"device": "1 x H100", "date": "2026-01-01", "versions": "jax", "commit": "abc", "parts": parts}
    text = record.section(made)
    assert "**Stopped: its time was out.**" in text
    assert "- 2 x 64: all 64 lanes at a time (`lanes_per_device` 0) are within 5 % of the best speed, which 16 " in text
    assert "- 2 x 64, eager: one run of ours has 2.00 times its tokens/s." in text
