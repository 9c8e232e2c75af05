"""Measures the examples a second that the tasks of traces, hints, recursion and composition sample, at CPU lengths.

    python -m benchmarks.traces

Batches are made as in `benchmarks.markov`. Aim: 100,000 examples a second on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.markov import rate_of
from benchmarks.record import write
from experiments.engine import devices
from experiments.errors import check_no_words
from synthetic import Task
from synthetic.composition import Scan
from synthetic.cot import EditDistance, Equations, Expressions, Lis
from synthetic.hints import HintedIncrement, HintedSort
from synthetic.recursion import Successor, Traversal

TASKS: Mapping[str, Task] = {
    "expressions": Expressions(),
    "expressions, direct": Expressions(answer_as="direct"),
    "expressions, leftmost": Expressions(order="leftmost"),
    "equations": Equations(),
    "lis": Lis(),
    "edit distance": EditDistance(),
    "hinted sort": HintedSort(max_length=30, train_length=10, packing=False),
    "hinted increment": HintedIncrement(max_length=30, train_length=10, packing=False),
    "successor": Successor(max_length=20),
    "traversal": Traversal(),
    "traversal, steps": Traversal(max_nodes=5, train_nodes=5, answer_as="steps"),
    "traversal, one step": Traversal(max_nodes=5, train_nodes=5, answer_as="step"),
    "scan": Scan(),
    "scan, full": Scan(grammar="full"),
}


def main() -> None:
    """Measures every task and records it."""
    check_no_words("benchmarks.traces", __doc__)
    devices.use_all_cores()
    rows = [{"measure": f"{name}: examples/s", "value": round(rate_of(task))} for name, task in TASKS.items()]
    write(Path(__file__).with_suffix(".csv"), rows)


if __name__ == "__main__":
    sys.exit(main())
