"""`python -m experiments.null_rates STUDY | --all`: simulates how often a criterion passes a false claim.

Draws tables from worlds in which the study's claim is false by the least, one for each end of each bound, with the
seeds and looks that its settings declare (at cpu scale, or its first). Seeds scatter in three ways: about one value, by
a standard deviation that the claim states; about one value, by as much as those of the record; and in two camps, of
which the mean tells little. Writes how many tables pass to paper/results/null_rates.csv; the rows of other studies
stay. The rates of a study of another package go to null_rates.csv in the folder of its records. One study takes some
seconds, all of them some minutes.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence

import polars as pl

from experiments import completeness, settings
from experiments.errors import ConfigError, command
from experiments.files import write_whole
from experiments.judging import chance, contract, nulls, results
from experiments.judging.claim import Claim
from experiments.judging.criterion import Criterion
from experiments.judging.results import RecordError
from experiments.modules import check_checkout
from experiments.studies import ClaimError, claim_for, every

TABLES = 1000
SCALES = ("cpu", "gpu", "paper", "smoke")  # in the order in which a study is looked for


def rates(claim: Claim, tables: int = TABLES) -> pl.DataFrame:
    """Returns a row for each world and scatter of a claim: how many of its tables pass.

    A criterion that is a function has none.
    """
    rows = []
    if isinstance(claim.criterion, Criterion):
        study = next(f"{claim.name}/{scale}" for scale in SCALES if f"{claim.name}/{scale}" in settings.studies())
        path, seeds = results.path_for(study), seeds_of(study)
        grid = claim.criterion.grid(results.read(path)) if path.exists() else None
        ways = nulls.scatters(claim, grid)
        number = " then ".join(map(str, itertools.accumulate(seeds)))
        for name, world in contract.worlds(claim.criterion):
            for way, draw in ways.items():
                passed = nulls.false_positives(claim.criterion, world, tables, draw, seeds)
                rows.append((claim.name, name, way, number, tables, passed, passed / tables))
    return pl.DataFrame(rows, schema=chance.KINDS, orient="row")


def seeds_of(study: str) -> tuple[int, ...]:
    """Returns the number of seeds of each look at a study, as its settings declare them."""
    first = len(list(completeness.expand(settings.read_study(study)["sweep"]["seed"])))
    then = len(settings.later_seeds(study))
    return (first, then) if then else (first,)


def record(claims: Sequence[Claim], tables: int = TABLES) -> pl.DataFrame:
    """Writes the rates of `claims`, keeps those of all other studies, and returns the new rows."""
    fresh = {claim.name: rates(claim, tables) for claim in claims}
    known = [claim.name for claim in every() if claim.name not in fresh]
    for path in {chance.path_for(name) for name in fresh}:
        kept = chance.rates(path).filter(pl.col("claim").is_in(known))
        anew = [rows for name, rows in fresh.items() if chance.path_for(name) == path]
        write_whole(path, pl.concat([kept, *anew]).sort("claim", "scores", "scatter").write_csv().encode())
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
    if words.all or results.folder_for(words.study) == results.RESULTS:
        check_checkout("the record")
    try:
        claims = every() if words.all else [claim_for(words.study)]
        for claim in claims:
            for name, world, scatter, seeds, tables, _, rate in record([claim]).iter_rows():
                print(f"{name}: {rate:.1%} of {tables:,} tables pass with {world}; {seeds} seeds: {scatter}")
    except (ClaimError, RecordError) as error:
        raise ConfigError(str(error)) from None
    return 0


if __name__ == "__main__":
    command(main)()
