"""`python -m experiments.null_rates STUDY | --all`: simulates how often a criterion passes a false claim.

Draws tables of three seeds from worlds in which the study's claim is false by the least, one for each end of each
bound. Writes how many of them pass to paper/results/null_rates.csv; the rows of other studies stay. The rates of a
study of another package go to null_rates.csv in the folder of its records. One study takes some seconds, all of them
some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import polars as pl

from experiments.errors import ConfigError, command
from experiments.files import write_whole
from experiments.judging import chance, contract
from experiments.judging.claim import Claim
from experiments.judging.criterion import Criterion
from experiments.studies import ClaimError, claim_for, every

TABLES = 1000


def rates(claim: Claim, tables: int = TABLES) -> pl.DataFrame:
    """Returns a row for each world of a claim: how many of its tables pass. A criterion that is a function has none."""
    rows = []
    if isinstance(claim.criterion, Criterion):
        for name, world in contract.worlds(claim.criterion):
            passed = contract.false_positives(claim.criterion, world, tables, claim.scatter)
            rows.append((claim.name, name, tables, passed, passed / tables))
    return pl.DataFrame(rows, schema=chance.COLUMNS, orient="row")


def record(claims: Sequence[Claim], tables: int = TABLES) -> pl.DataFrame:
    """Writes the rates of `claims`, keeps those of all other studies, and returns the new rows."""
    fresh = {claim.name: rates(claim, tables) for claim in claims}
    known = [claim.name for claim in every() if claim.name not in fresh]
    for path in {chance.path_for(name) for name in fresh}:
        kept = chance.rates(path).filter(pl.col("claim").is_in(known))
        anew = [rows for name, rows in fresh.items() if chance.path_for(name) == path]
        write_whole(path, pl.concat([kept, *anew]).sort("claim", "scores").write_csv().encode())
    return pl.concat(fresh.values())


def main() -> int:
    """Runs the command; see the module's docstring."""
    description = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m experiments.null_rates", description=description)
    parser.add_argument("study", nargs="?", metavar="STUDY", help="as markov/threshold")
    parser.add_argument("--all", action="store_true", help="all studies in place of one")
    words = parser.parse_args()
    if words.all == bool(words.study):
        raise ConfigError("STUDY: name one study, as markov/threshold, or ask for --all")
    try:
        claims = every() if words.all else [claim_for(words.study)]
    except ClaimError as error:
        raise ConfigError(str(error)) from None
    for name, world, tables, _, rate in record(claims).iter_rows():
        print(f"{name}: {rate:.1%} of {tables:,} tables pass with {world}")
    return 0


if __name__ == "__main__":
    command(main)()
