"""Typed values of named arms, for records that carry the arms' names alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from experiments.judging.results import swept

_CONF = Path(__file__).parents[2] / "conf"


def with_typed(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the typed values of its named arms, where it lacks them."""
    names = table.columns
    arms = [key for key in swept(table) if key in ("task", "tint/noise")]
    if names[-1] != "date" or not arms:
        return table
    columns: dict[str, list[Any]] = {}
    for key in arms:
        found = [_arm(key, value) for value in table[key]]
        for column in sorted({name for of in found for name in of}):
            columns[column] = [of.get(column) for of in found]
    return table.with_columns(pl.Series(name, values, strict=False) for name, values in columns.items())


@functools.cache
def _arm(key: str, value: str) -> dict[str, Any]:
    path = _CONF / key / f"{value}.yaml"
    if not path.exists():
        return {}
    text = yaml.safe_load(path.read_text()) or {}
    return {f"task.{name}": 10**6 if isinstance(of, str) and "$" in of else of for name, of in text.items() if name != "defaults"}
