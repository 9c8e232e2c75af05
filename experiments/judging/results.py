"""Recorded results: one CSV a study and scale, one row a run, evaluation step, learner and condition.

The columns between `seed` and `step` are the keys that the study sweeps, as they are spelt in its
configuration; those between `nll` and `examples` are the further scores, in 0..1, that some tasks have (of decoded
answers). The learner is `model`, or at a run's end one of the task's baselines on the same examples. Where the
score is a curve there is at the end also a row for each position. Scores of a run that diverged may be missing; it
counts as a run that scored 0 at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import polars as pl

from experiments.files import write_whole
from experiments.judging.statistics import mean_score

Asked = tuple[str, int | None, str]  # condition, position, score

_BEFORE = {"study": pl.String, "run": pl.String, "seed": pl.Int64}
_AFTER = {
    "step": pl.Int64,
    "final": pl.Boolean,
    "learner": pl.String,
    "condition": pl.String,
    "position": pl.Int64,
    "exact_match": pl.Float64,
    "token_accuracy": pl.Float64,
    "nll": pl.Float64,
    "examples": pl.Int64,
    "status": pl.String,
    "device": pl.String,
    "versions": pl.String,
    "commit": pl.String,
    "date": pl.String,
}
_SCORES = {"exact_match": 1.0, "token_accuracy": 1.0, "nll": float("inf")}
_MAY_BE_EMPTY = ("position", *_SCORES)
_ROW = ("run", "learner", "condition", "position", "step")
MODEL = "model"
RESULTS = Path(__file__).parents[2] / "paper" / "results"
_KINDS = [pl.Int64, pl.Float64, pl.Boolean, pl.String]
_DIGITS = 6
_ASKED: ContextVar[list[Asked] | None] = ContextVar("asked", default=None)


class RecordError(ValueError):
    """A results table that is missing, damaged or not what a criterion needs; the message is one line."""


def path_for(study: str) -> Path:
    """The record of `study`, as paper/results/markov/threshold/cpu.csv; RecordError for a malformed name."""
    if not re.fullmatch(r"[\w-]+/[\w-]+/[\w-]+", study):
        raise RecordError(f"study '{study}' is not of the form <paper>/<claim>/<scale>")
    return RESULTS / f"{study}.csv"


def read(path: str | Path) -> pl.DataFrame:
    """The results table in the file `path`, checked; RecordError names the file and what is wrong with it.

    In paper/results/ it must also be of the study that the path names.
    """
    try:
        text = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except FileNotFoundError:
        raise RecordError(f"{path}: no such record") from None
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise RecordError(f"{path}: not readable as CSV: {str(error).strip().splitlines()[0]}") from None
    try:
        keys = swept(text)
        table = check(text.with_columns(*(_parsed(text[name], name in keys) for name in text.columns)))
        _check_place(table["study"][0], Path(path))
        return table
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def _check_place(study: str, path: Path) -> None:
    """Refuse a table of another study than the one whose record `path` is."""
    if path.is_relative_to(RESULTS) and path != path_for(study):
        raise RecordError(f"is a record of {study}, whose place is {path_for(study)}")


def write(frame: pl.DataFrame, path: str | Path) -> None:
    """Check `frame` and write it, whole or not at all: sorted, six digits, missing scores left empty."""
    frame = check(frame)
    rounded = frame.with_columns(pl.col(pl.Float64).round_sig_figs(_DIGITS))
    rows = rounded.sort(*swept(frame), "seed", "learner", "condition", "position", "step")
    write_whole(path, rows.write_csv(line_terminator="\n").encode())


def swept(frame: pl.DataFrame) -> list[str]:
    """The keys that the study sweeps: the columns between `seed` and `step`; RecordError for others."""
    names = frame.columns
    missing = [name for name in (*_BEFORE, *_AFTER) if name not in names]
    if missing:
        raise RecordError(f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    start, end = names.index("seed") + 1, names.index("step")
    more = further(frame)
    if names[:start] != list(_BEFORE) or [n for n in names[max(start, end) :] if n not in more] != list(_AFTER):
        order = ", ".join((*_BEFORE, "<swept keys>", *_AFTER))
        raise RecordError(f"has the columns {', '.join(names)} where {order} are wanted")
    return names[start:end]


def further(frame: pl.DataFrame) -> list[str]:
    """The further scores that a results table has: its columns between `nll` and `examples`."""
    names = frame.columns
    return names[names.index("nll") + 1 : names.index("examples")]


def check(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns' types, and no NaN but null; RecordError for the first thing that is wrong."""
    keys, more = swept(frame), dict.fromkeys(further(frame), pl.Float64)
    if frame.is_empty():
        raise RecordError("has no rows")
    try:
        frame = frame.with_columns(pl.col(name).cast(kind) for name, kind in (_BEFORE | _AFTER | more).items())
    except pl.exceptions.PolarsError as error:
        raise RecordError(f"has a column of the wrong type: {str(error).splitlines()[0]}") from None
    frame = frame.with_columns(pl.col(name).fill_nan(None) for name in (*_SCORES, *more))
    for name in (*_BEFORE, *keys, *_AFTER):
        if name not in _MAY_BE_EMPTY and frame[name].null_count():
            raise RecordError(f"column {name} has {frame[name].null_count()} empty values")
    if frame["study"].n_unique() > 1:
        raise RecordError(f"mixes the studies {', '.join(sorted(frame['study'].unique()))}")
    others = frame.filter(~pl.col("status").is_in(["finished", "diverged"]))["status"]
    if len(others):
        raise RecordError(f"column status has '{others[0]}' where finished or diverged is wanted")
    if frame["examples"].min() < 1:  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
        raise RecordError("column examples has a number below 1")
    for name in _SCORES:
        probable = (pl.col("learner") == MODEL) & pl.col("position").is_null()  # no other row has an nll
        empty = frame.filter(pl.col(name).is_null(), probable if name == "nll" else True, status="finished")
        if len(empty):
            raise RecordError(f"run {empty['run'][0]} finished but has no {name} at step {empty['step'][0]}")
    for name, high in (_SCORES | dict.fromkeys(more, 1.0)).items():
        bad = frame.filter(~pl.col(name).is_between(0.0, high) | pl.col(name).is_infinite())[name]
        if len(bad):
            raise RecordError(f"column {name} has {bad[0]:g}, which is out of range")
    _check_runs(frame, keys)
    return frame


