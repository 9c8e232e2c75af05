"""The memory that one run of TInt's largest studies takes, by the compiler's count, and whether it fits an 80 GB card.

    python -m benchmarks.memory

Programs are compiled for shapes alone: nothing is allocated, and no accelerator is needed. The means are chosen as the
launcher chooses them (`experiments.engine.memory`), with the formula in place of the first program's count. A CPU's
compiler counts otherwise than a GPU's and has no fused attention; chunked attention stands in for it. So each row has
the formula's count too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import jax

from benchmarks.record import write
from experiments.engine import compose, config, devices, memory
from experiments.engine.engine import count_bytes
from experiments.engine.lane import Run
from experiments.engine.train import groups
from experiments.errors import check_no_words

STUDIES = ("tint/static_vs_dynamic/paper", "tint/line_noise/paper", "tint/cot_or_not/paper", "tint/prompted/paper")
CARD = 80e9


def main() -> None:
    """Counts the longest run of every study and records it."""
    os.environ["TERRARIUM_ATTENTION"] = "chunked"
    devices.use_all_cores()
    compose.register()
    rows = []
    for study in STUDIES:
        jobs = config.jobs(config.sweep([f"study={study}"]))
        longest = max((group[0].run for group in groups(jobs)), key=lambda run: run.task.spec.length)
        rows.append({"study": study, **_count(longest)})
        print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _count(run: Run) -> dict[str, object]:
    """Returns the bytes of a run by formula and by compiler, in GB, with the means that make it fit."""
    whole = memory.state_bytes(run) + memory.gradient_bytes(run)
    chosen, counted, since = run, 0, time.perf_counter()
    for chosen in memory.lighter(run, whole, int(CARD)):
        counted = count_bytes(chosen, jax.devices()[0])
        if counted <= CARD:
            break
    return {
        "positions": run.task.spec.length,
        "batch": run.train.batch_size,
        **memory.means(chosen),
        "GB by formula, all at once": round(whole / 1e9, 1),
        "GB by formula": round((memory.state_bytes(run) + memory.gradient_bytes(chosen)) / 1e9, 1),
        "GB by compiler": round(counted / 1e9, 1),
        "fits 80 GB": counted <= CARD,
        "seconds to compile": round(time.perf_counter() - since),
    }


if __name__ == "__main__":
    check_no_words("benchmarks.memory", __doc__)
    main()
