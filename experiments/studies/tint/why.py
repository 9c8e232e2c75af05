"""Where static noise does less harm than dynamic noise (ours, after arXiv:2402.04004): claim and criterion.

Every step of a compact trace is printed, so the right digit stays the likeliest one whatever the noise, and a model
that takes the likeliest token should survive both kinds. The study departs from that setting in one way at a time: few
examples, a shorter schedule, more digits, another operation, sampled answers, a wider model; and in each of these
settings dynamic noise meets printed numbers alone, or those that the trace does not print too, as in the paper's code.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; the clean counterpart is the same departure without noise.

- A departure whose clean training has a mean below 0.9 is left out and named, as are noises that are not settled, and
  departures without a pair. Not fitted: some are below, and no departure is left with a pair of noises.
- A contrast, of a departure and a kind of dynamic noise: right answers under static noise minus under dynamic noise. Of
  each level of dynamic noise the static one of the nearest label share counts, where the two are within 0.1, and a
  factor of 2, of one another; averaged over these pairs, and paired by seed.
- Effect: the contrast with the highest lower bound, where of N contrasts each interval is of level 1 - 0.05 / N
  (Bonferroni), since the largest of several is picked.
- Reproduced, there is somewhere a contrast: that bound is at least 0.2.
- Not reproduced, there is none where it could be read: all upper bounds of 95 % intervals are below 0.2. (That all of
  them are wants no correction: were one contrast as large, its own interval would miss it once in 40 times.)
- Inconclusive: anything else; and where no departure is left, there is one seed, a run is missing, or runs of one
  departure ended at different steps.

All contrasts are the study's map, which is printed and drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.criteria import Setting, difference, obstacle
from experiments.judging.statistics import Interval, at_level, confidence
from experiments.studies.tint.common import (
    ARXIV,
    CLEAN,
    DYNAMIC,
    HIDDEN,
    NOISE,
    TITLE,
    Measured,
    conclude,
    kind,
    matched,
    measured,
    rows,
    shared,
    sides,
    sound,
)
from experiments.studies.tint.drawing import averaged

KEYS = ["tint/why", NOISE]
LEAST = 0.2
SAMPLED = "sampled_"  # of scores of sampled answers, where those of greedy ones stand beside them
Pairs = Sequence[tuple[Setting, Setting]]
Contrast = tuple[str, str]  # a departure, and the kind of dynamic noise


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/why; RecordError where it is a table of something else."""
    table = with_sampled(table)
    found = measured(table, KEYS)
    left = sound(found)
    pairs = by_departure(found, left.settings)
    effects = {name: effect for name, of in pairs.items() if (effect := difference(*sides(found, of)))}
    with at_level(1 - (1 - confidence()) / max(len(pairs), 1)):
        wider = {name: difference(*sides(found, pairs[name])) for name in effects}
    best = max(effects, key=lambda name: _lower(wider[name]), default=None)
    where = "; ".join(f"{_words(name)} {effect}" for name, effect in effects.items())
    unread = [name for name in dict.fromkeys(s[0] for s in found.answer.scores) if (name, DYNAMIC) not in effects]
    unread_hidden = [s[0] for s in found.answer.scores if kind(s[1]) == HIDDEN and (s[0], HIDDEN) not in effects]
    lacking = [_words((name, DYNAMIC)) for name in unread] + [_words((name, HIDDEN)) for name in unread_hidden]
    judged = conclude(
        found,
        left,
        wider[best] if best else None,
        shared(*sides(found, pairs[best])) if best else 0,
        what=f"The largest of {len(pairs)} contrasts of static and dynamic noise, {_words(best) if best else ''},",
        rows=rows(found),
        missing="No departure has static and dynamic noise that can be read at the same label share.",
        least=LEAST,
        apart=KEYS[0],
        notes=[
            *([f"The map of contrasts, each with its own 95 % interval: {where}."] if where else []),
            *([f"No contrast could be read: {'; '.join(lacking)}."] if lacking else []),
        ],
    )
    if judged.verdict == "reproduced" or not effects or obstacle(table, found.answer, "{}, {}", apart=KEYS[0]):
        return judged
    none = all(effect.upper < LEAST for effect in effects.values())
    return replace(judged, verdict="not reproduced" if none else "inconclusive")


def with_sampled(table: pl.DataFrame) -> pl.DataFrame:
    """The table as if the answers that were sampled from runs without a departure were those of runs of their own."""
    both = {name.removeprefix(SAMPLED): name for name in table.columns if name.startswith(SAMPLED)}
    if "answer" not in both or KEYS[0] not in table.columns:
        return table
    runs = table.filter(pl.col(both["answer"]).is_not_null())["run"].unique().to_list()
    own = table.filter(pl.col("run").is_in(runs)).with_columns(
        pl.lit("sampled").alias(KEYS[0]),
        pl.concat_str("run", pl.lit("/sampled")).alias("run"),
        *(pl.col(sampled).alias(name) for name, sampled in both.items() if name in table.columns),
    )
    return pl.concat([table, own])


def _lower(effect: Interval | None) -> float:
    return effect.lower if effect else -1.0


def by_departure(found: Measured, settings: Sequence[Setting]) -> dict[Contrast, Pairs]:
    """The matched pairs of noises of every contrast that has one, in the order of the table: (departure, kind)."""
    every = {
        (name, dynamic): matched(found, [s for s in settings if s[0] == name], dynamic=dynamic)
        for name in dict.fromkeys(s[0] for s in settings)
        for dynamic in (DYNAMIC, HIDDEN)
    }
    return {name: pairs for name, pairs in every.items() if pairs}


def _words(contrast: Contrast) -> str:
    """A departure in words, and whether noise met hidden numbers too."""
    name, dynamic = contrast
    known = {"plain": "no departure", "few": "few examples", "sampled": "sampled answers"}
    first, _, number = name.partition("_")
    amount = f"{int(number):,}" if number else ""
    forms = {
        "digits": f"{amount} digits",
        "wide": f"width {number}",
        "steps": f"{amount} steps",
        "examples": f"{amount} examples",
        "median": f"medians of {amount} digit",
    }
    words = known.get(name) or forms.get(first) or name.replace("_", ", digits ")
    return words + (", hidden too" if dynamic == HIDDEN else "")


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw, for every departure with a pair of noises, right answers after clean, static and dynamic noise."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    found = measured(with_sampled(table), KEYS)
    pairs, read = by_departure(found, list(found.answer.scores)), by_departure(found, sound(found).settings)
    columns: dict[str, dict[Contrast, list[Setting]]] = {
        "static": {name: [a for a, _ in of] for name, of in pairs.items()},
        "dynamic": {name: [b for _, b in of] for name, of in pairs.items()},
        "clean": {name: [(name[0], CLEAN)] for name in pairs},
    }
    series = {}
    for label, of in columns.items():
        groups = [found.answer.where([s for s in some if s in found.answer.scores]) for some in of.values()]
        series[label] = ([averaged(group) for group in groups], [list(g.by_seed().values()) for g in groups])
    figures.bars(panel, [_words(name) + ("" if name in read else " *") for name in pairs], series)
    panel.set(xlabel="right answers to clean questions (*: left out)")
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
    looked=SIZES
    + " An earlier run of the same seeds, in which hidden noise had no static counterpart, was seen before this "
    "criterion was given its present form: hidden noise as a contrast of its own in every departure, and no correction "
    "of the upper bounds.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Dynamic noise is destructive at lower levels than static noise.", "the abstract"),
        Fact("The released code also noises hidden state; 20,000 examples; greedy answers.", "the authors' code"),
    ),
)
