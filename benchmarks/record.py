"""Records a benchmark: a CSV beside it, and the same on the terminal."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.engine.provenance import provenance


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes `rows`, each with device, versions, commit and date, to `path` and prints them."""
    whole = [row | provenance() for row in rows]
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(whole[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(whole)
    for row in rows:
        print("  ".join(f"{value}" for value in row.values()))
    print(f"recorded in {path}", file=sys.stderr)
