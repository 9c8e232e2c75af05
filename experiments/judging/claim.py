"""What a claim is, and what a criterion says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from experiments.judging.statistics import Interval

# What most claims chose by looking.
SIZES = "Sizes were chosen by looking at seed 0, which is not among the seeds reported."

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not fitted"]


@dataclass(frozen=True)
class Row:
    """One setting of the printed table: what the paper says of it beside our scores with their intervals."""

    setting: str
    paper: str
    scores: Mapping[str, Interval]
    seeds: int


@dataclass(frozen=True)
class Judgement:
    """What a criterion says of a results table.

    effect: the claim's effect size with its 95 % interval over seeds, or None where the table cannot give
    one. seeds: how many seeds the effect rests on. sentence: why this verdict. notes: what was measured but
    not judged.
    """

    verdict: Verdict
    effect: Interval | None
    seeds: int
    sentence: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """Something the paper states, in our words, and where it does."""

    text: str
    source: str


@dataclass(frozen=True)
class Claim:
    """A finding of a paper that a study measures anew, with a criterion written before the results.

    name: the study without its scale, as in markov/threshold. question: what is asked, in a short line. setting:
    what the rows of the printed table differ in. effect: what the effect size is, in words. looked: what was chosen
    by looking at results of the cpu scale, and at which. criterion: a pure function of the results table. figure:
    draws a table and its judgement to a path without suffix, and returns the files.
    """

    name: str
    question: str
    title: str
    arxiv: str
    where: str
    text: str
    setting: str
    effect: str
    looked: str
    criterion: Callable[[pl.DataFrame], Judgement]
    figure: Callable[[pl.DataFrame, Judgement, Path], list[Path]]
    facts: tuple[Fact, ...] = field(default=())
