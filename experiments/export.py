"""`python -m experiments.export`: examples as JSON lines or Parquet, for training with other tools.

python -m experiments.export task=markov count=100000 out=examples.jsonl
python -m experiments.export task=markov task.noop_rate=0.3 split=unseen count=1000 out=test.parquet

One example a row: prompt and answer (text, as preview shows them), inputs, targets and weights (one a position; loss
and score look where the weight is 1) and facts. The file appears when it is whole.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from experiments.engine import devices
from experiments.errors import ConfigError, command
from experiments.examples import batches, compiled, read_words, rows
from experiments.files import check_writable, whole
from synthetic.task import Example, Task

BATCH = 4096
_SINKS = {".jsonl": pl.LazyFrame.sink_ndjson, ".parquet": pl.LazyFrame.sink_parquet}


def main() -> int:
    """Runs the command; see the module's docstring."""
    devices.use_all_cores()
    words = read_words(__doc__ or "", "export", count="1000", out="")
    path = Path(words.own["out"])
    if path.suffix not in _SINKS:
        raise ConfigError(f"out: expected a file that ends in {' or '.join(_SINKS)}, got {words.own['out'] or 'none'}")
    try:
        check_writable(path)
    except OSError as e:
        raise ConfigError(f"out: cannot write {path}: {e.strerror}") from None
    with _written_whole(path) as temporary:
        size = min(BATCH, words.count)
        program = compiled(words.run, words.split, size)
        start = time.perf_counter()
        frames = (frame(words.run.task, batch) for batch in batches(program, words.count, size))
        first = next(frames)

        def source(*_: Any) -> Iterator[pl.DataFrame]:
            yield first
            yield from frames

        _SINKS[path.suffix](register_io_source(source, schema=first.schema), temporary)
        seconds = time.perf_counter() - start
    print(f"wrote {words.count} examples to {path} in {seconds:.1f} s ({words.count / seconds:.0f} examples/s)")
    return 0


def frame(task: Task, batch: Example) -> pl.DataFrame:
    """Returns a batch of examples as a table, one row each."""
    texts = [task.render(example) for example in rows(batch)]
    columns = {
        "prompt": [prompt for prompt, _ in texts],
        "answer": [answer for _, answer in texts],
        "inputs": batch.inputs,
        "targets": batch.targets,
        "weights": np.asarray(batch.weights, np.uint8),
    }
    facts = pl.DataFrame({name: np.asarray(fact) for name, fact in batch.facts.items()})
    return pl.DataFrame(columns).with_columns(facts=facts.to_struct()) if batch.facts else pl.DataFrame(columns)


@contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary file that takes the place of `path` at the end. Raises ConfigError if it cannot be written."""
    try:
        with whole(path) as temporary:
            yield temporary
    except OSError as e:
        why = re.sub(r" \(os error \d+\)$", "", e.strerror or str(e))
        raise ConfigError(f"out: cannot write {path}: {why}") from None
    except pl.exceptions.PolarsError as e:  # such as a full disk while it writes Parquet
        if number := re.search(r"\(os error (\d+)\)", str(e)):
            raise ConfigError(f"out: cannot write {path}: {os.strerror(int(number[1]))}") from None
        raise


if __name__ == "__main__":
    command(main)()
