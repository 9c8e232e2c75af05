"""Decides how often a study is looked at, and at which level each look judges.

A study with plain seeds is looked at once, at the level of 95 %. A study whose settings declare a second look (see
`experiments.settings`) is looked at after its first seeds, and once more with further ones where the first look is
undecided. To stop at the first look that decides would pass more false claims than one look does (4.5 % a side if both
were at 95 %), so each look has the one-sided level TAIL: that of six seeds, then twelve, with which both together pass
2.5 % (Pocock, Biometrika 64, 1977, for normal scores; here by simulation for Student's t, which a test repeats).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from experiments import settings
from experiments.errors import ConfigError
from experiments.judging.claim import Judgement
from experiments.judging.frame import RecordError
from experiments.judging.statistics import LEVEL

ALPHA = (1 - LEVEL) / 2  # the one-sided error of all looks together
TAIL = 0.0139  # that of each of two looks


def level_for(study: str) -> float:
    """Returns the level of confidence at which each look at a study judges. Raises RecordError without settings."""
    try:
        return 1 - 2 * TAIL if settings.later_seeds(study) else LEVEL
    except ConfigError as error:
        raise RecordError(str(error)) from None


def format_levels(judgements: Sequence[Judgement]) -> str:
    """Formats in a sentence the levels of the intervals of effects; empty if all are of the usual level."""
    if all(judgement.level == LEVEL for judgement in judgements):
        return ""
    return (
        f"Intervals of effects are of {LEVEL:.0%}, and of {1 - 2 * TAIL:.1%} where a study may be looked at twice, so "
        f"that both looks together pass {ALPHA:.1%} of false claims on either side."
    )


def format_look(table: pl.DataFrame) -> str:
    """Formats which of two looks a results table is; empty for a study with one look. RecordError without settings."""
    study = table["study"][0]
    if level_for(study) == LEVEL:
        return ""
    second = {*settings.later_seeds(study)} & {*table["seed"]}
    return (
        f"the {'second' if second else 'first'} of two looks at most, each with an interval of {level_for(study):.2%}, "
        f"which together pass {ALPHA:.1%} of false claims"
    )


def is_undecided(judgement: Judgement) -> bool:
    """Returns whether further seeds can decide a judgement: nothing else bars a verdict, and seeds are of one camp.

    A mean over two camps of seeds moves with the share of each, of which a few more seeds say little.
    """
    return judgement.verdict == "inconclusive" and not judgement.cause and not judgement.camps


def overall(tail: float, study: str) -> float:
    """Returns the one-sided error of all looks at a study if each has the one-sided level `tail`.

    For two looks it is an upper bound: twice the level, or ALPHA where the level is at most TAIL, whichever is less.
    """
    if level_for(study) == LEVEL:
        return tail
    return min(1.0, 2 * tail, max(ALPHA, tail * ALPHA / TAIL))
