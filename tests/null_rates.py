"""`python -m tests.null_rates`: how often each criterion calls chance the finding, into paper/results/null_rates.csv.

Columns: claim; scores, the mean scores of a world in which it is false by the least, as the tests' tables take them;
tables, how many of that world were simulated, with three seeds; reproduced, how many of them passed; rate. A claim has
a row for each of its parts that can be false alone. It takes about ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from experiments.files import write_whole
from experiments.judging.chance import PATH
from tests import (
    test_bisect,
    test_claims_boolean,
    test_claims_markov,
    test_claims_markov_algorithms,
    test_claims_markov_more,
    test_claims_rasp,
    test_claims_threshold,
    test_claims_tint,
)
from tests.criteria import SEEDS, passes_by_chance
from tests.tables import threshold_of

TABLES = 1000
_SPREAD = 0.05


def rates() -> Iterator[tuple[str, str, float]]:
    """Every claim with its worlds, in words, and the share of their tables that it calls reproduced."""
    for module in (
        test_claims_markov,
        test_claims_markov_more,
        test_claims_rasp,
        test_claims_boolean,
        test_claims_tint,
    ):
        spread = getattr(module, "SCATTER", _SPREAD)
        for claim, worlds in module.NULLS.items():
            for means in worlds if isinstance(worlds, list) else [worlds]:
                make = module.CASES[claim][0]
                yield claim, _words(means), passes_by_chance(claim, make, means, spread=spread, repeats=TABLES)
    algorithms, means = test_claims_markov_algorithms, (0.6, 0.12)
    rate = passes_by_chance(algorithms.CLAIM.name, algorithms.table_of, means, repeats=TABLES)
    yield algorithms.CLAIM.name, _words(means), rate
    for world in test_claims_threshold.NULLS:
        yield "markov/threshold", world, _threshold(world)
    yield "markov/budget", "thresholds 2.25 octaves apart", _budget()


def _words(means: tuple[float, ...]) -> str:
    return " ".join(f"{mean:g}" for mean in means)


def _threshold(world: str) -> float:
    rng, (fewest, most) = np.random.default_rng(0), test_claims_threshold.NULLS[world]
    around = test_claims_threshold.scores_around
    tables = (threshold_of({10: around(rng, *fewest, SEEDS), 1000: around(rng, *most, SEEDS)}) for _ in range(TABLES))
    return sum(test_claims_threshold.criterion(table).verdict == "reproduced" for table in tables) / TABLES


def _budget() -> float:
    rng, passed = np.random.default_rng(0), 0
    for _ in range(TABLES):
        moved = {n: np.rint(rng.normal(at, 1.0, SEEDS)).astype(int).tolist() for n, at in ((10, 17), (999, 8))}
        passed += test_bisect.CLAIM.criterion(test_bisect.plane(moved)).verdict == "reproduced"
    return passed / TABLES


def main() -> None:
    """The command; see the module's docstring."""
    rows = [(claim, scores, TABLES, round(rate * TABLES), rate) for claim, scores, rate in rates()]
    table = pl.DataFrame(rows, schema=["claim", "scores", "tables", "reproduced", "rate"], orient="row").sort("claim")
    write_whole(PATH, table.write_csv().encode())
    print(f"{PATH}: {len(table)} worlds, at most {table['rate'].max()}")


if __name__ == "__main__":
    main()
