"""Part `sweep`: a sweep of 16 jobs as one program, against Hydra's basic launcher, which trains one job at a time.

The jobs are 4 numbers of rules by 4 seeds of markov/threshold at the cpu scale's size. Both are whole commands with
empty caches. The basic launcher is given two jobs; the other 14 are taken to last as long as its second one, which
found its program compiled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gpu.part import Part, begin, toy

JOBS, STEPS = 16, 2000
GRIDS = {
    "vmap": ["study=markov/threshold/cpu", "task.num_rules=30,100,300,1000", "seed=0,1,2,3"],
    "basic": ["study=markov/threshold/cpu", "task.num_rules=30", "seed=0,1"],
}
TOY_JOBS, TOY_STEPS = 2, 10
TOY_GRIDS = {
    "vmap": ["study=markov/threshold/smoke", "task.num_rules=30", "seed=0"],
    "basic": ["study=markov/threshold/smoke", "task.num_rules=30", "seed=0,1"],
}


def main() -> None:
    """Runs the missing commands and compares them."""
    part = begin()
    if "launchers" in part.done:
        return
    jobs, steps = (TOY_JOBS, TOY_STEPS) if toy() else (JOBS, STEPS)
    whole, training = {}, {}
    for way in GRIDS:
        seconds, ended, trained = _command(part, way, steps)
        whole[way] = seconds if way == "vmap" else seconds + (jobs - len(ended)) * (ended[-1] - ended[-2])
        training[way] = sum(trained) if way == "vmap" else jobs * trained[-1]
    part.add(
        "launchers",
        **{
            "jobs": jobs,
            "steps": steps,
            "vmap, whole command: s": round(whole["vmap"], 1),
            "basic, whole command: s (of 16, from 2)": round(whole["basic"], 1),
            "ratio, whole commands": round(whole["basic"] / whole["vmap"], 2),
            "vmap, training alone: s": round(training["vmap"], 2),
            "basic, training alone: s (of 16, from 2)": round(training["basic"], 2),
            "ratio, training alone": round(training["basic"] / training["vmap"], 2),
        },
    )


def _command(part: Part, way: str, steps: int) -> tuple[float, list[float], list[float]]:
    """Seconds of a whole command; when each job ended, in seconds from its start; and what each trained for."""
    grid = (TOY_GRIDS if toy() else GRIDS)[way]
    with tempfile.TemporaryDirectory() as room:
        words = ["-m", *grid, "train.eval_every=1000000", f"train.steps={steps}"]
        command = [sys.executable, "-m", "experiments.run", *words, f"hydra/launcher={way}"]
        # A test's programs may come from the cache.
        env = os.environ | ({} if toy() else {"JAX_COMPILATION_CACHE_DIR": f"{room}/jax"})
        began, since = time.time(), time.perf_counter()
        subprocess.run([*command, f"out={room}/runs"], env=env, check=True, stdout=sys.stderr)
        seconds = time.perf_counter() - since
        ends = sorted(Path(room).glob("runs/**/result.json"), key=lambda path: path.stat().st_mtime)
        ended = [path.stat().st_mtime - began for path in ends]
        trained = [json.loads(path.read_text())["train_seconds"] for path in ends]
    print(f"{way}: {seconds:.1f} s, jobs ended after {ended}, trained for {trained} s", flush=True)
    return seconds, ended, trained


if __name__ == "__main__":
    sys.exit(main())
