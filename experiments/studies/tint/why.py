"""Where static noise does less harm than dynamic noise (ours, after arXiv:2402.04004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from experiments.judging.axes import Axis, Setting
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.contrasts import Largest, Matched
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing, Own, mean_of
from experiments.judging.grid import Grid
from experiments.studies.tint.family import (
    ANSWER,
    CLEAN,
    DYNAMIC,
    HIDDEN,
    LABEL,
    NOISES,
    STATIC,
    TRIED,
    claim,
    read,
    readable,
    recovery,
    rows,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLED = "sampled_"  # of scores of sampled answers, where those of greedy ones stand beside them
DEPARTURE = Axis(
    "tint/why",
    "departure",
    ("plain", "few"),
    names={
        "plain": "no departure",
        "few": "few examples",
        "sampled": "sampled answers",
        "examples_20000": "20,000 examples",
        **{f"steps_{n}": f"{n:,} steps" for n in (500, 1000, 2500)},
        **{f"digits_{n}": f"{n} digits" for n in (3, 8, 16)},
        "median_1": "medians of 1 digit",
        "multiply_5": "multiply, digits 5",
        **{f"wide_{n}": f"width {n}" for n in (96, 512)},
    },
)
NOISED = replace(NOISES, tried=TRIED | {"hidden_4": {"task.dynamic": 0.04, "task.hidden": 1.0}})
CONTRASTS = Largest(
    DEPARTURE,
    (Matched(ANSWER, STATIC, DYNAMIC, LABEL), Matched(ANSWER, STATIC, HIDDEN, LABEL)),
    ("", ", hidden too"),
)


def with_sampled(table: pl.DataFrame) -> pl.DataFrame:
    """The table as if the answers that were sampled from runs without a departure were those of runs of their own."""
    both = {name.removeprefix(SAMPLED): name for name in table.columns if name.startswith(SAMPLED)}
    if "answer" not in both or DEPARTURE.column not in table.columns:
        return table
    runs = table.filter(pl.col(both["answer"]).is_not_null())["run"].unique().to_list()
    own = table.filter(pl.col("run").is_in(runs)).with_columns(
        pl.lit("sampled").alias(DEPARTURE.column),
        pl.concat_str("run", pl.lit("/sampled")).alias("run"),
        *(pl.col(sampled).alias(name) for name, sampled in both.items() if name in table.columns),
    )
    return pl.concat([table, own])


def _map(grid: Grid) -> list[str]:
    """Returns notes on the map of contrasts, and on those that could not be read."""
    effects = CONTRASTS.map(grid, readable(grid))
    each = "; ".join(f"{name} {effect}" for name, effect in effects.items())
    every = [
        f"{DEPARTURE.format_value(departure)}{name}" for departure in _departures(grid) for name in CONTRASTS.names
    ]
    without = {
        f"{DEPARTURE.format_value(departure)}{CONTRASTS.names[1]}"
        for departure in _departures(grid)
        if not _hidden(grid, departure)
    }
    unread = "; ".join(name for name in every if name not in effects and name not in without)
    notes = [f"The map of contrasts, each with its own interval: {each}."] if each else []
    return notes + ([f"No contrast could be read: {unread}."] if unread else [])


def _departures(grid: Grid) -> list[str]:
    return list(dict.fromkeys(grid.value(DEPARTURE, setting) for setting in grid.settings))


def _hidden(grid: Grid, departure: str) -> list[Setting]:
    return grid.where((DEPARTURE.at(departure), *HIDDEN))


def _bars(panel: Axes, grid: Grid) -> None:
    """Draws right answers after clean, static and dynamic noise, for every departure with a pair of noises."""
    from experiments.judging import figures

    every, read_ = CONTRASTS.all(grid, grid.settings), CONTRASTS.all(grid, readable(grid))
    groups: dict[str, list[Sequence[Setting]]] = {"static": [], "dynamic": [], "clean": []}
    for _, sides in every.values():
        static, dynamic = ([s for _, s in side] for side in (sides.more, sides.less or ()))
        clean = grid.where((CLEAN, DEPARTURE.at(grid.value(DEPARTURE, static[0]))))
        for name, settings in (("static", static), ("dynamic", dynamic), ("clean", clean)):
            groups[name].append(settings)
    series = {}
    for name, lists in groups.items():
        means = [mean_of(grid, ANSWER, settings) for settings in lists]
        series[name] = [mean for mean, _ in means], [seeds for _, seeds in means]
    figures.bars(panel, [name + ("" if name in read_ else " *") for name in every], series)


CLAIM = claim(
    name="tint/why",
    question="Where does dynamic noise harm more than static noise?",
    where="the main comparison; the question is ours",
    ours=True,
    text="There is a setting in which noise in the computation does more harm than noise in the finished text.",
    setting="departure, noise",
    reading=(
        "Every step of a compact trace is printed, so the right digit stays the likeliest one whatever the noise, and "
        "a model that takes the likeliest token should survive both kinds. The study departs from that setting in one "
        "way at a time: few examples, a shorter schedule, more digits, another operation, sampled answers, a wider "
        "model; and in each of these settings dynamic noise meets printed numbers alone, or those that the trace does "
        "not print too, as in the paper's code. All contrasts are the study's map, which is printed and drawn."
    ),
    looked=PILOTS
    + " An earlier run of seeds 1 to 3, in which hidden noise had no static counterpart, was seen before this "
    "criterion was given its present form: hidden noise as a contrast of its own in every departure, and no correction "
    "of the upper bounds.",
    differs="Ours.",
    criterion=Criterion(
        axes=(DEPARTURE, NOISED),
        read=read(),
        bounds=(CONTRASTS.at_least(0.2),),
        whole=True,
        apart=DEPARTURE,
        view=with_sampled,
    ),
    rows=rows(),
    notes=(_map, recovery),
    figure=Drawing(
        (Own(drawn=_bars, xlabel="right answers to clean questions (*: left out)"),),
        legend="noise, at the\nsame label share",
    ),
    facts=(
        Fact("Dynamic noise is destructive at lower levels than static noise.", "the abstract"),
        Fact("The released code also noises hidden state; 20,000 examples; greedy answers.", "the authors' code"),
    ),
)
