"""Noise in worked examples (arXiv:2402.04004)."""

from __future__ import annotations

import polars as pl

from experiments.judging.axes import Axis
from experiments.judging.claim import SIZES, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.frame import RecordError, swept
from experiments.studies.tint import kinds
from experiments.studies.tint.family import ANSWER, LABEL, NOISE, NOISES, by_pair, claim, kind, read, recovery, rows
from experiments.studies.tint.static_vs_dynamic import PAIRS

SHOTS = Axis("task.shots", "worked examples", (3,))
CLEAN = NOISE.at("clean").named("clean worked examples")
PAPER = {"characters": "harmful", "dynamic": "worse"}


def by_noise(table: pl.DataFrame) -> pl.DataFrame:
    """The table as if each condition, such as dynamic/0.2, were a run of its own with this noise."""
    if NOISE.column in swept(table):
        return table
    names = [name for name in table["condition"].unique().sort() if name == "clean" or "/" in name]
    if SHOTS.column not in table.columns or not names:
        raise RecordError(f"sweeps no {SHOTS.column}, or has no noised worked examples")
    at = table.columns.index(SHOTS.column) + 1
    parts = []
    for name in names:
        noise, _, rate = name.partition("/")
        some = table.filter(condition=name).with_columns(
            pl.concat_str("run", pl.lit(f"/{name}")).alias("run"),
            pl.lit(f"{noise}_{round(100 * float(rate))}" if rate else noise).alias(NOISE.column),
            *(pl.lit(float(rate) if f"task.{noise}" == column else 0.0).alias(column) for column in NOISES.typed[1:]),
        )
        columns = [*table.columns[:at], NOISE.column, *table.columns[at:], *NOISES.typed[1:]]
        parts += [some.with_columns(condition=pl.lit(of)).select(columns) for of in (ANSWER.condition, LABEL.condition)]
    return pl.concat(parts)


CLAIM = claim(
    name="tint/prompted",
    question="Is dynamic noise in worked examples worse than static noise?",
    where="prompting",
    text="Dynamic noise in the worked examples of a prompt does more harm than static noise does.",
    setting="worked examples",
    reading=(
        "Our small counterpart of few-shot prompting: a model trained on documents of clean worked examples of one "
        "operation out of many is given worked examples that are noised, and then a question. A setting is a kind and "
        "level of noise in the worked examples, and its label share is theirs."
    ),
    looked=f"{SIZES} At cpu scale seed 100 was looked at too, and operations were changed for shorter ones after a run "
    "of the same seeds, to save time; the criterion stayed.",
    differs=(
        "A small model trained on several operations, and worked examples in its context, in place of a "
        "prompted large one."
    ),
    criterion=Criterion(
        axes=(SHOTS, NOISES),
        read=read(CLEAN),
        bounds=(PAIRS.at_least(0.1),),
        whole=True,
        view=by_noise,
    ),
    rows=rows(lambda shots, noise: PAPER.get(kind(*noise)[0], "")),
    notes=(by_pair(PAIRS), recovery),
    figure=kinds.bars(),
    facts=(
        Fact("Prompted models are more sensitive to noise than tuned ones, to static noise too.", "the abstract"),
        Fact("The harm of dynamic noise is worst for complex operations, and for prompting.", "a summary of the paper"),
        Fact(
            "6 worked examples; characters and lines at 0.3, 0.6, 0.9, dynamic noise at 0.2, 0.4.", "the authors' code"
        ),
    ),
)
