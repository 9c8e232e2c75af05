"""Sequence models, which map a task's inputs to an output (a logit per class, numbers) at every position.

A model is called as `model(inputs, key=None, rows=None)` on int32[B, T] tokens or float32[B, T, width_in] vectors. It
returns float32[B, T, outputs]; `init_cache` and `step` do the same one position at a time (see `models.decode`), where
the model `decodes`. `models.contract` checks all that is promised of one.
"""

from __future__ import annotations

from models import encoder_decoder, feedforward, induction, sets, transformer  # they register themselves
from models.registry import Architecture, Shapes, register, registry

__all__ = [
    "Architecture",
    "Shapes",
    "encoder_decoder",
    "feedforward",
    "induction",
    "register",
    "registry",
    "sets",
    "transformer",
]
