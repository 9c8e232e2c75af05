"""Times a 16-job sweep as one program against the same sweep job by job, with empty compile caches.

    python -m benchmarks.sweep                # both lengths, vmap against basic, and against PyTorch if installed

The seconds are those of the whole command. The sweep is 4 rule counts x 4 seeds of the Markov study with its cpu-scale
model, 100 and 1,000 steps a job. `vmap` and `basic` are Hydra's `hydra/launcher=`; `pytorch` is 16 runs of a plain loop
in one process (see pytorch_loop.py).
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import write
from experiments.errors import check_no_words

STEPS = (100, 1000)
RULES, SEEDS = (30, 100, 300, 1000), (0, 1, 2, 3)
STUDY = ["study=markov/threshold/cpu", "train.eval_every=1000000"]


def main() -> None:
    """Times every way and records the seconds and their ratio to `vmap`."""
    rows = []
    for way in _ways():
        _seconds(way, 1)  # so that no way is the first to read the libraries from disk
    for steps in STEPS:
        seconds = {way: _seconds(way, steps) for way in _ways()}
        for way, spent in seconds.items():
            ratio = round(spent / seconds["vmap"], 2)
            rows.append({"steps": steps, "jobs": 16, "way": way, "seconds": round(spent, 1), "over vmap": ratio})
            print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _ways() -> list[str]:
    pytorch = ["pytorch", "pytorch compiled"] if importlib.util.find_spec("torch") else []
    return ["vmap", "basic", *pytorch]


def _seconds(way: str, steps: int) -> float:
    """Returns the wall-clock seconds of one sweep, done `way`, from an empty folder with empty caches."""
    with tempfile.TemporaryDirectory() as room:
        run = [sys.executable, "-m", "experiments.run", "-m", *STUDY, f"train.steps={steps}", f"out={room}/runs"]
        grid = [f"task.num_rules={','.join(map(str, RULES))}", f"seed={','.join(map(str, SEEDS))}"]
        command = {
            "vmap": [*run, *grid, "hydra/launcher=vmap"],
            "basic": [*run, *grid, "hydra/launcher=basic"],
            "pytorch": [sys.executable, "-m", "benchmarks.pytorch_loop", "16", str(steps)],
            "pytorch compiled": [sys.executable, "-m", "benchmarks.pytorch_loop", "16", str(steps), "compile"],
        }[way]
        env = os.environ | {"JAX_COMPILATION_CACHE_DIR": f"{room}/jax", "TORCHINDUCTOR_CACHE_DIR": f"{room}/torch"}
        since = time.perf_counter()
        subprocess.run(command, env=env, check=True, capture_output=True)
        return time.perf_counter() - since


if __name__ == "__main__":
    check_no_words("benchmarks.sweep", __doc__)
    main()
