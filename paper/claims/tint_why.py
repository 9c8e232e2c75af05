"""Where static noise does less harm than dynamic noise (ours, after arXiv:2402.04004): claim and criterion.

Every step of a compact trace is printed, so the right digit stays the likeliest one whatever the noise, and a model
that takes the likeliest token should survive both kinds. The study departs from that setting in one way at a time:
noise on numbers that are not printed, few examples, more digits, another operation, sampled answers, a wider model.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `paper.claims.tint`; the clean counterpart is the same departure without noise.

- A departure whose clean training has a mean below 0.9 is left out and named, as are noises that are not settled. Not
  fitted: some are below, and no departure is left with a pair of noises.
- The contrast of a departure: right answers under static noise minus under dynamic noise. Of each level of dynamic
  noise the static one of the nearest label share counts, where the two are within 0.1 of one another; averaged over
  these pairs, and paired by seed. Intervals are wider for that there are several departures: among N of them each is of
  level 1 - 0.05 / N (Bonferroni).
- Effect: the contrast with the highest lower bound.
- Reproduced, there is somewhere a contrast: that bound is at least 0.2. Not reproduced, there is none anywhere: all
  upper bounds are below 0.2.
- Inconclusive: anything else; and where no departure is left, there is one seed, a run is missing, or runs ended at
  different steps.

All contrasts are the study's map, which is printed and drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from paper.claims.claim import SIZES, Claim, Fact, Judgement
from paper.claims.judging import Setting, difference
from paper.claims.tint import (
    ARXIV,
    CLEAN,
    NOISE,
    TITLE,
    Measured,
    conclude,
    matched,
    measured,
    rows,
    shared,
    sides,
    sound,
)
from paper.claims.tint_drawing import averaged
from paper.statistics import at_level, confidence

KEYS = ["tint/why", NOISE]
LEAST = 0.2
Pairs = Sequence[tuple[Setting, Setting]]


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/why; RecordError where it is a table of something else."""
    found = measured(table, KEYS)
    left = sound(found)
    pairs = by_departure(found, left.settings)
    with at_level(1 - (1 - confidence()) / max(len(pairs), 1)):
        contrasts = {name: difference(*sides(found, of)) for name, of in pairs.items()}
    effects = {name: effect for name, effect in contrasts.items() if effect}
    best = max(effects, key=lambda name: effects[name].lower, default=None)
    where = "; ".join(f"{_words(name)} {effect}" for name, effect in effects.items())
    judged = conclude(
        found,
        left,
        effects[best] if best else None,
        shared(*sides(found, pairs[best])) if best else 0,
        what=f"The largest of {len(pairs)} contrasts of static and dynamic noise, with {_words(best or '')},",
        rows=rows(found),
        missing="No departure has static and dynamic noise that can be read at the same label share.",
        least=LEAST,
        notes=[f"The map, each interval widened for there being {len(pairs)}: {where}."] if where else [],
    )
    if judged.verdict == "not reproduced" and max(effect.upper for effect in effects.values()) >= LEAST:
        return replace(judged, verdict="inconclusive")
    return judged


def by_departure(found: Measured, settings: Sequence[Setting]) -> dict[str, Pairs]:
    """The matched pairs of noises of every departure that has one, in the order of the table."""
    every = {
        name: matched(found, [s for s in settings if s[0] == name]) for name in dict.fromkeys(s[0] for s in settings)
    }
    return {name: pairs for name, pairs in every.items() if pairs}


def _words(name: str) -> str:
    """A departure in words."""
    known = {
        "plain": "no departure",
        "hidden": "noise on numbers not printed",
        "few": "few examples",
        "sampled": "sampled answers",
    }
    kind, _, number = name.partition("_")
    worded = {"digits": f"{number} digits", "wide": f"width {number}"}.get(kind, name.replace("_", ", digits "))
    return known.get(name, worded)


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw, for every departure with a pair of noises, right answers after clean, static and dynamic noise."""
    from paper import figures

    figure, (panel,) = figures.canvas((1,))
    found = measured(table, KEYS)
    pairs, read = by_departure(found, list(found.answer.scores)), by_departure(found, sound(found).settings)
    columns: dict[str, dict[str, list[Setting]]] = {
        "static": {name: [a for a, _ in of] for name, of in pairs.items()},
        "dynamic": {name: [b for _, b in of] for name, of in pairs.items()},
        "clean": {name: [(name, CLEAN)] for name in pairs},
    }
    series = {}
    for label, of in columns.items():
        groups = [found.answer.where([s for s in some if s in found.answer.scores]) for some in of.values()]
        series[label] = ([averaged(group) for group in groups], [list(g.by_seed().values()) for g in groups])
    figures.bars(panel, [_words(name) + ("" if name in read else "\n(left out)") for name in pairs], series)
    panel.set(xlabel="right answers to clean questions")
    figures.legend_beside(panel, "noise, at the\nsame label share")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="tint/why",
    question="Where does dynamic noise harm more than static noise?",
    title=TITLE,
    arxiv=ARXIV,
    where="the main comparison; the question is ours",
    text="There is a setting in which noise in the computation does more harm than noise in the finished text.",
    setting="departure, noise",
    effect="the largest contrast: right answers, static minus dynamic noise of the same label share",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Dynamic noise is destructive at lower levels than static noise.", "the abstract"),
        Fact("The released code also noises hidden state; 20,000 examples; greedy answers.", "the authors' code"),
    ),
)
