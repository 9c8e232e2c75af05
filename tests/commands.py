"""What tests of whole commands share: a run small enough to train in a second, and the command line itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Overrides that make a run tiny: a letter rewritten in four, one layer of width 16.
TINY = [
    "task.alphabet=8",
    "task.input_length=4",
    "task.search_length=1",
    "task.replace_length=1",
    "task.num_rules=20",
    "model.width=16",
    "model.depth=1",
    "model.heads=2",
    "train.steps=40",
    "train.batch_size=16",
    "train.eval_every=20",
    "train.eval_examples=32",
]


def command(module: str, *words: str) -> list[str]:
    """The command line of one of the suite's modules."""
    return [sys.executable, "-m", f"experiments.{module}", *words]


def call(module: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end from the repository's root; `more` are environment variables."""
    env = os.environ | more
    return subprocess.run(command(module, *words), cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
