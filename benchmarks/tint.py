"""Measures the seconds in which TInt makes its traces on the host, and the share of a training step that reads them.

    python -m benchmarks.tint

One process makes 100,000 five-digit additions without noise and with each kind (seconds on the clock, and of the
processor, which are equal on an idle machine); then training runs at cpu scale on such a set. Aims: 10 s or less, and 5
% of a step or less.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.generation import _generation
from benchmarks.record import write
from experiments.engine import compose, config, devices
from experiments.errors import check_no_words
from fields import replace
from synthetic.tint import TInt

EXAMPLES, REPEATS = 100_000, 3
NOISE: dict[str, dict[str, Any]] = {
    "clean": {},
    "characters": {"characters": 0.25},
    "dynamic": {"dynamic": 0.1},
    "dynamic, hidden too": {"dynamic": 0.1, "hidden": 1.0},
    "deletion, insertion, swap": {"deletion": 0.1, "insertion": 0.1, "swap": 0.1},
}


def main() -> None:
    """Measures both and records them."""
    devices.use_all_cores()
    rows: list[dict[str, Any]] = []
    for style, name in [*(("compact", name) for name in NOISE), ("steps", "clean"), ("steps", "dynamic")]:
        task = TInt(min_digits=5, style=style, examples=EXAMPLES, test_examples=1, **NOISE[name])
        clock, processor = zip(*(_seconds(task) for _ in range(REPEATS)), strict=True)
        for kind, seconds in (("s", clock), ("processor s", processor)):
            measure = f"{EXAMPLES} traces, {style}, {name}: {kind}"
            rows.append({"measure": measure, "value": round(statistics.median(seconds), 2)})
    compose.register()
    run = config.jobs([["task=tint", "task.dynamic=0.1", "model=tiny", "train.batch_size=64"]])[0].run
    generation, step = _generation(replace(run, task=run.task.materialise()))
    rows.append({"measure": "reading a batch, ms", "value": round(generation * 1e3, 3)})
    rows.append({"measure": "training step, ms", "value": round(step * 1e3, 3)})
    rows.append({"measure": "reading, share of a step", "value": round(generation / step, 4)})
    write(Path(__file__).with_suffix(".csv"), rows)


def _seconds(task: TInt) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    task.materialise()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    check_no_words("benchmarks.tint", __doc__)
    sys.exit(main())
