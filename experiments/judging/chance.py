"""How often a criterion takes chance for the finding, from simulated tables in which the claim is false."""

from __future__ import annotations

import functools
from pathlib import Path

import polars as pl

from experiments.judging.results import RecordError

PATH = Path(__file__).parents[2] / "paper" / "results" / "null_rates.csv"


def false_positives(claim: str) -> str:
    """In a sentence: the highest rate at which the criterion of `claim` passes where the claim is false by the least.

    The worlds, one for each part of a claim that can be false alone, are those of `python -m tests.null_rates`, which
    writes the rates down. Raises RecordError where they are missing or lack the claim.
    """
    of_claim = _rates().filter(claim=claim)
    if of_claim.is_empty():
        raise RecordError(f"{PATH}: no row of the claim {claim}; python -m tests.null_rates writes all")
    tables = f"{of_claim['tables'].to_numpy().min():,}"
    of_each = f" of each of {len(of_claim)} kinds" if len(of_claim) > 1 else ""
    most = f"{100 * of_claim['rate'].to_numpy().max():.1f} %"
    return f"At most {most} of simulated tables in which the claim is false by the least pass ({tables}{of_each})."


@functools.cache
def _rates() -> pl.DataFrame:
    try:
        return pl.read_csv(PATH).select("claim", "tables", "rate")
    except (OSError, pl.exceptions.PolarsError) as e:
        raise RecordError(f"{PATH}: no table of false-positive rates that can be read: {str(e).splitlines()[0]}") from e
