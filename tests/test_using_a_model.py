"""What the page on using a model says is so: its command trains, its blocks run in order, its picture shows a head."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments import load
from experiments.engine import config
from experiments.engine.train import train
from models import taps
from tests.commands import ROOT, TINY

PAGE = (ROOT / "docs" / "using_a_model.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMAND,) = re.findall(r"^```sh\n(.*)\n```$", PAGE, re.MULTILINE)
NAMES = re.findall(r"^\| `([\w.]+)` \| B, ", PAGE, re.MULTILINE)


def test_the_page_lists_the_activations_that_the_module_of_taps_does():
    listed = re.findall(r"^    ([\w.]+) +\[B, ", inspect.getdoc(taps) or "", re.MULTILINE)
    assert listed
    assert listed == NAMES


def run_blocks(blocks: list[str], **names: Any) -> dict[str, Any]:
    """What the names of the page are after these blocks."""
    for block in blocks:
        exec(compile(block, "docs/using_a_model.md", "exec"), names)
    return names


@pytest.mark.slow
def test_the_page_trains_a_model_with_an_induction_head_and_draws_it(tmp_path, monkeypatch, capsys):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, *shlex.split(COMMAND)[1:]]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    page = run_blocks(BLOCKS[:-1])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert int(lines[0].split("%")[0]) >= 95
    assert page["heads"][page["block"], page["head"]] > 0.5
    assert page["block"] == 1
    assert page["whole"] > 0.99 > 0.9 > page["without_it"]
    assert abs(page["error"]).mean() < 0.6 * abs(page["place"] - page["place"].mean()).mean()
    picture = plt.imread(tmp_path / "induction_head.png")
    assert picture.shape[:2] == (675, 675)


def test_the_page_reads_a_models_parameters_from_pytorch(tmp_path):
    """The last block, on a run that is trained in a moment."""
    pytest.importorskip("torch")
    (job,) = config.jobs([[*TINY, f"out={tmp_path}"]])
    train([job])
    model = load.run(job.folder)
    batch = model.examples(4)
    run_blocks(BLOCKS[-1:], np=np, Path=Path, folder=job.folder, batch=batch, logits=model(batch.inputs))
