"""Part `studies`: the headline studies at gpu scale, as far as the time goes, in order of worth.

The engine trains runs in packs of one program; those that make the smallest whole study come first. A pack whose rate
shows that it cannot end in time is stopped at once. Its states stay on disk for a later call, and the next pack is
tried. Runs that ended count.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.gpu.part import Part, begin, toy
from experiments.engine import config
from experiments.engine.job import Job
from experiments.engine.launch import Settings, launch
from experiments.engine.progress import Progress
from experiments.engine.stop import Stopped
from experiments.engine.train import missing, packs

# Lanes are one setting's seeds: at these sizes more are no faster, and a setting that is whole can be judged.
# Study, lanes of a pack, and the settings of its first swept key that are trained first, in this order; with the rest,
# in the study's order, it is whole.
STUDIES: list[tuple[str, int, tuple[Any, ...]]] = [
    ("markov/threshold/gpu", 3, (10, 10000, 400, 500, 200, 1000, 100, 300)),
    ("rasp/table/gpu", 5, ("rasp_count", "rasp_parity_plain", "rasp_mode", "rasp_mode_scratchpad")),
    ("tint/static_vs_dynamic/gpu", 5, ("clean", "characters_25", "dynamic_10", "characters_50", "dynamic_20")),
    ("boolean/table/gpu", 5, ("conjunction", "parity")),
]
TOYS: list[tuple[str, int, tuple[Any, ...]]] = [("markov/threshold/smoke", 1, (30,))]
LOOK = 4.0  # seconds of training after which a pack's rate is believed
SPARE = 8.0  # seconds that the last evaluation and the records may take


class Deadline(Progress):
    """A display that asks its own process to stop as soon as the pack in training cannot end in time."""

    def __init__(self, deadline: float):
        super().__init__()
        self.deadline, self._since, self._first = deadline, 0.0, 0

    def start(self, jobs: Sequence[Job], steps: np.ndarray) -> None:
        """Begins to watch a pack."""
        super().start(jobs, steps)
        self._since = 0.0

    def update(self, jobs: Sequence[Job], steps: np.ndarray, rate: float) -> None:
        """Checks the pack's rate, from its second chunk on: the first may hold work that is done once."""
        super().update(jobs, steps, rate)
        now, done = time.monotonic(), int(steps.sum())
        if not self._since:
            self._since, self._first = now, done
            return
        spent, taken = now - self._since, done - self._first
        left = sum(job.run.train.steps for job in jobs) - done
        late = spent > LOOK and now + left * spent / max(taken, 1) > self.deadline - SPARE
        if left and (late or now > self.deadline - SPARE):
            os.kill(os.getpid(), signal.SIGINT)


def main() -> int:
    """Trains until the time is out; returns 130 if runs are left, as a command that was stopped."""
    part = begin()
    deadline = time.monotonic() + part.seconds
    whole = True
    for name, lanes, first in TOYS if toy() else STUDIES:
        jobs = in_order(config.jobs(config.sweep([f"study={name}", f"out={part.folder}/runs"])), first)
        for pack in packs(missing(jobs), lanes):
            if time.monotonic() > deadline - 2 * SPARE:
                break
            _train(part, name, pack, deadline)
        left = len(missing(jobs))
        whole &= not left
        print(f"{name}: {len(jobs) - left} of {len(jobs)} runs have ended", flush=True)
    return 0 if whole else 130


def in_order(jobs: Sequence[Job], first: Sequence[Any]) -> list[Job]:
    """Returns the jobs with those of the settings named `first` in front; the others keep their order."""

    def place(job: Job) -> int:
        setting = next(iter(job.swept.values()))
        return first.index(setting) if setting in first else len(first)

    return sorted(jobs, key=place)


def _train(part: Part, name: str, pack: list[Job], deadline: float) -> None:
    """Trains a pack to its end, or until the time cannot suffice; writes down which."""
    since = time.monotonic()
    try:
        with Deadline(deadline) as progress:
            ends = launch(pack, Settings(), progress)
    except Stopped:
        print(f"{name}: a pack of {len(pack)} would not have ended in time", flush=True)
        return
    finished = [end for end in ends if end and end["status"] == "finished"]
    settings = sorted({str(value) for job in pack for value in job.swept.values()})
    part.add(
        f"{name}, {' '.join(settings)}, seeds {' '.join(sorted({str(job.run.seed) for job in pack}))}",
        **{
            "study": name,
            "runs": len(pack),
            "finished": len(finished),
            "seconds": round(time.monotonic() - since, 1),
            "tokens/s": max((end["tokens_per_second"] for end in finished), default=None),
            "MB a lane": round(max((end["lane_bytes"] for end in finished), default=0) / 1e6, 1),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
