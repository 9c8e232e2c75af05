"""Measures how soon a study begins to train in a new process, with an empty and with a full cache of programs.

    python -m benchmarks.warm_start

Each of markov/threshold/cpu's runs trains for one step. Training begins when a run's config.yaml is written, which is
once its program is compiled or read. Aim: 5 s or less with a full cache, on an idle machine. On a busy one the
processor's seconds say more; they are of the whole command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import write

ONE_STEP = ["train.steps=1", "train.eval_every=1", "optim.warmup=0"]


def main() -> None:
    """Starts the study with an empty cache and then with the full one, and records the seconds of each start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warm_start", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--study", default="markov/threshold/cpu", help="default markov/threshold/cpu")
    parser.add_argument("--warm", type=int, default=3, help="starts with a full cache (default 3)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"), help="file of the record")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for i in range(1 + args.warm):
            seconds, processor = _start(args.study, Path(room) / f"runs{i}", Path(room) / "cache")
            row = {"study": args.study, "cache": "full" if i else "empty", "seconds to training": round(seconds, 2)}
            rows.append(row | {"processor seconds": round(processor, 2)})
            print(rows[-1], flush=True)
    for row in rows:
        row["share of the cold start"] = round(row["processor seconds"] / rows[0]["processor seconds"], 2)
    write(args.out, rows)


def _start(study: str, runs: Path, cache: Path) -> tuple[float, float]:
    """Returns the seconds from a new process's start to its training, and the processor's seconds to its end.

    Raises ChildProcessError if the command fails.
    """
    command = [sys.executable, "-m", "experiments.run", "-m", f"study={study}", *ONE_STEP, f"out={runs}"]
    env = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    before, since = os.times(), time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not any(runs.rglob("config.yaml")):
        time.sleep(0.02)
    seconds = time.perf_counter() - since
    _, errors = process.communicate()
    if process.returncode:
        raise ChildProcessError(errors)
    after = os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
