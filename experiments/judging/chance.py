"""Reads the recorded rates at which a criterion passes tables in which its claim is false.

They are in null_rates.csv in the folder of the study's records. Columns: claim; scores, the world: the bound of the
criterion that is false, and the value of its quantity; scatter, how the seeds of a setting scatter; seeds, their
number, as "6" or for two looks "6 then 12"; tables, the number simulated; reproduced, the number that passed; rate.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from experiments.judging import results
from experiments.judging.results import RecordError

KINDS = {
    "claim": pl.String,
    "scores": pl.String,
    "scatter": pl.String,
    "seeds": pl.String,
    "tables": pl.Int64,
    "reproduced": pl.Int64,
    "rate": pl.Float64,
}
_WAYS = {  # words for each kind of scatter, by the beginning of its name
    "one value": "where seeds scatter about one value ({})",
    "as recorded": "where they scatter as recorded ({})",
    "two camps": "where they fall into two camps",
}


def path_for(claim: str) -> Path:
    """Returns where the rates of `claim` are recorded: paper/results/null_rates.csv, or beside another's records."""
    return results.folder_for(claim) / "null_rates.csv"


def false_positives(claim: str) -> str:
    """Formats in a sentence the highest rates at which the criterion of `claim` passes although the claim is false.

    In each of its worlds one bound is false by the least; each way in which seeds may scatter has a rate of its own.
    Without recorded rates of the claim the sentence names the command that writes them. Raises RecordError if they
    cannot be read.
    """
    of_claim = rates_of(claim)
    if of_claim.is_empty():
        return f"How often chance alone passes is not recorded; python -m experiments.null_rates {claim} records it."
    tables, worlds = f"{of_claim['tables'].to_numpy().min():,}", of_claim["scores"].n_unique()
    of_each = f" of each of {worlds} kinds" if worlds > 1 else ""
    parts = []
    for kind, words in _WAYS.items():
        rows = of_claim.filter(pl.col("scatter").str.starts_with(kind))
        if len(rows):
            detail = rows["scatter"][0].removeprefix(f"{kind}, ")
            parts.append(f"{100 * rows['rate'].to_numpy().max():.1f} % {words.format(detail)}")
    rates = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return (
        f"Of simulated tables in which the claim is false by the least at most this many pass: {rates} "
        f"({of_claim['seeds'][0]} seeds; {tables} tables{of_each})."
    )


def format_all(claims: Sequence[str]) -> str:
    """Formats in a sentence the rates of all `claims`: for each kind of scatter the median and the highest."""
    recorded = [rates_of(claim) for claim in claims]
    whole = pl.concat([rows for rows in recorded if len(rows)] or [pl.DataFrame(schema=KINDS)])
    parts = []
    for kind, words in _WAYS.items():
        rows = whole.filter(pl.col("scatter").str.starts_with(kind))
        if len(rows):
            most = rows.group_by("claim").agg(pl.col("rate").max())["rate"].to_numpy()
            middle = float(sorted(most)[len(most) // 2])
            parts.append(f"{100 * middle:.1f} % (at most {100 * most.max():.1f} %) {words.removesuffix(' ({})')}")
    if not parts:
        return "How often chance alone passes is not recorded."
    return (
        f"Of simulated tables in which its claim is false by the least the median criterion passes {', '.join(parts)}."
    )


def rates_of(claim: str) -> pl.DataFrame:
    """Returns the recorded rates of `claim`, a row for each world and scatter. RecordError where they are no rates."""
    return rates(path_for(claim)).filter(claim=claim)


def rates(path: Path) -> pl.DataFrame:
    """Returns the rates recorded in `path`, none where there is no such file. RecordError where it cannot be read."""
    return _parsed(path, path.read_bytes()) if path.exists() else pl.DataFrame(schema=KINDS)


@functools.cache  # by its content, so that a file that changes is read again
def _parsed(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_csv(content, schema_overrides=KINDS).select([*KINDS])
    except pl.exceptions.PolarsError as e:
        raise RecordError(f"{path}: no table of false-positive rates that can be read: {str(e).splitlines()[0]}") from e
