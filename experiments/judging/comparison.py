"""Compares a fresh run with the record: which of its means lie in the recorded intervals."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from experiments.judging.frame import RecordError, swept
from experiments.judging.measures import measure_of
from experiments.judging.results import Asked, final_scores
from experiments.judging.statistics import mean_score


def compare(fresh: pl.DataFrame, record: pl.DataFrame, scores: Sequence[Asked]) -> pl.DataFrame:
    """Returns fresh means beside the recorded intervals over seeds, a row for each setting and score in `scores`.

    Runs that lack a score, as one at a stop that they never came to, are left out of its mean.

    Columns: the swept keys, condition (with the score or the position if it is another than exact match over all),
    fresh, record, lower, upper, inside, digits (with which they are shown); the last five are null if the record lacks
    them. Raises RecordError if the two sweep different keys.
    """
    keys = swept(fresh)
    if keys != swept(record):
        raise RecordError(f"the record sweeps {', '.join(swept(record))}, the fresh run {', '.join(keys)}")
    conditions = sorted(fresh["condition"].unique())
    # A criterion may know the conditions by other names, as that of tint/prompted does: then all are compared.
    by_name = [one for one in scores if one[0] in conditions]
    by_score = [(condition, None, score) for condition in conditions for score in sorted({one[2] for one in scores})]
    table = []
    for condition, position, score in by_name or by_score:
        measure = measure_of(record, score)
        try:
            recorded = final_scores(record, condition, position=position, score=score).drop_nulls(score)
            old = {
                s: mean_score(rows[score].to_list(), int(rows["examples"].to_numpy().min()), measure=measure)
                for s, rows in recorded.group_by(keys)
            }
        except RecordError:  # which lacks the condition, the position or the score
            old = {}
        name = condition + (f" {score}" if score != "exact_match" else "")
        name += "" if position is None else f" at position {position}"
        now = final_scores(fresh, condition, position=position, score=score).drop_nulls(score)
        for setting, group in now.group_by(keys, maintain_order=True):
            mean = float(group[score].to_numpy().mean())
            interval = old.get(setting)
            known = (interval.estimate, interval.lower, interval.upper) if interval else (None, None, None)
            digits = interval.digits if interval else None
            inside = interval.lower <= mean <= interval.upper if interval else None
            table.append((*setting, name, mean, *known, inside, digits))
    kinds = {key: fresh.schema[key] for key in keys} | {"condition": pl.String}
    numbers = dict.fromkeys(["fresh", "record", "lower", "upper"], pl.Float64)
    schema = kinds | numbers | {"inside": pl.Boolean, "digits": pl.Int64}
    return pl.DataFrame(table, schema=schema, orient="row").sort(*keys, "condition")
