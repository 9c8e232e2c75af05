"""Part `speed`: training speed and model FLOPs utilisation by size and number of lanes, and the memory of a lane.

Part `fused` is the same for some settings with cuDNN's attention; part `graphs` with XLA's loops captured as CUDA
graphs, which spares launches of kernels.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import jax

from benchmarks.gpu.part import Part, begin, peak, toy
from benchmarks.gpu.sizes import LARGE, MIDDLE, OPTIMIZER, SMALL, TOY, Size
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.training import Training

Setting = tuple[Size, int, int]  # size, lanes, and how many of them at a time (0: all)
# Programs of a wave are compiled side by side, then measured one by one; what is worth most comes first.
WAVES: dict[str, list[list[Setting]]] = {
    "speed": [
        [(MIDDLE, 1, 0), (LARGE, 1, 0), (SMALL, 1, 0), (SMALL, 16, 0)],
        [(MIDDLE, 4, 0), (SMALL, 64, 0), (SMALL, 64, 16), (SMALL, 4, 0)],
        [(LARGE, 4, 0), (MIDDLE, 16, 0), (MIDDLE, 16, 4)],
    ],
    "fused": [[(MIDDLE, 1, 0), (MIDDLE, 4, 0), (LARGE, 1, 0)]],
    "graphs": [[(MIDDLE, 1, 0), (SMALL, 1, 0), (SMALL, 16, 0)]],
}
TOYS: dict[str, list[list[Setting]]] = {name: [[(TOY, 1, 0)]] for name in WAVES}
TURNS, SECONDS, TOY_SECONDS = 3, 0.7, 0.05


def main() -> int:
    """Measures wave by wave; returns 130 if the next one would not end in time.

    The next wave is taken to last as long as the longest.
    """
    part, since, longest = begin(), time.monotonic(), 0.0
    for wave in (TOYS if toy() else WAVES)[part.name]:
        began = time.monotonic()
        left = [setting for setting in wave if format_setting(*setting) not in part.done]
        if left and began + longest > since + part.seconds:
            return 130
        with ThreadPoolExecutor(4) as pool:
            building = [pool.submit(_engine, *setting) for setting in left]
        for setting, built in zip(left, building, strict=True):
            try:
                measure(part, setting, *built.result())
            except Exception as e:  # a size that does not fit is a row, and no end of the part
                part.add(format_setting(*setting), failed=(str(e).splitlines() or [type(e).__name__])[0][:200])
        longest = max(longest, time.monotonic() - began)
    return 0


def format_setting(size: Size, lanes: int, at_a_time: int) -> str:
    """Formats a setting: "6 x 256, 16 lanes, 4 at a time"."""
    several = f"{lanes} lanes" if lanes > 1 else "1 run"
    return f"{size.name}, {several}{f', {at_a_time} at a time' if at_a_time else ''}"


def _engine(size: Size, lanes: int, at_a_time: int) -> tuple[Engine, float]:
    """Returns an engine for a setting, and the seconds until it was compiled."""
    since = time.perf_counter()
    training = Training(steps=10**9, batch_size=size.batch, eval_examples=size.batch)
    runs = [Run(size.task, size.model(), OPTIMIZER, training, seed) for seed in range(lanes)]
    return Engine(runs, lanes_per_device=at_a_time or lanes), time.perf_counter() - since


def measure(part: Part, setting: Setting, engine: Engine, compiled: float) -> None:
    """Times some turns of about SECONDS and adds the row of their median."""
    size, lanes, at_a_time = setting
    seconds = TOY_SECONDS if toy() else SECONDS
    state, done, steps = engine.advance(engine.start(), 2), 2, 5
    jax.block_until_ready(state)
    speeds = []
    for turn in range(TURNS + 2):
        since = time.perf_counter()
        state = jax.block_until_ready(engine.advance(state, done + steps))
        spent, done = time.perf_counter() - since, done + steps
        if turn > 1:  # the first two find how many steps fill a turn
            speeds.append(lanes * steps * size.tokens / spent)
        else:
            steps = max(2, min(20_000, round(steps * (0.1 if turn == 0 else 1) * seconds / spent)))
    speed = statistics.median(speeds)
    top = peak()
    part.add(
        format_setting(size, lanes, at_a_time),
        **{
            "size": size.name,
            "lanes": lanes,
            "at a time": at_a_time or lanes,
            "tokens/s": round(speed),
            "ms a step": round(1e3 * lanes * size.tokens / speed, 3),
            "MFU": round(speed * size.flops / top, 4) if top else None,
            "MB a lane": round(engine.lane_bytes / 1e6, 1),
            "s to compile, beside others": round(compiled, 1),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
