"""The layers that mix positions, by the name that `model.mixer` gives them.

Each is made with the keywords `width`, `heads`, `length`, `position`, `precision`, `residual_scale`, `rngs` and
attention's own (`qk_norm`, `attention_scale`, `biases`), uses those it needs, and has

    layer(x_NxD, batch) -> float32[N, D]                all positions of `batch` sequences at once, N = batch * time
    layer.init_cache(batch) -> cache                    its memory before the first position
    layer.step(x_BxD, t, cache) -> float32[B, D], cache    the same, one position at a time
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.attention import Attention
from models.hyena import Hyena
from models.recurrent import GRU, LSTM
from models.retention import Retention
from models.statespace import S4D, Mamba

MIXERS: dict[str, Callable[..., Any]] = {
    "attention": Attention,
    "lstm": LSTM,
    "gru": GRU,
    "s4d": S4D,
    "retnet": Retention,
    "hyena": Hyena,
    "mamba": Mamba,
}
WITH_HEADS = ("attention", "retnet")
