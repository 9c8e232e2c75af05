"""Causal attention over whole sequences, by the implementation that suits the device, the precision and the length.

- plain: `kernels.attend`, which keeps every layer's float32[B, H, T, T] weights for the gradient. A CPU has no other.
- chunked: the same formula for `CHUNK` queries at a time, whose weights are made again for the gradient, so that they
  are never held whole. On accelerators, for more than `LONG` positions where fused attention does not fit.
- fused: one kernel of cuDNN (Dao et al. 2022, "FlashAttention"), on NVIDIA GPUs and for products in bfloat16 alone, as
  it takes no float32. Not for ALiBi: its bias would be rounded to bfloat16, and its gradient be made for nothing.

The environment variable TERRARIUM_ATTENTION names one for all layers, to compare them; by default each layer chooses.
Which it is makes no part of a run's identity: all compute the same up to rounding.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange

from models.kernels import attend

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


def choose(*, heads: int, time: int, head_width: int, position: str, precision: str) -> str:
    """Returns "plain", "chunked" or "fused" for a layer of this shape on the device that JAX computes on."""
    name, platform = wanted(), jax.default_backend()
    fits = precision == "bfloat16" and position != "alibi"
    if name == "fused" and fits:
        return name
    if name in ("plain", "chunked"):
        return name
    if platform == "cpu":
        return "plain"
    if platform == "gpu" and fits and _cudnn_takes(heads, time, head_width):
        return "fused"
    return "chunked" if time > LONG else "plain"


def attend_causally(
    q: jax.Array, k: jax.Array, v: jax.Array, bias: Bias, *, position: str, precision: str
) -> jax.Array:
    """Returns attention of every position to those up to it, float32[B, H, T, W], from q, k and v of that shape.

    `bias(query, key)` is what is added to a score, by positions; -infinity where the key lies ahead of the query.
    """
    _, heads, time, head_width = q.shape
    chosen = choose(heads=heads, time=time, head_width=head_width, position=position, precision=precision)
    if chosen == "fused":
        return _fused(q, k, v)
    if chosen == "chunked":
        return _chunked(q, k, v, bias, precision)
    return attend(q, k, v, bias(np.arange(time)[:, None], np.arange(time)[None, :]), precision)


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


@functools.cache
def _cudnn_takes(heads: int, time: int, head_width: int) -> bool:
    """Returns whether cuDNN has kernels for this shape, forwards and backwards. Compiles them, and warns if not."""
    shape = jax.ShapeDtypeStruct((1, time + time % 2, heads, head_width), jnp.bfloat16)

    def compile_both() -> None:
        gradient = jax.grad(lambda q, k, v: _kernel(q, k, v).astype(jnp.float32).sum(), (0, 1, 2))
        jax.jit(gradient).lower(shape, shape, shape).compile()

    # A thread of its own, for the choice is made while a model is traced: JAX keeps what it traces by thread.
    with ThreadPoolExecutor(1) as own_thread:
        error = own_thread.submit(compile_both).exception()
    if error is not None:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        warnings.warn(f"no fused attention for {heads} heads of {head_width} at {time} positions: {why}", stacklevel=2)
    return error is None
