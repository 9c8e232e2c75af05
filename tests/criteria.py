"""What must be true of every criterion: chance seldom passes for the finding, and a figure and a table are made."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console

from experiments import studies as claims
from experiments.judging import results
from experiments.printing import show
from tests.tables import EXAMPLES

SEEDS = 3
REPEATS = 100


def passes_by_chance(
    claim: str,
    make: Callable[..., pl.DataFrame],
    means: Sequence[float],
    *,
    spread: float = 0.05,
    repeats: int = REPEATS,
) -> float:
    """Share of simulated tables that `claim` calls reproduced; `make` makes one of scores by seed, for each mean.

    True scores scatter over seeds with a standard deviation of `spread`, and are measured on EXAMPLES examples. Of
    REPEATS tables a criterion that passes 12 % by chance passes 5 % or less with a probability of 0.02 only; of the
    thousand that `python -m tests.null_rates` makes one that passes 7.5 % does so with 0.001.
    """
    rng, passed = np.random.default_rng(0), 0
    for _ in range(repeats):
        seeds = [np.clip(rng.normal(mean, spread, SEEDS), 0, 1) for mean in means]
        scores = [list(rng.binomial(EXAMPLES, true) / EXAMPLES) for true in seeds]
        passed += claims.claim_for(claim).criterion(make(*scores)).verdict == "reproduced"
    return passed / repeats


def assert_drawn_and_printed(claim: str, table: pl.DataFrame, folder: Path) -> None:
    """A table that reproduces `claim` is drawn in both formats, and printed in 80 columns with what a reader needs."""
    found, table = claims.claim_for(claim), results.check(table)
    files = found.figure(table, found.criterion(table), folder / "figure")
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"<?xm"]
    printed = io.StringIO()
    show(found, found.criterion(table), table, Console(file=printed, width=80))
    assert max(map(len, printed.getvalue().splitlines())) <= 80
    words = " ".join(printed.getvalue().split())
    assert all(word in words for word in ("reproduced: ", " seeds", f"{SEEDS} seeds", "jax"))
