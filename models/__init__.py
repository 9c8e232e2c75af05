"""Sequence models, which map a task's inputs to a logit per class at every position.

A model is called as `model(inputs, key=None, rows=None)` on int32[B, T] tokens or float32[B, T, width_in] vectors. It
returns float32[B, T, classes]; `init_cache` and `step` do the same one position at a time (see `models.decode`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flax import nnx

from models.transformer import Transformer, TransformerConfig

ARCHITECTURES: dict[str, tuple[type, Callable[..., nnx.Module]]] = {"transformer": (TransformerConfig, Transformer)}
"""Maps a name to (configuration, module): the values that `name:` in a file of conf/model/ can have."""


def build(
    config: Any, *, vocabulary: int | None, width_in: int | None, length: int, classes: int, rngs: nnx.Rngs
) -> nnx.Module:
    """Returns the module that `config` describes, for `length` positions.

    The inputs are tokens if `vocabulary` is given, vectors if `width_in` is. Raises ValueError unless exactly one of
    the two is given, KeyError for a foreign configuration.
    """
    modules = dict(ARCHITECTURES.values())
    return modules[type(config)](
        config, vocabulary=vocabulary, width_in=width_in, length=length, classes=classes, rngs=rngs
    )
