"""Measures how soon a sweep is on disk and gone after SIGTERM or SIGINT: seconds from the signal to the exit.

    python -m benchmarks.stop

The study markov/threshold/cpu is stopped at several moments of its training. Aim: 10 s or less, every lane on disk.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import write
from experiments.errors import check_no_words

MOMENTS = {"SIGTERM": (3.0, 11.0), "SIGINT": (7.0, 16.0)}  # seconds after training began


def main() -> None:
    """Stops the study at every moment and records how long each stop took."""
    rows = []
    for name, moments in MOMENTS.items():
        for moment in moments:
            seconds, states, runs = _stop(getattr(signal, name), moment)
            row = {"signal": name, "after": moment, "seconds to exit": round(seconds, 2), "runs": runs}
            rows.append(row | {"states on disk": states})
            print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _stop(which: signal.Signals, moment: float) -> tuple[float, int, int]:
    """Returns the seconds from the signal to the exit, the number of states on disk, and that of runs."""
    with tempfile.TemporaryDirectory() as room:
        words = ["-m", "study=markov/threshold/cpu", f"out={room}/runs"]
        env = os.environ | {"JAX_COMPILATION_CACHE_DIR": f"{room}/cache"}
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments.run", *words],
            env=env,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        runs = Path(room) / "runs" / "markov" / "threshold" / "cpu"
        while not list(runs.glob("*/config.yaml")):  # written once the program is compiled
            time.sleep(0.2)
        time.sleep(moment)
        since = time.perf_counter()
        process.send_signal(which)
        process.wait()
        seconds = time.perf_counter() - since
        return seconds, len(list(runs.glob("*/state.safetensors"))), len(list(runs.glob("*/config.yaml")))


if __name__ == "__main__":
    check_no_words("benchmarks.stop", __doc__)
    main()
