"""Checks results tables in memory: one row a run, evaluation step, learner and condition.

The columns between `seed` and `step` are the swept keys, as the study's settings write them. Those between `position`
and `examples` are the scores: those that every task of classes has, and measures that tasks declare (see `measures`) or
that are shares of decoded answers. After `criterion` stands `measures`, if runs declare any; then come the typed values
of the study's arms, as dotted keys. The learner is `model`, or at a run's end one of the task's baselines on the same
examples. A score that is a curve has at the end also a row for each position. Scores of a run that diverged may be
missing; it counts as a run that got at its end what its measure says, of a share 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from experiments.judging.measures import DECLARED, SHARE, STANDARD, Measure, declared_in

MODEL = "model"
SCORES = tuple(STANDARD)  # of every task of classes
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
    "examples": pl.Int64,
    "status": pl.String,
    **PROVENANCE,
}
TYPES = BEFORE | _AFTER | HASHES


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
    others = {*scores(frame), *arms(frame), DECLARED}
    after = [name for name in names[max(start, end) :] if name not in others]
    if names[:start] != list(BEFORE) or after not in ([*_AFTER], [*_AFTER, *HASHES]) or not scores(frame):
        order = ", ".join((*BEFORE, "<swept keys>", *_AFTER)).replace("position,", "position, <scores>,")
        raise RecordError(f"has the columns {', '.join(names)} where {order} are wanted")
    return names[start:end]


def scores(frame: pl.DataFrame) -> list[str]:
    """Returns the scores of a results table: its columns between `position` and `examples`."""
    names = frame.columns
    return names[names.index("position") + 1 : names.index("examples")]


def further(frame: pl.DataFrame) -> list[str]:
    """Returns the scores of a results table that are not those of every task of classes."""
    return [name for name in scores(frame) if name not in SCORES]


def arms(frame: pl.DataFrame) -> list[str]:
    """Returns the dotted keys whose values the study's arms set: the columns after `criterion` and `measures`."""
    names = frame.columns
    return [name for name in names[names.index("criterion") + 1 :] if name != DECLARED] if "criterion" in names else []


def measures(frame: pl.DataFrame) -> dict[str, Measure]:
    """Returns the measure of every score. Raises RecordError if a run's declarations cannot be read, or disagree."""
    try:
        declared = declared_in(frame)
    except ValueError as error:
        raise RecordError(f"column {DECLARED}: {error}") from None
    if unknown := [name for name in declared if name not in scores(frame)]:
        raise RecordError(f"column {DECLARED} declares {unknown[0]}, which is no score here")
    return {name: declared.get(name, STANDARD.get(name, SHARE)) for name in scores(frame)}


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
    keys, of_scores = swept(frame), dict.fromkeys(scores(frame), pl.Float64)
    of_scores |= {DECLARED: pl.String} if DECLARED in frame.columns else {}
    if frame.is_empty():
        raise RecordError("has no rows")
    if "settings" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in HASHES.items())
    try:
        frame = frame.with_columns(pl.col(name).cast(kind) for name, kind in (TYPES | of_scores).items())
    except pl.exceptions.PolarsError as error:
        raise RecordError(f"has a column of the wrong type: {str(error).splitlines()[0]}") from None
    frame = frame.with_columns(pl.col(name).fill_nan(None) for name in scores(frame))
    check_filled(frame, [name for name in (*BEFORE, *keys, *_AFTER) if name != "position"])
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
    of_scores = measures(frame)
    missing = [name for name in SCORES if name not in of_scores]
    if missing and len(frame.filter(_declared(frame) == "")):
        raise RecordError(f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    for name in of_scores:
        empty = frame.filter(pl.col(name).is_null(), _has(name, frame), status="finished")
        if len(empty):
            raise RecordError(f"run {empty['run'][0]} finished but has no {name} at step {empty['step'][0]}")
    for name, measure in of_scores.items():
        inside = pl.col(name).is_between(measure.low, measure.high) & pl.col(name).is_finite()
        bad = frame.filter(~inside)[name]
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


def _has(name: str, frame: pl.DataFrame) -> pl.Expr:
    """Returns the rows that must have a score: of the model those of its runs' measures, over all positions."""
    declared = _declared(frame)
    of_model = (pl.col("learner") == MODEL) & pl.col("position").is_null()  # other rows have some scores only
    if name not in SCORES:
        return of_model & declared.str.contains(f'"{name}":', literal=True)
    return (declared == "") & (of_model if name == "nll" else pl.lit(True))


def _declared(frame: pl.DataFrame) -> pl.Expr:
    """Returns what the run of each row declares of its measures: empty if those are the scores of classes alone."""
    return pl.col(DECLARED).fill_null("") if DECLARED in frame.columns else pl.lit("")


def _check_ends(frame: pl.DataFrame, keys: Sequence[str]) -> None:
    # Another setting may be another task, with other conditions.
    for _, rows in frame.group_by(keys) if keys else [((), frame)]:
        conditions = set(rows["condition"])
        for (run, status), last_rows in rows.filter("final").group_by("run", "status", maintain_order=True):
            lacking = sorted(conditions - set(last_rows["condition"]))
            if lacking and status == "finished":
                raise RecordError(f"run {run} has no last evaluation of {', '.join(lacking)}")
