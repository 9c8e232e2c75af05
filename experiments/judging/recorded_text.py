"""The cells of a record's two CSVs, from text to a table of typed columns (see `results`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from experiments.judging.frame import (
    BEFORE,
    HASHES,
    PROVENANCE,
    ROW,
    TYPES,
    RecordError,
    arms,
    check_filled,
    scores,
    typed,
)
from experiments.judging.measures import DECLARED

END = "last_step"
FACTS = ("status", *PROVENANCE, *HASHES)
_COLUMNS = (*ROW, "examples")  # of the scores, which stand before the last
_TYPES = TYPES | {END: pl.Int64, DECLARED: pl.String}
TWICE = {"exact_match", "token_accuracy"}  # at one position they are the same
_KINDS = [pl.Int64, pl.Float64, pl.Boolean, pl.String]


def read_text(path: Path) -> pl.DataFrame:
    """Returns the cells of the CSV file `path` as text; RecordError if there are none."""
    try:
        text = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except FileNotFoundError:
        raise RecordError("no such record") from None
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise RecordError(f"not readable as CSV: {str(error).strip().splitlines()[0]}") from None
    if text.is_empty():
        raise RecordError("has no rows")
    return text


def parse_scores(text: pl.DataFrame) -> pl.DataFrame:
    """Returns the scores of a record in their types; RecordError for other columns than they must have."""
    _has(text.columns, _COLUMNS)
    if text.columns != [*ROW, *scores(text), "examples"] or not scores(text):
        wanted = ", ".join((*ROW, "<scores>", "examples"))
        raise RecordError(f"has the columns {', '.join(text.columns)} where {wanted} are wanted")
    return _parsed(text)


def parse_runs(text: pl.DataFrame) -> pl.DataFrame:
    """Returns the runs of a record in their types; RecordError for other columns and for a run that is there twice."""
    names = text.columns
    _has(names, (*BEFORE, END, *FACTS))
    keys, values = names[len(BEFORE) : names.index(END)], arms(text)
    declared = [DECLARED] if DECLARED in names else []
    if names != [*BEFORE, *keys, END, *FACTS, *declared, *values]:
        order = ", ".join((*BEFORE, "<swept keys>", END, *FACTS, "<values of arms>"))
        raise RecordError(f"has the columns {', '.join(names)} where {order} are wanted")
    runs = _parsed(text, (*keys, *values))
    check_filled(runs, (*BEFORE, *keys, END, "status", *PROVENANCE))
    if len(twice := runs.filter(runs["run"].is_duplicated())):
        raise RecordError(f"run {twice['run'][0]} stands there twice")
    return runs


def join(of_scores: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """Returns the results table of scores and runs; RecordError where they do not belong together."""
    pairs = ((of_scores, runs, "is not among the runs beside it"), (runs, of_scores, "has no scores"))
    for those, others, why in pairs:
        if len(alone := those.join(others, on="run", how="anti", maintain_order="left")):
            raise RecordError(f"run {alone['run'][0]} {why}")
    frame = of_scores.join(runs, on="run", how="left", maintain_order="left")
    ends = frame.group_by("run", maintain_order=True).agg(pl.col("step").max(), pl.col(END).first())
    if len(cut := ends.filter(pl.col("step") != pl.col(END))):
        run, step, last_step = cut.row(0)
        raise RecordError(f"run {run} ends at step {step}, but at {last_step} among the runs beside it")
    if {*scores(of_scores)} >= TWICE:
        token_accuracy = pl.when(pl.col("position").is_null()).then("token_accuracy")
        token_accuracy = token_accuracy.otherwise(pl.coalesce("token_accuracy", "exact_match"))
        frame = frame.with_columns(token_accuracy.alias("token_accuracy"))
    frame = frame.with_columns(final=pl.col("step") == pl.col(END))
    keys = runs.columns[len(BEFORE) : runs.columns.index(END)]
    scored = ("step", "final", *ROW[2:], *scores(of_scores), "examples")
    declared = [DECLARED] if DECLARED in runs.columns else []
    return typed(frame.select(*BEFORE, *keys, *scored, *FACTS, *declared, *arms(runs)))


def _has(names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises RecordError if a column that is wanted is missing."""
    if missing := [name for name in wanted if name not in names]:
        raise RecordError(f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}")


def _parsed(text: pl.DataFrame, narrowest: Sequence[str] = ()) -> pl.DataFrame:
    """Returns columns of text in their own types; those of `narrowest` in the narrowest that fits all their values."""
    return text.with_columns(
        _parsed_column(text[name], _KINDS if name in narrowest else [_TYPES.get(name, pl.Float64)])
        for name in text.columns
    )


def _parsed_column(column: pl.Series, kinds: Sequence[type[pl.DataType]]) -> pl.Series:
    """Returns a column of text in the first of `kinds` that fits all its values; RecordError if none does."""
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
