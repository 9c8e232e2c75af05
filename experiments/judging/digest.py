"""Computes the digest of a criterion: it changes with the parts that decide a verdict, and not with words."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def digest(criterion: Any) -> str:
    """Returns sixteen hexadecimal digits of a criterion's description, in which functions stand with their source.

    It leaves out fields that have their defaults, so that a new field changes no digest.
    """
    return hashlib.sha256(json.dumps(_described(criterion), sort_keys=True).encode()).hexdigest()[:16]


def _described(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        decides = {one.name: one.default for one in fields(value) if not one.metadata.get("words")}
        set_ = {name: getattr(value, name) for name, default in decides.items()}
        return [type(value).__name__, {n: _described(v) for n, v in set_.items() if v != decides[n] and v != {}}]
    if isinstance(value, Mapping):
        return sorted([str(key), _described(entry)] for key, entry in value.items())
    if isinstance(value, tuple | list):
        return [_described(one) for one in value]
    return (
        inspect.getsource(value) if callable(value) else value if isinstance(value, str | bool | None) else repr(value)
    )
