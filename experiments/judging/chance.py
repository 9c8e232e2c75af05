"""Reads the recorded rates at which a criterion passes tables in which its claim is false.

They are in null_rates.csv in the folder of the study's records. Columns: claim; scores, the world: the bound of the
criterion that is false, and the value of its quantity; tables, the number simulated; reproduced, the number that
passed; rate.
"""

from __future__ import annotations

import functools
from pathlib import Path

import polars as pl

from experiments.judging import results
from experiments.judging.results import RecordError

_KINDS = {
    "claim": pl.String,
    "scores": pl.String,
    "tables": pl.Int64,
    "reproduced": pl.Int64,
    "rate": pl.Float64,
}
COLUMNS = [*_KINDS]


def path_for(claim: str) -> Path:
    """Returns where the rates of `claim` are recorded: paper/results/null_rates.csv, or beside another's records."""
    return results.folder_for(claim) / "null_rates.csv"


def false_positives(claim: str) -> str:
    """Formats in a sentence the highest rate at which the criterion of `claim` passes although the claim is false.

    In each of its worlds one bound is false by the least. Without recorded rates of the claim the sentence names the
    command that writes them. Raises RecordError if they cannot be read.
    """
    of_claim = rates_of(claim)
    if of_claim.is_empty():
        return f"How often chance alone passes is not recorded; python -m experiments.null_rates {claim} records it."
    tables = f"{of_claim['tables'].to_numpy().min():,}"
    of_each = f" of each of {len(of_claim)} kinds" if len(of_claim) > 1 else ""
    most = f"{100 * of_claim['rate'].to_numpy().max():.1f} %"
    return f"At most {most} of simulated tables in which the claim is false by the least pass ({tables}{of_each})."


def rates_of(claim: str) -> pl.DataFrame:
    """Returns the recorded rates of `claim`, a row for each world. Raises RecordError where they cannot be read."""
    return rates(path_for(claim)).filter(claim=claim)


def rates(path: Path) -> pl.DataFrame:
    """Returns the rates recorded in `path`, none where there is no such file. RecordError where it cannot be read."""
    return _parsed(path, path.read_bytes()) if path.exists() else pl.DataFrame(schema=_KINDS)


@functools.cache  # by its content, so that a file that changes is read again
def _parsed(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_csv(content, schema_overrides=_KINDS).select(COLUMNS)
    except pl.exceptions.PolarsError as e:
        raise RecordError(f"{path}: no table of false-positive rates that can be read: {str(e).splitlines()[0]}") from e
