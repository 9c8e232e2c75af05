"""`python -m experiments.export`: examples as JSON lines, Parquet or a data set, or a model's weights, for other tools.

python -m experiments.export task=markov count=100000 out=examples.jsonl
python -m experiments.export task=markov task.noop_rate=0.3 split=unseen count=1000 out=test.parquet
python -m experiments.export task=markov split=train,unseen count=100000 out=data/markov   # a folder: a data set
python -m experiments.export model=runs/single/markov-0f3a1b2c4d [out=model.safetensors]

One example a row: prompt and answer (text, as preview shows them), inputs, targets and weights (one a position; loss
and score look where the weight is 1) and facts. A data set is a Parquet file for each split, of `count` examples each,
and a card, README.md, by which `datasets.load_dataset` of Hugging Face finds them. Parquet carries the vocabulary, the
configuration and the project's version as metadata; beside examples.jsonl they are in examples.meta.json. Weights are
a safetensors file without the optimiser's state, with the same metadata. Each file appears when it is whole.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from experiments import weights
from experiments.datacard import file_name, format_card, metadata
from experiments.engine import devices
from experiments.errors import ConfigError, command
from experiments.examples import Words, batches, compiled, read_words, rows
from experiments.files import check_writable, write_whole
from experiments.files import whole as whole_file
from synthetic.task import Example, Task

BATCH = 4096
_SUFFIXES = (".jsonl", ".parquet")


def main() -> int:
    """Runs the command; see the module's docstring."""
    devices.use_all_cores()
    if weights.names_a_run(sys.argv[1:]):
        return weights.export(sys.argv[1:])
    words = read_words(__doc__ or "", "export", several=True, count="1000", out="")
    out = words.own["out"]
    path = Path(out)
    is_folder = bool(out) and (path.suffix == "" or out.endswith("/"))
    if path.suffix not in _SUFFIXES and not is_folder:
        raise ConfigError(f"out: expected a folder, or a file that ends in .jsonl or .parquet, got {out or 'none'}")
    if len(words.splits) > 1 and not is_folder:
        raise ConfigError(f"out: expected a folder for {len(words.splits)} splits, a file each, got {out}")
    start = time.perf_counter()
    if is_folder:
        paths = {split: path / "data" / file_name(split) for split in words.splits}
        _check(path / "README.md", *paths.values())
        for split, file in paths.items():
            _write(words, split, file)
        with _writing(path / "README.md"):
            write_whole(path / "README.md", format_card(words, paths).encode())
    else:
        _check(path)
        _write(words, words.splits[0], path)
    seconds, number = time.perf_counter() - start, words.count * len(words.splits)
    print(f"wrote {number} examples to {path} in {seconds:.1f} s ({number / seconds:.0f} examples/s)")
    return 0


def _check(*paths: Path) -> None:
    """Raises ConfigError if one of the files could not be written."""
    for path in paths:
        try:
            check_writable(path)
        except OSError as e:
            raise ConfigError(f"out: cannot write {path}: {e.strerror}") from None


def _write(words: Words, split: str, path: Path) -> None:
    """Writes the examples of a split to a file, and what the file cannot carry itself to another beside it."""
    about = metadata(words, split)
    size = min(BATCH, words.count)
    with _writing(path), whole_file(path) as temporary:
        program = compiled(words.run, split, size)
        frames = (frame(words.run.task, batch) for batch in batches(program, words.count, size))
        first = next(frames)

        def source(*_: Any) -> Iterator[pl.DataFrame]:
            yield first
            yield from frames

        table = register_io_source(source, schema=first.schema)
        if path.suffix == ".parquet":
            plain = {
                f"terrarium.{key}": value if isinstance(value, str) else json.dumps(value)
                for key, value in about.items()
            }
            table.sink_parquet(temporary, metadata=plain)
        else:
            table.sink_ndjson(temporary)
    if path.suffix == ".jsonl":
        with _writing(path):
            write_whole(path.with_suffix(".meta.json"), (json.dumps(about, indent=1) + "\n").encode())


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
def _writing(path: Path) -> Iterator[None]:
    """Raises ConfigError if what is done in its context cannot write the file."""
    try:
        yield
    except OSError as e:
        why = re.sub(r" \(os error \d+\)$", "", e.strerror or str(e))
        raise ConfigError(f"out: cannot write {path}: {why}") from None
    except pl.exceptions.PolarsError as e:  # such as a full disk while it writes Parquet
        if number := re.search(r"\(os error (\d+)\)", str(e)):
            raise ConfigError(f"out: cannot write {path}: {os.strerror(int(number[1]))}") from None
        raise


if __name__ == "__main__":
    command(main)()
