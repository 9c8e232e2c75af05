"""Part `pytorch`: the same models in PyTorch, eager and under torch.compile, with its fused attention in bfloat16.

Weights are float32, products bfloat16 by autocast, as in ours; AdamW is the fused one; tokens are drawn on the device,
which is all that their generation costs. `CUDA graphs` is torch.compile's mode `reduce-overhead`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.gpu.part import Part, started
from benchmarks.gpu.sizes import LARGE, MIDDLE, OPTIMIZER, SMALL, TOY, Size
from benchmarks.train_speed import Decoder

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WAYS: dict[str, dict[str, str] | None] = {"eager": None, "torch.compile": {}}
GRAPHS: dict[str, dict[str, str] | None] = {"torch.compile, CUDA graphs": {"mode": "reduce-overhead"}}
TURNS, SECONDS = 3, 0.7
PEAK = 989e12


def main() -> None:
    """Measures the middle size each way, then the large one, then the small one, in the time that is left."""
    part = started()
    torch.set_float32_matmul_precision("high")
    sizes = {MIDDLE: WAYS | GRAPHS, LARGE: WAYS, SMALL: WAYS | GRAPHS} if DEVICE == "cuda" else {TOY: WAYS}
    for size, ways in sizes.items():
        for way, options in ways.items():
            if f"{size.name}, {way}" not in part.done:
                try:
                    _measure(part, size, way, options)
                except Exception as e:  # torch.compile needs a compiler, and may refuse
                    part.add(f"{size.name}, {way}", failed=(str(e).splitlines() or [type(e).__name__])[0][:200])


def _measure(part: Part, size: Size, way: str, options: dict[str, str] | None) -> None:
    torch.compiler.reset()
    since = time.perf_counter()
    train = _trainer(size, options)
    train(3)
    _wait()
    compiled, steps, speeds = time.perf_counter() - since, 5, []
    for turn in range(TURNS + 2):
        since = time.perf_counter()
        train(steps)
        _wait()
        spent = time.perf_counter() - since
        if turn > 1:
            speeds.append(steps * size.tokens / spent)
        else:
            steps = max(2, min(20_000, round(steps * (0.1 if turn == 0 else SECONDS) / spent)))
    speed = statistics.median(speeds)
    part.add(
        f"{size.name}, {way}",
        **{
            "size": size.name,
            "way": way,
            "tokens/s": round(speed),
            "ms a step": round(1e3 * size.tokens / speed, 3),
            "MFU": round(speed * size.flops / PEAK, 4) if DEVICE == "cuda" else None,
            "s before the first steps were done": round(compiled, 1),
        },
    )


def _trainer(size: Size, options: dict[str, str] | None) -> Callable[[int], None]:
    """Returns a function that trains for some steps."""
    spec, o = size.task.spec, OPTIMIZER
    assert spec.vocabulary is not None
    vocabulary = spec.vocabulary
    with torch.device(DEVICE):
        model = Decoder(size.model(), vocabulary, spec.length, fused=True)
    forward = model if options is None else torch.compile(model, **options)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=o.lr, betas=(o.b1, o.b2), weight_decay=o.weight_decay, fused=DEVICE == "cuda"
    )

    def train(steps: int) -> None:
        for _ in range(steps):
            tokens = torch.randint(vocabulary, (size.batch, spec.length), device=DEVICE)
            with torch.autocast(DEVICE, dtype=torch.bfloat16):
                logits = forward(tokens)
            loss = F.cross_entropy(logits.flatten(0, 1).float(), tokens.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), o.clip)
            optimizer.step()

    return train


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
