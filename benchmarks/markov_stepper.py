"""Measures the seconds to step 1,024 Markov algorithms for 64 steps, beside the plain interpreter.

    python -m benchmarks.markov_stepper

Each algorithm has 8 rules of up to 4 letters a side, on a string of 32 letters in a buffer of 64. Compilation is not
counted. Aim: 1 s.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.record import write
from experiments.engine import devices
from experiments.errors import check_no_words
from synthetic.markov.interpreter import Rule, interpret
from synthetic.markov.stepper import Algorithm, run

ALGORITHMS, STEPS, BUFFER, LENGTH = 1024, 64, 64, 32
RULES, SIDE, LETTERS = 8, 4, 4
REPEATS = 7


def main() -> None:
    """Measures both and records them."""
    devices.use_all_cores()
    ours, theirs = _stepping()
    rows = [
        {"measure": f"{ALGORITHMS} algorithms, {STEPS} steps: seconds", "value": round(ours, 3)},
        {"measure": "the same by the interpreter: seconds", "value": round(theirs, 3)},
    ]
    write(Path(__file__).with_suffix(".csv"), rows)


def _stepping() -> tuple[float, float]:
    """Returns median seconds of the stepper, and those of the interpreter; checks that they agree."""
    rng = np.random.default_rng(0)
    search, replace = rng.integers(0, LETTERS, (2, ALGORITHMS, RULES, SIDE)).astype(np.int32)
    of_x, of_y = rng.integers(1, SIDE + 1, (2, ALGORITHMS, RULES)).astype(np.int32)
    of_y = np.minimum(of_x, of_y)  # strings do not grow, so none outgrows the buffer
    stops, used = np.zeros((ALGORITHMS, RULES), bool), np.full(ALGORITHMS, RULES, np.int32)
    algorithms = Algorithm(*map(jnp.asarray, (search, of_x, replace, of_y, stops, used)))
    start = rng.integers(0, LETTERS, (ALGORITHMS, LENGTH)).astype(np.int32)
    strings = jnp.pad(jnp.asarray(start), ((0, 0), (0, BUFFER - LENGTH)))
    step = jax.jit(lambda a, s: jax.vmap(lambda a, s: run(a, s, jnp.int32(LENGTH), STEPS))(a, s))
    stepped = jax.block_until_ready(step(algorithms, strings))
    seconds = []
    for _ in range(REPEATS):
        since = time.perf_counter()
        jax.block_until_ready(step(algorithms, strings))
        seconds.append(time.perf_counter() - since)

    def words(rows: np.ndarray, lengths: np.ndarray) -> list[str]:
        return ["".join(map(chr, row[:n])) for row, n in zip(rows.tolist(), lengths.tolist(), strict=True)]

    lists = [
        [Rule(x, y) for x, y in zip(words(search[i], of_x[i]), words(replace[i], of_y[i]), strict=True)]
        for i in range(ALGORITHMS)
    ]
    texts = words(start, np.full(ALGORITHMS, LENGTH))
    since = time.perf_counter()
    interpreted = [interpret(rules, text, STEPS)[0] for rules, text in zip(lists, texts, strict=True)]
    plain = time.perf_counter() - since
    last = words(np.asarray(stepped.strings[:, -1]), np.asarray(stepped.lengths[:, -1]))
    assert last == [steps[-1] if steps else text for steps, text in zip(interpreted, texts, strict=True)]
    return statistics.median(seconds), plain


if __name__ == "__main__":
    check_no_words("benchmarks.markov_stepper", __doc__)
    sys.exit(main())
