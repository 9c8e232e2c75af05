"""Measures how suddenly learning in context appears in a run, as shares that the judged table has beside its scores."""

from __future__ import annotations

import polars as pl

from experiments.judging.frame import MODEL
from experiments.judging.reached import crossing

LOW, HIGH = 0.3, 0.8  # of the accuracy, between which it rises
SUDDEN, FLAT, BEFORE, AFTER = TIMED = ("sudden", "flat", "head_before", "head_after")
PLATEAU, NEAR, SHOWN = 1 / 8, 0.06, 0.7


def with_timing(table: pl.DataFrame) -> pl.DataFrame:
    """Adds shares to the last row of each run on new classes; a table that has them stays as it is.

    sudden: the steps until the accuracy is LOW, over those until it is HIGH. flat: the share of the evaluations below
    LOW at which it is NEAR one in eight, while SHOWN of the answers or more are labels of the context. head_before,
    head_after: attention to the right label at the last evaluation below LOW, and at the first from HIGH on. All are 0
    for a run that never comes to HIGH, but head_before, which is 1.
    """
    if SUDDEN in table.columns:
        return table
    rows = table.filter(pl.col("position").is_null(), condition="new", learner=MODEL).sort("step")
    timed = []
    for (run,), own in rows.group_by("run"):
        points = list(zip(own["step"].to_list(), own["exact_match"].to_list(), strict=True))
        low, high = crossing([(0, 0.0), *points], LOW), crossing([(0, 0.0), *points], HIGH)
        if low is None or high is None:
            timed.append((run, 0.0, 0.0, 1.0, 0.0))
            continue
        early, late = own.filter(pl.col("step") <= low), own.filter(pl.col("exact_match") >= HIGH)
        near = (pl.col("exact_match") - PLATEAU).abs() <= NEAR
        flat = early.select((near & (pl.col("from_context") >= SHOWN)).mean()).item() or 0.0
        attention = [part["induction"].to_list() for part in (early, late)]
        timed.append((run, low / high, flat, attention[0][-1] if attention[0] else 0.0, attention[1][0]))
    schema = {"run": table.schema["run"], **dict.fromkeys(TIMED, pl.Float64)}
    last = (
        (pl.col("condition") == "new") & (pl.col("learner") == MODEL) & pl.col("position").is_null() & pl.col("final")
    )
    joined = table.join(pl.DataFrame(timed, schema, orient="row"), on="run", how="left", maintain_order="left")
    return joined.with_columns(pl.when(last).then(pl.col(name)).alias(name) for name in TIMED)
