"""Measures training speed on the CPU against the same model written plainly in PyTorch, side by side in one process.

    pip install torch
    python -m benchmarks.train_speed

Both train the model of conf/model/tiny.yaml (2 layers, width 64, 4 heads) with AdamW and clipping at batch 128. Ours is
the engine as studies use it, its examples generated inside the step. PyTorch gets its tokens at no cost, and the faster
of two ways to write attention. The contestants take turns of a second each; a ratio is the median over turns of
tokens/s over the faster eager PyTorch's in the same turn. The machine must be otherwise idle: if threads share cores,
PyTorch's wait for one another, and it falls behind by far more than its share.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ModuleNotFoundError:
    sys.exit("error: torch: not installed; .venv/bin/pip install -e '.[bench]'")

from benchmarks.record import write
from experiments.engine.devices import use_all_cores
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from models.transformer import TransformerConfig
from synthetic.markov import Markov

BATCH, LANES = 128, 4
OPTIMIZER = AdamW(lr=1e-3, weight_decay=0.1, b2=0.98, clip=1.0)
EAGER = ("PyTorch, eager", "PyTorch, eager, fused attention")
Contestant = Callable[[int], int]  # takes a number of steps, returns the tokens it has trained on


class Block(nn.Module):
    """A pre-LN residual block, which has causal attention and an MLP."""

    def __init__(self, config: TransformerConfig, fused: bool):
        super().__init__()
        width = config.width
        self.heads, self.fused, self.relu = config.heads, fused, config.activation == "relu"
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner = nn.Linear(width, config.mlp_ratio * width)
        self.outer = nn.Linear(config.mlp_ratio * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps float32[batch, length, width] to the same shape."""
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).split(width, dim=-1)
        )
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
            scores = (q @ k.transpose(-1, -2)) * (width // self.heads) ** -0.5
            y = scores.masked_fill(ahead, float("-inf")).softmax(dim=-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        hidden = self.inner(self.norm2(x))
        hidden = F.relu(hidden) if self.relu else F.gelu(hidden, approximate="tanh")
        return x + self.outer(hidden)


class Decoder(nn.Module):
    """A transformer with learned positions, as `models.transformer` has it."""

    def __init__(self, config: TransformerConfig, vocabulary: int, length: int, fused: bool):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.positions = nn.Parameter(torch.randn(length, config.width) * config.width**-0.5)
        self.blocks = nn.Sequential(*(Block(config, fused) for _ in range(config.depth)))
        self.norm, self.read_out = nn.LayerNorm(config.width), nn.Linear(config.width, vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Maps tokens int64[batch, length] to logits float32[batch, length, vocabulary]."""
        return self.read_out(self.norm(self.blocks(self.embedding(tokens) + self.positions)))


def pytorch(config: TransformerConfig, task: Markov, *, fused: bool, compiled: bool = False) -> Contestant:
    """Returns the usual loop in PyTorch, on random tokens drawn beforehand."""
    spec = task.spec
    assert spec.vocabulary is not None
    model = Decoder(config, spec.vocabulary, spec.length, fused)
    forward = torch.compile(model) if compiled else model
    o = OPTIMIZER
    optimizer = torch.optim.AdamW(model.parameters(), lr=o.lr, betas=(o.b1, o.b2), weight_decay=o.weight_decay)
    batches = torch.randint(spec.vocabulary, (50, BATCH, spec.length))

    def train(steps: int) -> int:
        for i in range(steps):
            tokens = batches[i % len(batches)]
            loss = F.cross_entropy(forward(tokens).flatten(0, 1), tokens.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), o.clip)
            optimizer.step()
        return steps * BATCH * spec.length

    return train


def terrarium(config: TransformerConfig, task: Markov, *, lanes: int) -> Contestant:
    """Returns the engine, training `lanes` runs side by side."""
    training = Training(steps=10**9, batch_size=BATCH)
    engine = Engine([Run(task, config, OPTIMIZER, training, seed) for seed in range(lanes)])
    state, done = engine.start(), 0

    def train(steps: int) -> int:
        nonlocal state, done
        done += steps
        state = jax.block_until_ready(engine.advance(state, done))
        return lanes * steps * BATCH * task.spec.length

    return train


def contest(contestants: dict[str, Contestant], turns: int, seconds: float) -> dict[str, list[float]]:
    """Returns the tokens/s of each contestant in each turn, of about `seconds` each."""
    steps = {}
    for name, train in contestants.items():
        train(5)  # compiles
        since = time.perf_counter()
        train(5)
        steps[name] = max(2, round(seconds * 5 / (time.perf_counter() - since)))
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, train in contestants.items():
            since = time.perf_counter()
            tokens = train(steps[name])
            speeds[name].append(tokens / (time.perf_counter() - since))
    return speeds


def compare(activation: str, context: int, args: argparse.Namespace) -> list[dict[str, object]]:
    """Returns one row per contestant for one activation and context length."""
    config = TransformerConfig(width=64, depth=2, heads=4, activation=activation)
    task = Markov(alphabet=16, input_length=(context - 4) // 2, search_length=2, replace_length=2)
    assert task.spec.length == context
    contestants = {EAGER[0]: pytorch(config, task, fused=False), EAGER[1]: pytorch(config, task, fused=True)}
    if args.compile:
        contestants["PyTorch, torch.compile"] = pytorch(config, task, fused=True, compiled=True)
    contestants["Terrarium, one run"] = terrarium(config, task, lanes=1)
    contestants[f"Terrarium, {LANES} lanes"] = terrarium(config, task, lanes=LANES)
    speeds = contest(contestants, args.turns, args.seconds)
    eager = [max(pair) for pair in zip(*(speeds[name] for name in EAGER), strict=True)]
    return [
        {
            "contestant": name,
            "activation": activation,
            "context": context,
            "tokens_per_second": round(statistics.median(speeds_of)),
            "ratio": round(statistics.median(a / b for a, b in zip(speeds_of, eager, strict=True)), 2),
            "turns": len(speeds_of),
        }
        for name, speeds_of in speeds.items()
    ]


def main() -> None:
    """Runs all comparisons and records them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--turns", type=int, default=7, help="turns of each contestant (default 7)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn (default 1)")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True, help="try torch.compile too")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"), help="file of the record")
    args = parser.parse_args()
    use_all_cores()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if os.getloadavg()[0] > 0.5:
        print("the machine is not idle: PyTorch will look slower than it is", file=sys.stderr)
    settings = [("relu", 20), ("gelu", 20), ("relu", 48), ("relu", 80)]
    write(args.out, [row for activation, context in settings for row in compare(activation, context, args)])


if __name__ == "__main__":
    main()