def _check_runs(frame: pl.DataFrame, keys: list[str]) -> None:
    twice = frame.filter(frame.select(_ROW).is_duplicated())
    if len(twice):
        run, condition, step = twice.select("run", "condition", "step").row(0)
        raise RecordError(f"run {run} has the condition {condition} twice at step {step}")
    runs = frame.select("run", "seed", *keys, "status").unique()
    for group in (["run"], ["seed", *keys]):
        twice = runs.filter(runs.select(group).is_duplicated()).sort("run")
        if len(twice):
            named = " and ".join(twice["run"].unique(maintain_order=True)[:2])
            what = "mixes two settings" if group == ["run"] else "are of one seed and setting"
            raise RecordError(f"run {named} {what}" if group == ["run"] else f"runs {named} {what}")
    last = pl.col("step") == pl.col("step").max().over("run")
    wrong = frame.filter(last != pl.col("final"))
    if len(wrong):
        raise RecordError(f"run {wrong['run'][0]}: `final` must be true on its last evaluation and only there")
    # Another setting may be another task, with other conditions.
    for _, rows in frame.group_by(keys) if keys else [((), frame)]:
        conditions = set(rows["condition"])
        for (run, status), last_rows in rows.filter("final").group_by("run", "status", maintain_order=True):
            lacking = sorted(conditions - set(last_rows["condition"]))
            if lacking and status == "finished":
                raise RecordError(f"run {run} has no last evaluation of {', '.join(lacking)}")


def _parsed(column: pl.Series, is_key: bool) -> pl.Series:
    """A column of text in its own type; that of a swept key is the narrowest that fits all its values."""
    kinds = _KINDS if is_key else [(_BEFORE | _AFTER).get(column.name, pl.Float64)]
    parsed = column
    for kind in kinds:
        if kind == pl.Boolean:
            parsed = column.replace_strict({"true": True, "false": False}, default=None, return_dtype=kind)
        else:
            parsed = column.cast(kind, strict=False)
        if parsed.null_count() == column.null_count():
            return parsed
    wrong = (parsed.is_null() & column.is_not_null()).arg_true()[0]
    wanted = {pl.Int64: "a whole number", pl.Float64: "a number", pl.Boolean: "true or false"}[kinds[-1]]
    raise RecordError(f"line {wrong + 2}: column {column.name} has '{column[wrong]}' where {wanted} is wanted")


def final_scores(
    frame: pl.DataFrame,
    condition: str,
    *,
    learner: str = MODEL,
    position: int | None = None,
    score: str = "exact_match",
) -> pl.DataFrame:
    """Exact match, or another `score`, of every run on `condition` at its end: swept keys, seed, score, examples.

    That of the model or of a baseline, over all positions or (where the score is a curve) at one. Runs whose task lacks
    the condition are left out; a run that diverged scores 0, whatever it scored before. RecordError where none has it.
    """
    if learner == MODEL and (known := _ASKED.get()) is not None and (condition, position, score) not in known:
        known.append((condition, position, score))
    keys = [*swept(frame), "seed"]
    asked = frame.filter(condition=condition, learner=learner)
    if asked.is_empty():
        known = ", ".join(sorted(frame.filter(learner=learner)["condition"].unique()))
        raise RecordError(
            f"the results have no condition {condition} of the {learner}, only {known or 'nothing of it'}"
        )
    at = pl.col("position").is_null() if position is None else pl.col("position") == position
    there = asked.filter(at | (pl.col("status") == "diverged"))["run"].unique()
    if there.is_empty():
        raise RecordError(f"the results have no position {position} of {condition} of the {learner}")
    frame = frame.filter(pl.col("run").is_in(there.implode()))
    if score not in frame.columns:
        raise RecordError(f"the results have no score {score}, only {', '.join((*_SCORES, *further(frame)))}")
    rows = asked.filter(pl.col("final"), at).select("run", score, "examples")
    found = pl.when(pl.col("status") == "diverged").then(0.0).otherwise(pl.col(score))
    return (
        frame.select("run", *keys, "status")
        .unique()
        .join(rows, on="run", how="left")
        .with_columns(found.alias(score), pl.col("examples").fill_null(pl.col("examples").min()))
        .sort(keys)
        .select(*keys, score, "examples")
    )


@contextmanager
def read_by_criterion() -> Iterator[list[Asked]]:
    """Inside, the list gets what `final_scores` is asked for of the model, each once: what a criterion reads."""
    asked: list[Asked] = []
    before = _ASKED.set(asked)
    try:
        yield asked
    finally:
        _ASKED.reset(before)


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
