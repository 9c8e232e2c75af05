"""Judges all claims from their records, and computes the cost of testing many of them.

A criterion gives "reproduced" if a bound of an interval (of 95 %, see `looks`) is beyond a threshold that was fixed
beforehand. Its p value comes from judging with intervals of other levels: it is (1 - L) / 2 for the highest level L
that still gives "reproduced", or for a study that may be looked at twice the error of both looks at that level. Holm's
method (Scandinavian Journal of Statistics 6, 1979) multiplies the ordered p values by the number of claims not yet
rejected. It is used within each paper: the chance that any false claim of one paper passes is then at most ALPHA,
however its claims depend on one another, if seeds scatter about one value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from experiments import completeness
from experiments.judging import looks, results
from experiments.judging.claim import Claim, Judgement
from experiments.judging.looks import format_levels
from experiments.judging.results import RecordError, path_for
from experiments.studies import every

ALPHA = 0.025  # one side of a 95 % interval
MARK = "*"  # after a verdict that rests on seeds in two camps
_HIGHEST = 1 - 1e-6
_ROUNDS = 8


@dataclass(frozen=True)
class Entry:
    """A claim at one scale with its record and judgement, or None for both if it was not run.

    p: the one-sided p value of "reproduced"; adjusted: after Holm, over all claims of its paper recorded at the scale.
    """

    claim: Claim
    scale: str
    table: pl.DataFrame | None = None
    judgement: Judgement | None = None
    p: float | None = None
    adjusted: float | None = None

    @property
    def study(self) -> str:
        """Returns the study's name with its scale, as markov/threshold/cpu."""
        return f"{self.claim.name}/{self.scale}"

    @property
    def verdict(self) -> str:
        """Returns the verdict, or "not run"."""
        return self.judgement.verdict if self.judgement else "not run"


def entries(scale: str, claims: Sequence[Claim] | None = None) -> list[Entry]:
    """Returns `claims`, by default all, judged from their records at `scale` where there are any.

    Raises RecordError for a damaged record.
    """
    claims = every() if claims is None else claims
    paths = [(claim, path_for(f"{claim.name}/{scale}")) for claim in claims]
    return judged({claim.name: read(claim, path) for claim, path in paths if path.exists()}, scale, claims)


def among(entries: Sequence[Entry], claims: Sequence[Claim]) -> list[Entry]:
    """Returns the entries of `claims` alone, with p values adjusted for how many these are."""
    names = {claim.name for claim in claims}
    own = [entry for entry in entries if entry.claim.name in names]
    adjusted = within_papers({entry.claim.name: entry.p for entry in own if entry.p is not None})
    return [replace(entry, adjusted=adjusted.get(entry.claim.name)) for entry in own]


def read(claim: Claim, path: Path) -> tuple[pl.DataFrame, Judgement]:
    """Returns the record in `path` and its claim's judgement of it. Raises RecordError, which names the file."""
    table = results.read(path)
    try:
        judgement = claim.judge(table, looks.level_for(table["study"][0]))
        completeness.check(table["study"][0], table)
        return table, judgement
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def judged(
    records: Mapping[str, tuple[pl.DataFrame, Judgement]], scale: str, claims: Sequence[Claim] | None = None
) -> list[Entry]:
    """Returns an entry for each of `claims`, by default all.

    records: table and judgement at `scale`, by the claim's name.
    """
    claims = every() if claims is None else claims
    p = {claim.name: p_value(claim, records[claim.name][0]) for claim in claims if claim.name in records}
    adjusted = within_papers(p)
    return [
        Entry(claim, scale, *records[claim.name], p[claim.name], adjusted[claim.name])
        if claim.name in records
        else Entry(claim, scale)
        for claim in claims
    ]


def p_value(claim: Claim, table: pl.DataFrame) -> float:
    """Returns the one-sided p value of "reproduced", to a few per cent of itself; 1 if no level gives that verdict.

    Where the study may be looked at twice it is that of both looks.
    """
    grid = claim.criterion.grid(table)

    def passes(tail: float) -> bool:
        return claim.criterion.judge(grid.at(1 - 2 * tail)).verdict == "reproduced"

    low, high = (1 - _HIGHEST) / 2, 0.5 * _HIGHEST
    if passes(low):
        high = low
    elif not passes(high):
        return 1.0
    for _ in range(_ROUNDS if low < high else 0):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if passes(middle) else (middle, high)
    return looks.overall(high, table["study"][0])


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Returns Holm's adjusted p values, by name."""
    adjusted, least = {}, 0.0
    for rank, (name, p) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (len(values) - rank) * p))
        adjusted[name] = least
    return adjusted


def within_papers(values: Mapping[str, float]) -> dict[str, float]:
    """Returns Holm's adjusted p values by name, adjusted apart for each paper: for each family of studies."""
    families: dict[str, dict[str, float]] = {}
    for name, p in values.items():
        families.setdefault(name.partition("/")[0], {})[name] = p
    return {name: adjusted for family in families.values() for name, adjusted in holm(family).items()}


def _format_chance(entries: Sequence[Entry]) -> str:
    """Formats how many claims would pass by chance alone, and how many are left after Holm's correction."""
    ran = [entry for entry in entries if entry.adjusted is not None]
    passed = [entry for entry in ran if entry.verdict == "reproduced"]
    left = [entry for entry in passed if entry.adjusted is not None and entry.adjusted <= ALPHA]
    camps = [entry for entry in passed if entry.judgement and entry.judgement.camps]
    were, are = ("was" if len(passed) == 1 else "were"), ("rests" if len(camps) == 1 else "rest")
    return (
        f"{len(passed)} of them {were} reproduced, {len(left)} also after Holm's correction within each paper (at "
        f"{ALPHA:g}, one side). If all were false and the seeds of each setting scattered about one value, about "
        f"{ALPHA * len(ran):.1f} would be expected to pass; where seeds fall into two camps more do, and "
        f"{len(camps) or 'none'} of those reproduced {are} on such seeds"
    )


def format_marked(entries: Sequence[Entry]) -> str:
    """Formats what MARK after a verdict means; empty if no entry has it."""
    if not any(entry.judgement and entry.judgement.camps for entry in entries):
        return ""
    return f"{MARK} rests on seeds in two camps, for which no interval of a mean holds"


def format_tested(entries: Sequence[Entry]) -> str:
    """Formats in a sentence how many claims were tested at the scale of `entries`, and how many pass by chance."""
    ran, scale = sum(entry.judgement is not None for entry in entries), entries[0].scale
    if not ran:
        return f"Nothing was run at scale {scale}."
    passed, levels = _format_chance(entries), format_levels([one.judgement for one in entries if one.judgement])
    tested = f"{ran} claim{'s' * (ran != 1)} tested at scale {scale}, of {len(entries)} there are: {passed}."
    return f"{tested} {levels}".rstrip()
