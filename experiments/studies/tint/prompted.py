"""Noise in worked examples (arXiv:2402.04004): claim and criterion.

Our small counterpart of few-shot prompting: a model trained on documents of clean worked examples of one operation out
of many is given worked examples that are noised, and then a question.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; a setting is a kind and level of noise in the worked examples, and
its label share is that of the worked examples.

- Not fitted: with clean worked examples the mean is below 0.9. Noises that are not settled are left out and named.
- Effect: harm (right answers after clean worked examples minus after noised ones) of dynamic noise minus that of static
  noise, which is right answers under static minus under dynamic noise. Of each level of dynamic noise the static one of
  the nearest label share counts, where the two are within 0.1 of one another; averaged over these pairs, and paired by
  seed.
- Reproduced: the effect's lower bound is at least 0.1. Not reproduced: its upper bound is below 0.1.
- Inconclusive: anything else; and where no pair is left, there is one seed, a run is missing, or runs ended at
  different steps.

Measured but not judged: each pair by itself, and deleted lines.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.results import RecordError
from experiments.studies.tint.common import ARXIV, DYNAMIC, NOISE, NOISED, STATIC, TEST, TITLE, kind
from experiments.studies.tint.contrast import contrast
from experiments.studies.tint.drawing import draw_bars

SHOTS = "task.shots"
KEYS = [SHOTS, NOISE]
LEAST = 0.1
PAPER = {STATIC: "harmful", DYNAMIC: "worse"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/prompted; RecordError where it is a table of something else."""
    return contrast(by_noise(table), KEYS, LEAST, lambda noise: PAPER.get(kind(noise), ""))


def by_noise(table: pl.DataFrame) -> pl.DataFrame:
    """The table as if each condition, such as dynamic/0.2, were a run of its own of the noise dynamic_20."""
    names = {name: _noise(name) for name in table["condition"].unique() if name == "clean" or "/" in name}
    if SHOTS not in table.columns or not names:
        raise RecordError(f"sweeps no {SHOTS}, or has no noised worked examples")
    noise = pl.col("condition").replace_strict(names)
    some = table.filter(pl.col("condition").is_in(list(names))).with_columns(noise.alias(NOISE))
    some = some.with_columns(pl.concat_str("run", NOISE, separator="/").alias("run"))
    both = pl.concat([some.with_columns(pl.lit(name).alias("condition")) for name in (TEST, NOISED)])
    at = table.columns.index(SHOTS) + 1
    return both.select(*table.columns[:at], NOISE, *table.columns[at:])


def _noise(condition: str) -> str:
    """The noise of a condition, as dynamic_20 of dynamic/0.2."""
    name, _, rate = condition.partition("/")
    return f"{name}_{round(100 * float(rate))}" if rate else name


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw right answers after each kind of worked examples beside the share of right answers in these."""
    return draw_bars(by_noise(table), KEYS, judgement, path)


CLAIM = Claim(
    name="tint/prompted",
    question="Is dynamic noise in worked examples worse than static noise?",
    title=TITLE,
    arxiv=ARXIV,
    where="prompting",
    text="Dynamic noise in the worked examples of a prompt does more harm than static noise does.",
    setting="worked examples",
    effect="harm of dynamic minus of static noise in worked examples of the same label share",
    looked=f"{SIZES} At cpu scale seed 100 was looked at too, and operations were changed for shorter ones after a run "
    "of the same seeds, to save time; the criterion stayed.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Prompted models are more sensitive to noise than tuned ones, to static noise too.", "the abstract"),
        Fact("The harm of dynamic noise is worst for complex operations, and for prompting.", "a summary of the paper"),
        Fact(
            "6 worked examples; characters and lines at 0.3, 0.6, 0.9, dynamic noise at 0.2, 0.4.", "the authors' code"
        ),
    ),
)
