"""Runs the plain PyTorch loop of train_speed.py JOBS times for STEPS steps, one after another in one process.

    python -m benchmarks.pytorch_loop 16 1000 [compile]

benchmarks/sweep.py compares a sweep with it. PyTorch is given random tokens drawn beforehand, and no evaluation.
"""

from __future__ import annotations

import argparse
import os

from benchmarks.train_speed import pytorch, torch
from models.transformer import TransformerConfig
from synthetic.markov import Markov


def main(jobs: int, steps: int, *, compiled: bool) -> None:
    """Trains `jobs` models of the cpu-scale study's shape, each from new parameters."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    task = Markov(alphabet=16, input_length=6, search_length=2, replace_length=2)
    for _ in range(jobs):
        pytorch(TransformerConfig(activation="relu"), task, fused=False, compiled=compiled)(steps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("jobs", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("compile", nargs="?", choices=("compile",))
    words = parser.parse_args()
    main(words.jobs, words.steps, compiled=bool(words.compile))
