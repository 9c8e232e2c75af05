"""The parts share rows that are on disk as soon as they are known, and the size of everything on this device."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from experiments.engine import compose, devices
from experiments.engine.provenance import provenance
from experiments.files import write_whole

PEAKS = {"H100": 989e12, "H200": 989e12}  # FLOP/s of dense bfloat16 products, by NVIDIA's data sheets (SXM)


@dataclass
class Part:
    """A part while it runs: its folder, the seconds it may take, and its rows, those of an earlier try among them."""

    name: str
    folder: Path
    seconds: float
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.done = {row["what"] for row in read_rows(self.folder, self.name)}

    def add(self, what: str, **values: Any) -> None:
        """Writes the row named `what` to disk and to the terminal."""
        row = {"what": what, **values}
        with (self.folder / f"{self.name}.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.done.add(what)
        print(f"{self.name}: {row}", flush=True)


def read_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Returns the rows that a part has written so far."""
    path = folder / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def started() -> Part:
    """Returns the part that this process was started for."""
    parser = argparse.ArgumentParser(description="One part of `python -m benchmarks.gpu`, which starts it.")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=float)
    words = parser.parse_args()
    return Part(words.name, words.folder, words.seconds)


def begin() -> Part:
    """Sets up JAX, writes down what computes, and returns the part that this process was started for."""
    part = started()
    devices.use_all_cores()
    compose.register()
    path = part.folder / "provenance.json"
    if not path.exists():
        write_whole(path, json.dumps(provenance()).encode())
    return part


def toy() -> bool:
    """Returns whether sizes are those of a test: no accelerator is there."""
    return jax.default_backend() == "cpu"


def peak() -> float | None:
    """Returns the FLOP/s of this device's dense bfloat16 products; None where they are not in the table."""
    kind = jax.devices()[0].device_kind
    return next((flops for name, flops in PEAKS.items() if name in kind), None)
