"""Reads the recorded rates at which a criterion passes tables in which its claim is false.

Columns: claim; scores, the world: the bound of the criterion that is false, and the value of its quantity; tables, the
number simulated; reproduced, the number that passed; rate.
"""

from __future__ import annotations

import functools
from pathlib import Path

import polars as pl

from experiments.judging.results import RecordError

COLUMNS = ["claim", "scores", "tables", "reproduced", "rate"]
PATH = Path(__file__).parents[2] / "paper" / "results" / "null_rates.csv"


def false_positives(claim: str) -> str:
    """Formats in a sentence the highest rate at which the criterion of `claim` passes although the claim is false.

    In each of its worlds one bound is false by the least. Raises RecordError if the rates are missing or lack the
    claim; `python -m experiments.null_rates` writes them.
    """
    of_claim = rates().filter(claim=claim)
    if of_claim.is_empty():
        raise RecordError(f"{PATH}: no row of the claim {claim}; python -m experiments.null_rates {claim} writes them")
    tables = f"{of_claim['tables'].to_numpy().min():,}"
    of_each = f" of each of {len(of_claim)} kinds" if len(of_claim) > 1 else ""
    most = f"{100 * of_claim['rate'].to_numpy().max():.1f} %"
    return f"At most {most} of simulated tables in which the claim is false by the least pass ({tables}{of_each})."


@functools.cache
def rates() -> pl.DataFrame:
    """Returns the recorded rates. Raises RecordError if they cannot be read."""
    try:
        return pl.read_csv(PATH).select(COLUMNS)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise RecordError(f"{PATH}: no table of false-positive rates that can be read: {str(e).splitlines()[0]}") from e
