"""`python -m experiments.results FOLDER`: the scores of one's own sweep at its end, as a table and as a file.

    python -m experiments.results runs/single                              every condition, mean and interval over seeds
    python -m experiments.results runs/single task.num_rules=300           of the runs with this value alone
    python -m experiments.results runs/single out=scores.csv               to a file too: .csv or .parquet

FOLDER holds runs, at any depth. Further words: condition=NAME,NAME (by default all), score=NAME (by default
exact_match). A row has the values of the keys that were varied, so that no two settings are averaged. A run that
diverged scores 0.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from experiments.engine.job import Job
from experiments.engine.records import read_end
from experiments.errors import ConfigError, command
from experiments.files import check_writable, write_whole
from experiments.judging.statistics import Interval
from experiments.printing import format_interval
from experiments.streams import console
from experiments.sweeps import Sweep, read_run, read_words

_MANY = 8  # conditions, beyond which a sweep's end shows the headline alone
_FILES = (".csv", ".parquet")


def main() -> int:
    """Runs the command; see the module's docstring."""
    sweep, own = read_words("results", __doc__ or "", "condition=train", "condition", "score", "out")
    conditions, score, out = own["condition"], own["score"], own["out"]
    if out:
        check_out(Path(out))
    table = scores_of(sweep, conditions.split(",") if conditions else sweep.conditions(), score or "exact_match")
    console().print(format_scores(table))
    if sweep.unfinished:
        print(f"left out: {sweep.unfinished} run{'s that have' if sweep.unfinished > 1 else ' that has'} not ended")
    if out:
        write(table, Path(out))
        print(f"table: {out}")
    return 0


def scores_of(sweep: Sweep, conditions: Sequence[str], score: str = "exact_match") -> pl.DataFrame:
    """Returns a row for each setting and condition: the varied keys, condition, score, mean, lower, upper, seeds.

    Raises ConfigError for a condition or score that the runs lack.
    """
    keys, rows = sweep.varied(), []
    means = {name: sweep.means(keys, name, score) for name in conditions}
    seeds = {name: sweep.scores(keys, name, score) for name in conditions}
    for setting in means[conditions[0]]:
        values = dict(zip(keys, map(_plain, setting), strict=True))
        for name in conditions:
            mean = means[name][setting]
            facts = {"condition": name, "score": score, "mean": mean.estimate, "lower": mean.lower, "upper": mean.upper}
            rows.append({**values, **facts, "seeds": len(seeds[name][setting])})
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else str(value)


def _format(value: Any) -> str:
    return f"{value:,}" if type(value) is int else str(value).lower() if isinstance(value, bool) else str(value)


def format_scores(table: pl.DataFrame) -> Table:
    """Formats a table of scores for the terminal, with each setting named once."""
    keys = table.columns[: table.columns.index("condition")]
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for key in keys:
        rows.add_column(key, justify="right", overflow="fold")
    rows.add_column("condition")
    rows.add_column(f"{table['score'][0].replace('_', ' ')} [95 %]", no_wrap=True)
    rows.add_column("seeds", justify="right")
    last: list[Any] = []
    for row in table.iter_rows(named=True):
        setting = [row[key] for key in keys]
        shown = [""] * len(keys) if setting == last else [_format(value) for value in setting]
        last = setting
        interval = format_interval(Interval(row["mean"], row["lower"], row["upper"]))
        rows.add_row(*shown, row["condition"], interval, str(row["seeds"]))
    return rows


def show_sweep(jobs: Sequence[Job], axes: Sequence[str]) -> None:
    """Prints the scores of the jobs of a sweep that have ended. `axes`: the keys that the command gave several values.

    A study's settings are named by the keys that it sweeps, those of other sweeps by every key that differs.
    """
    ends = [(job, read_end(job.folder)) for job in jobs]
    runs = [read_run(job.folder / "config.yaml", end) for job, end in ends if end is not None]
    if all(job.swept and {*axes} <= {*job.swept, "seed"} for job in jobs):
        swept = {job.folder: job.swept for job in jobs}
        runs = [replace(run, config=swept[run.folder]) for run in runs]
    sweep = Sweep(jobs[0].folder.parent, runs, len(jobs) - len(runs))
    names = sweep.conditions() if runs else []
    if len(names) > _MANY:
        names = [name for name in names if name in ("train", sweep.headline())]
    if names:
        console().print(format_scores(scores_of(sweep, names)))


def check_out(path: Path) -> None:
    """Raises ConfigError for a file whose name ends otherwise than in .csv or .parquet, or that cannot be written."""
    if path.suffix not in _FILES:
        raise ConfigError(f"out: expected a file that ends in {' or '.join(_FILES)}, got {path}")
    try:
        check_writable(path)
    except OSError as e:
        raise ConfigError(f"out: cannot write {path}: {e.strerror or e}") from None


def write(table: pl.DataFrame, path: Path) -> None:
    """Writes a table to a .csv or .parquet file, whole or not at all."""
    file = io.BytesIO()
    table.write_csv(file) if path.suffix == ".csv" else table.write_parquet(file)
    write_whole(path, file.getvalue())


if __name__ == "__main__":
    command(main)()
