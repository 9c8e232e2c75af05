"""Run ids stay: what was run and recorded goes on counting, however settings files are written.

run_ids.csv has a row for each study that was there when its records were made: how many jobs it has, and a SHA-256 of
their ids in order of size. A row is changed only where a study's settings are meant to change.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from experiments.engine import config

_LINES = (Path(__file__).parent / "run_ids.csv").read_text().splitlines()
ROWS = {row["study"]: row for row in csv.DictReader(_LINES)}
QUICK = ("boolean/diversity/smoke", "markov/occurrences/cpu", "rasp/parity/cpu", "tint/static_vs_dynamic/cpu")


def _marked(study: str):
    return study if study in QUICK else pytest.param(study, marks=pytest.mark.slow)


@pytest.mark.parametrize("study", [_marked(study) for study in ROWS])
def test_the_ids_of_a_studys_runs_are_those_that_were_recorded(study):
    ids = sorted(job.id for job in config.jobs(config.sweep([f"study={study}"])))
    digest = hashlib.sha256(" ".join(ids).encode()).hexdigest()
    assert ROWS[study] == {"study": study, "jobs": str(len(ids)), "sha256": digest}
