"""A fresh run beside the record: which of its means lie in the recorded intervals."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from experiments.judging.frame import RecordError, swept
from experiments.judging.results import Asked, final_scores
from experiments.judging.statistics import mean_score


def compare(fresh: pl.DataFrame, record: pl.DataFrame, asked: Sequence[Asked]) -> pl.DataFrame:
    """Fresh means beside the recorded intervals over seeds, a row for each setting and score that was `asked` for.

    Columns: the swept keys, condition (with the score or the position where it is another than exact match over all),
    fresh, record, lower, upper, inside; the last four are null for what the record lacks. RecordError where the two
    sweep different keys.
    """
    keys = swept(fresh)
    if keys != swept(record):
        raise RecordError(f"the record sweeps {', '.join(swept(record))}, the fresh run {', '.join(keys)}")
    there = sorted(fresh["condition"].unique())
    # A criterion may know the conditions by other names, as that of tint/prompted does: then all are compared.
    by_name = [one for one in asked if one[0] in there]
    by_score = [(condition, None, score) for condition in there for score in sorted({one[2] for one in asked})]
    rows = []
    for condition, position, score in by_name or by_score:
        try:
            recorded = final_scores(record, condition, position=position, score=score).group_by(keys)
            old = {s: mean_score(of[score].to_list(), int(of["examples"].to_numpy().min())) for s, of in recorded}
        except RecordError:  # which lacks the condition, the position or the score
            old = {}
        name = condition + (f" {score}" if score != "exact_match" else "")
        name += "" if position is None else f" at position {position}"
        now = final_scores(fresh, condition, position=position, score=score)
        for setting, group in now.group_by(keys, maintain_order=True):
            mean = float(group[score].to_numpy().mean())
            found = old.get(setting)
            known = (found.estimate, found.lower, found.upper) if found else (None, None, None)
            inside = found.lower <= mean <= found.upper if found else None
            rows.append((*setting, name, mean, *known, inside))
    kinds = {key: fresh.schema[key] for key in keys} | {"condition": pl.String}
    numbers = dict.fromkeys(["fresh", "record", "lower", "upper"], pl.Float64)
    schema = kinds | numbers | {"inside": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(*keys, "condition")
