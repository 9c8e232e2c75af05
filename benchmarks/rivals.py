"""Measures the training speed of attention's rivals against attention, through the engine, in one process.

    python -m benchmarks.rivals

Two layers of width 64 read 70 vectors and their labels in turn, 140 positions, the prompts of in-context studies, at
batch 64. The mixers take turns of a second each; a ratio is the median over turns of tokens/s over attention's in the
same turn. Aim: 0.3 or more for each. The last rows are the same models with frozen blocks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from benchmarks.record import write
from experiments.engine.devices import use_all_cores
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from models.mixers import MIXERS
from models.transformer import TransformerConfig
from tests.toys import HalfSpace

TASK = HalfSpace(width=28, points=70)
BATCH = 64


def contestant(config: TransformerConfig) -> tuple[Callable[[int], float], float]:
    """Returns a function from a number of training steps to tokens/s, and its engine's CPU seconds of compiling."""
    since = time.process_time()
    engine = Engine([Run(TASK, config, AdamW(), Training(steps=10**9, batch_size=BATCH), seed=0)])
    compiled = time.process_time() - since
    state: Any = engine.start()
    done = 0

    def train(steps: int) -> float:
        nonlocal state, done
        done += steps
        since = time.perf_counter()
        state = jax.block_until_ready(engine.advance(state, done))
        return steps * BATCH * TASK.spec.length / (time.perf_counter() - since)

    return train, compiled


def main() -> None:
    """Measures all mixers and records them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--turns", type=int, default=5, help="turns of each mixer (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn (default 1)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"), help="file of the record")
    args = parser.parse_args()
    use_all_cores()
    jax.config.update("jax_enable_compilation_cache", False)  # its seconds are measured too
    configs = {name: TransformerConfig(mixer=name) for name in MIXERS}
    configs |= {f"{name}, frozen": TransformerConfig(mixer=name, frozen=True) for name in ("attention", "lstm")}
    contestants = {name: contestant(config) for name, config in configs.items()}
    steps = {}
    for name, (train, _) in contestants.items():
        train(2)
        steps[name] = max(2, round(args.seconds * train(4) / (BATCH * TASK.spec.length)))
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(args.turns):
        for name, (train, _) in contestants.items():
            speeds[name].append(train(steps[name]))
    rows = [
        {
            "mixer": name,
            "context": TASK.spec.length,
            "tokens_per_second": round(statistics.median(speeds_of)),
            "ratio": round(statistics.median(a / b for a, b in zip(speeds_of, speeds["attention"], strict=True)), 2),
            "compile_cpu_seconds": round(contestants[name][1], 1),
            "turns": len(speeds_of),
        }
        for name, speeds_of in speeds.items()
    ]
    write(args.out, rows)


if __name__ == "__main__":
    main()
