"""Checks results tables in memory: one row a run, evaluation step, learner and condition.

The columns between `seed` and `step` are the swept keys, as the study's settings write them. Those between `nll` and
`examples` are the further scores, in 0..1, that some tasks have (of decoded answers). Those after `criterion` are the
typed values of the study's arms, as dotted keys. The learner is `model`, or at a run's end one of the task's baselines
on the same examples. A score that is a curve has at the end also a row for each position. Scores of a run that diverged
may be missing; it counts as a run that scored 0 at its end.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

MODEL = "model"
SCORES = {"exact_match": 1.0, "token_accuracy": 1.0, "nll": float("inf")}  # with the most that each can be
BEFORE = {"study": pl.String, "run": pl.String, "seed": pl.Int64}
PROVENANCE = {"device": pl.String, "versions": pl.String, "commit": pl.String, "date": pl.String}
HASHES = {"settings": pl.String, "criterion": pl.String}  # of the settings and the criterion that a run was recorded by
ROW = ("run", "step", "learner", "condition", "position")  # no two rows are alike in these
_AFTER = {
    "step": pl.Int64,
    "final": pl.Boolean,
    "learner": pl.String,
    "condition": pl.String,
    "position": pl.Int64,
    **dict.fromkeys(SCORES, pl.Float64),
    "examples": pl.Int64,
    "status": pl.String,
    **PROVENANCE,
}
TYPES = BEFORE | _AFTER | HASHES
_MAY_BE_EMPTY = ("position", *SCORES)


class RecordError(ValueError):
    """A results table that is missing, damaged or not the one that a criterion needs; the message is one line."""


def swept(frame: pl.DataFrame) -> list[str]:
    """Returns the keys that the study sweeps: the columns between `seed` and `step`.

    Raises RecordError if a column is missing or out of its place.
    """
    names = frame.columns
    missing = [name for name in (*BEFORE, *_AFTER) if name not in names]
    if missing:
        raise RecordError(f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    start, end = names.index("seed") + 1, names.index("step")
    others = {*further(frame), *arms(frame)}
    after = [name for name in names[max(start, end) :] if name not in others]
    if names[:start] != list(BEFORE) or after not in ([*_AFTER], [*_AFTER, *HASHES]):
        order = ", ".join((*BEFORE, "<swept keys>", *_AFTER))
        raise RecordError(f"has the columns {', '.join(names)} where {order} are wanted")
    return names[start:end]


def further(frame: pl.DataFrame) -> list[str]:
    """Returns the further scores of a results table: its columns between `nll` and `examples`."""
    names = frame.columns
    return names[names.index("nll") + 1 : names.index("examples")]


def arms(frame: pl.DataFrame) -> list[str]:
    """Returns the dotted keys whose values the study's arms set: the columns after `criterion`."""
    names = frame.columns
    return names[names.index("criterion") + 1 :] if "criterion" in names else []


def check(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns `frame` with the columns' types, null for NaN and for hashes that it lacks.

    Raises RecordError for the first fault.
    """
    frame = typed(frame)
    check_runs(frame)
    check_scores(frame)
    return frame


def typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns `frame` with the columns' types, null for NaN and for hashes that it lacks; RecordError if one is wrong.

    Only columns that may lack a value for some row may have empty ones.
    """
    keys, more = swept(frame), dict.fromkeys(further(frame), pl.Float64)
    if frame.is_empty():
        raise RecordError("has no rows")
    if "settings" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in HASHES.items())
    try:
        frame = frame.with_columns(pl.col(name).cast(kind) for name, kind in (TYPES | more).items())
    except pl.exceptions.PolarsError as error:
        raise RecordError(f"has a column of the wrong type: {str(error).splitlines()[0]}") from None
    frame = frame.with_columns(pl.col(name).fill_nan(None) for name in (*SCORES, *more))
    check_filled(frame, [name for name in (*BEFORE, *keys, *_AFTER) if name not in _MAY_BE_EMPTY])
    return frame


def check_filled(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Raises RecordError if one of the named columns has an empty value."""
    for name in names:
        if empty := frame[name].null_count():
            raise RecordError(f"column {name} has {empty} empty value{'s' * (empty > 1)}")


def check_runs(frame: pl.DataFrame) -> None:
    """Raises RecordError for a run's facts that cannot be: two studies, an unknown status, one run in two settings."""
    if frame["study"].n_unique() > 1:
        raise RecordError(f"mixes the studies {', '.join(sorted(frame['study'].unique()))}")
    others = frame.filter(~pl.col("status").is_in(["finished", "diverged"]))["status"]
    if len(others):
        raise RecordError(f"column status has '{others[0]}' where finished or diverged is wanted")
    keys = swept(frame)
    runs = frame.select(*BEFORE, *keys, "status", *PROVENANCE, *HASHES, *arms(frame)).unique()
    for group in (["run"], ["seed", *keys]):
        twice = runs.filter(runs.select(group).is_duplicated()).sort("run")
        if len(twice):
            named = " and ".join(twice["run"].unique(maintain_order=True)[:2])
            what = "mixes two settings" if group == ["run"] else "are of one seed and setting"
            raise RecordError(f"run {named} {what}" if group == ["run"] else f"runs {named} {what}")


def check_scores(frame: pl.DataFrame) -> None:
    """Raises RecordError for scores that cannot be, stand twice, or are missing of a run that finished."""
    if frame["examples"].min() < 1:  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
        raise RecordError("column examples has a number below 1")
    for name in SCORES:
        probable = (pl.col("learner") == MODEL) & pl.col("position").is_null()  # no other row has an nll
        empty = frame.filter(pl.col(name).is_null(), probable if name == "nll" else True, status="finished")
        if len(empty):
            raise RecordError(f"run {empty['run'][0]} finished but has no {name} at step {empty['step'][0]}")
    for name, high in (SCORES | dict.fromkeys(further(frame), 1.0)).items():
        bad = frame.filter(~pl.col(name).is_between(0.0, high) | pl.col(name).is_infinite())[name]
        if len(bad):
            raise RecordError(f"column {name} has {bad[0]:g}, which is out of range")
    twice = frame.filter(frame.select(ROW).is_duplicated())
    if len(twice):
        run, condition, step = twice.select("run", "condition", "step").row(0)
        raise RecordError(f"run {run} has the condition {condition} twice at step {step}")
    last = pl.col("step") == pl.col("step").max().over("run")
    wrong = frame.filter(last != pl.col("final"))
    if len(wrong):
        raise RecordError(f"run {wrong['run'][0]}: `final` must be true on its last evaluation and only there")
    _check_ends(frame, swept(frame))


def _check_ends(frame: pl.DataFrame, keys: Sequence[str]) -> None:
    # Another setting may be another task, with other conditions.
    for _, rows in frame.group_by(keys) if keys else [((), frame)]:
        conditions = set(rows["condition"])
        for (run, status), last_rows in rows.filter("final").group_by("run", "status", maintain_order=True):
            lacking = sorted(conditions - set(last_rows["condition"]))
            if lacking and status == "finished":
                raise RecordError(f"run {run} has no last evaluation of {', '.join(lacking)}")
