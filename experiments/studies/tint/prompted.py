"""Noise in worked examples (arXiv:2402.04004)."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.frame import RecordError, swept
from experiments.studies.tint import kinds
from experiments.studies.tint.family import (
    ANSWER,
    CHARACTERS,
    DYNAMIC_LEVEL,
    LABEL,
    NOISE,
    NOISES,
    by_pair,
    claim,
    kind,
    read,
    recovery,
    rows,
)
from experiments.studies.tint.static_vs_dynamic import PAIRS

SHOTS = Axis("task.shots", "worked examples", (3,))
CLEAN = NOISE.at("clean").named("clean worked examples")
PAPER = {"characters": "harmful", "dynamic": "worse"}
TRIED = {
    "clean": {"task.characters": 0.0},
    "characters_30": {"task.characters": 0.3},
    "characters_60": {"task.characters": 0.6},
    "dynamic_40": {"task.dynamic": 0.4},
}
LEVELS = replace(NOISES, tried=TRIED)
STATIC = CHARACTERS.at(0.3, 0.6).named("30 and 60 % of the characters redrawn")
DYNAMIC = DYNAMIC_LEVEL.at(0.4).named("40 % dynamic noise")


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
    question="At the same rate, is dynamic noise in worked examples worse than static noise?",
    where="prompting",
    text=(
        "Where the worked examples of a prompt carry a rule in their digits, dynamic noise in them does more harm than "
        "static noise of the same rate does."
    ),
    setting="worked examples",
    reading=(
        "Our small counterpart of few-shot prompting: a model trained on documents of clean worked examples is given "
        "worked examples that are noised, and then a question. Each document writes its digits higher by a number of "
        "its own, modulo 10, which no prompt tells: the digits of the worked examples have to be read. The rule is one "
        "of writing: static noise hides it where it redraws a digit, dynamic noise where it redraws a number. A "
        "setting is a kind and level of noise in the worked examples, and its label share is theirs. Compared are "
        "static noise of 45 % on average and dynamic noise of 40 %, the levels of the paper's prompts that are "
        "nearest."
    ),
    looked=f"{PILOTS} Before, documents were of several operations and no digit mattered; then 90 % of the characters "
    "redrawn did no harm.",
    differs=(
        "A small model trained on such documents, and worked examples in its context, in place of a prompted large "
        "one; a hidden rule of ours."
    ),
    criterion=Criterion(
        axes=(SHOTS, LEVELS),
        read=read(CLEAN),
        bounds=((ANSWER.at(STATIC) - ANSWER.at(DYNAMIC)).at_least(0.1),),
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
