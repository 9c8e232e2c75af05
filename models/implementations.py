"""Causal attention over whole sequences, by the implementation that suits the device, the precision and the length.

- plain: `kernels.attend` keeps every layer's float32[B, H, T, T] weights for the gradient. It is the default.
- chunked: the same formula takes `CHUNK` queries at a time and makes their weights again for the gradient, so that they
  are never held whole. It is the default on accelerators for more than `LONG` positions.
- fused: one kernel of cuDNN (Dao et al. 2022, "FlashAttention") works on NVIDIA GPUs in bfloat16; it takes no float32.
  ALiBi's bias would be rounded to bfloat16, and its gradient be made for nothing: such layers keep to the default.
  No layer takes it by itself, for it failed where it was tried (jax 0.11.2 with CUDA 13, one H200): the first step of
  every model, of 2 layers and more, raised `IndexError: absl::container_internal::raw_hash_map<>::at`. The likely cause
  is XLA's: where kernels without a fixed order of sums are excluded, as the engine does, the gradients of all layers of
  one shape but the first look up a kernel that was not kept (github.com/openxla/xla/pull/46500).

The environment variable TERRARIUM_ATTENTION names one for all layers. Which it is makes no part of a run's identity:
all compute the same up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange

from models.kernels import attend, matmul
from models.taps import tap

IMPLEMENTATIONS = ("auto", "plain", "chunked", "fused")
CHUNK = 128
LONG = 1024

Bias = Callable[[jax.Array | np.ndarray, np.ndarray], jax.Array]


def wanted() -> str:
    """Returns what TERRARIUM_ATTENTION names, "auto" by default. Raises ValueError for a name that is unknown."""
    name = os.environ.get("TERRARIUM_ATTENTION", "auto")
    if name not in IMPLEMENTATIONS:
        raise ValueError(f"TERRARIUM_ATTENTION: expected one of {', '.join(IMPLEMENTATIONS)}, got {name!r}")
    return name


def choose(*, time: int, position: str, precision: str) -> str:
    """Returns "plain", "chunked" or "fused" for a layer of this length on the device that JAX computes on."""
    name = wanted()
    if name in ("plain", "chunked"):
        return name
    if name == "fused" and precision == "bfloat16" and position != "alibi":
        return name
    return "chunked" if time > LONG and jax.default_backend() != "cpu" else "plain"


def attend_causally(
    q: jax.Array, k: jax.Array, v: jax.Array, bias: Bias, *, position: str, precision: str
) -> jax.Array:
    """Returns attention of every position to those up to it, float32[B, H, T, W], from q, k and v of that shape.

    `bias(query, key)` is what is added to a score, by positions; -infinity where the key lies ahead of the query.
    """
    time = q.shape[2]
    chosen = choose(time=time, position=position, precision=precision)
    if chosen == "fused":
        return _fused(q, k, v)
    if chosen == "chunked":
        return _chunked(q, k, v, bias, precision)
    return attend(q, k, v, bias(np.arange(time)[:, None], np.arange(time)[None, :]), precision)


def attend_in_sight(
    q: jax.Array, k: jax.Array, v: jax.Array, bias: jax.Array | np.ndarray, precision: str
) -> jax.Array:
    """Returns what `attend` does, by the plain formula, and shows logits and weights: a kernel has none to show."""
    scores = matmul(q * q.shape[-1] ** -0.5, rearrange(k, "b h t w -> b h w t"), precision)
    weights_BxHxTxT = tap("weights", jax.nn.softmax(tap("logits", scores + bias), axis=-1))
    return matmul(weights_BxHxTxT, v, precision)


def _chunked(q: jax.Array, k: jax.Array, v: jax.Array, bias: Bias, precision: str) -> jax.Array:
    time = q.shape[2]
    size = min(CHUNK, time)
    padded = jnp.pad(q, ((0, 0), (0, 0), (0, -time % size), (0, 0)))
    chunks = rearrange(padded, "b h (n t) w -> n b h t w", t=size)

    @jax.checkpoint
    def one(queries_and_start: tuple[jax.Array, jax.Array]) -> jax.Array:
        queries, start = queries_and_start
        place = bias(start + jnp.arange(size)[:, None], np.arange(time)[None, :])
        return attend(queries, k, v, place, precision)

    y = jax.lax.map(one, (chunks, size * jnp.arange(len(chunks))))
    return rearrange(y, "n b h t w -> b h (n t) w")[:, :, :time]


def _fused(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    # JAX (0.10) takes no odd length in training: one position more at the end, which none before it sees.
    time, one_more = q.shape[2], ((0, 0), (0, q.shape[2] % 2), (0, 0), (0, 0))
    q, k, v = (jnp.pad(rearrange(x, "b h t w -> b t h w").astype(jnp.bfloat16), one_more) for x in (q, k, v))
    return rearrange(_kernel(q, k, v)[:, :time], "b t h w -> b h t w").astype(jnp.float32)


def _kernel(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Returns causal attention, by cuDNN on a GPU; elsewhere, where only tests come here, by XLA."""
    implementation = "cudnn" if jax.default_backend() == "gpu" else "xla"
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=implementation)
