"""Chooses the slow tests of a round of continuous integration, so that a round does not grow with the suite.

Tests that are many alike carry the mark `rotated(count, *paths)`. Where the environment variable TERRARIUM_ROTATION is
set, each such test function runs `count` of its cases, drawn from the variable's value, and beside them every case one
of whose `paths` (a file or the beginning of its name) has changed since the commit TERRARIUM_SINCE, by default the last
but one. Where the variable is not set, all cases run.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def rotation() -> str:
    """Returns what this round is drawn from, empty where all tests are run."""
    return os.environ.get("TERRARIUM_ROTATION", "")


def changed_files() -> list[str]:
    """Returns the files that differ from the commit TERRARIUM_SINCE; none where git cannot tell."""
    since = os.environ.get("TERRARIUM_SINCE") or "HEAD~1"
    done = subprocess.run(["git", "diff", "--name-only", since], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


def draw(round_name: str, subject: str, cases: Sequence[str], count: int) -> list[str]:
    """Returns `count` of the cases, or all where there are no more, as `round_name` decides for this subject."""
    return random.Random(f"{round_name} {subject}").sample(sorted(cases), min(count, len(cases)))


def split(items: Sequence[pytest.Item], round_name: str, changed: Sequence[str]) -> tuple[list, list]:
    """Returns the tests of this round and those left to others, each in the order of `items`."""
    functions: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("rotated"):
            functions[item.nodeid.split("[")[0]].append(item)
    left_out = set()
    for function, cases in functions.items():
        counts = {mark.args[0] for case in cases for mark in case.iter_markers("rotated")}
        drawn = draw(round_name, function, [case.nodeid for case in cases], max(counts))
        for case in cases:
            paths = tuple(path for mark in case.iter_markers("rotated") for path in mark.args[1:])
            if case.nodeid not in drawn and not any(name.startswith(paths) for name in changed if paths):
                left_out.add(case.nodeid)
    kept = [item for item in items if item.nodeid not in left_out]
    return kept, [item for item in items if item.nodeid in left_out]
