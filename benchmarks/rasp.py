"""Measures the RASP-L interpreter against one in NumPy that runs one sequence at a time: microseconds per sequence.

    python -m benchmarks.rasp

Each program, and some single operations, make one pass over 1,024 sequences of 128 tokens. NumPy makes the n x n matrix
of each selection and computes the library by its definitions; it reads 32 of the sequences, on one core. Both compute
in the type of the tokens, the paper's int8 or int32, and their results are compared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.record import write
from experiments.errors import check_no_words
from synthetic.rasp import core, library
from synthetic.rasp.addition import Addition
from synthetic.rasp.copying import Copy, Sort
from synthetic.rasp.counting import Count, Mode
from synthetic.rasp.parity import And, Parity
from synthetic.rasp.programs import PROGRAMS

LENGTH, BATCH, ONE_BY_ONE, REPEATS = 128, 1024, 32, 40


def main() -> None:
    """Times every program and operation, in both types, and records the ratios."""
    rows = []
    for name, (compute, tokens_BxT) in _cases().items():
        for kind in (np.int8, np.int32):
            numpy, jaxed = _microseconds(compute, tokens_BxT.astype(kind))
            times = {"numpy, us": round(numpy, 1), "jax, us": round(jaxed, 2), "times as fast": round(numpy / jaxed)}
            rows.append({"program": name, "type": kind.__name__} | times)
            print(rows[-1], flush=True)
    write(Path(__file__).with_suffix(".csv"), rows)


def _cases() -> dict[str, tuple[Callable[..., Any], np.ndarray]]:
    """Returns the computations by name, each with the tokens [B, T] that it reads.

    The tokens are samples of the longest kind that fits.
    """

    def lengths(n: int) -> Any:
        return {"max_length": n, "min_length": n, "train_length": n, "test_every": 1, "context": LENGTH}

    tasks = {
        "count": Count(**lengths(100), symbols=100),
        "mode": Mode(**lengths(124), symbols=50),
        "copy_unique": Copy(**lengths(62)),
        "sort": Sort(**lengths(62)),
        "reverse_addition": Addition(**lengths(19)),
        "forward_addition": Addition(**lengths(19), order="forward"),
        "parity": Parity(**lengths(31)),
        "boolean_and": And(bits=124, context=LENGTH),
    }
    cases: dict[str, tuple[Callable[..., Any], np.ndarray]] = {}
    for name, task in tasks.items():
        program: Any = PROGRAMS[name]
        keys = jax.random.split(jax.random.key(0), BATCH)
        rows = np.asarray(jax.jit(jax.vmap(lambda key, task=task: task.sample(key, "test").inputs))(keys))
        cases[name] = partial(program, marks=task.tokens), rows
    tokens_BxT = np.random.default_rng(0).integers(0, 64, (BATCH, LENGTH))
    operations: dict[str, Callable[..., Any]] = {
        "select, sel_width": lambda x: core.sel_width(core.select(x, x, core.equals)),
        "select, aggr_mean": lambda x: core.aggr_mean(core.select(x, x, core.leq), x),
        "select, aggr_max": lambda x: core.aggr_max(core.select(x, x, core.equals), x),
        "shift_right": lambda x: library.shift_right(x, 1),
        "cumsum": lambda x: library.cumsum(core.tok_map(x, lambda t: t % 2)),
        "maximum": library.maximum,
        "index_select": lambda x: library.index_select(x, x),
    }
    return cases | {name: (compute, tokens_BxT) for name, compute in operations.items()}


def _microseconds(compute: Callable[..., Any], tokens_BxT: np.ndarray) -> tuple[float, float]:
    """Returns microseconds per sequence by NumPy and by JAX, the least of interleaved repeats.

    Raises RuntimeError if they disagree.
    """
    batched, tokens = jax.jit(jax.vmap(compute)), jnp.asarray(tokens_BxT)
    computed = np.asarray(batched(tokens))
    interpreter, numpy, jaxed = _numpy_interpreter(LENGTH), [], []
    for _ in range(REPEATS):
        since = time.perf_counter()
        with core.interpreted(interpreter):
            expected = [compute(row) for row in tokens_BxT[:ONE_BY_ONE]]
        numpy.append((time.perf_counter() - since) / ONE_BY_ONE)
        since = time.perf_counter()
        batched(tokens).block_until_ready()
        jaxed.append((time.perf_counter() - since) / BATCH)
        if not np.array_equal(computed[:ONE_BY_ONE], expected):
            raise RuntimeError("NumPy and JAX disagree")
    return min(numpy) * 1e6, min(jaxed) * 1e6


def _numpy_interpreter(length: int) -> dict[str, Callable[..., Any]]:
    """Returns the operations on arrays [T] and matrices [T, T].

    They do not saturate: no value here is beyond an int8.
    """
    causal = np.tri(length, dtype=bool)

    def mean(a: np.ndarray, v: np.ndarray, default: int = 0) -> np.ndarray:
        width, total = a.sum(1), np.where(a, v, v.dtype.type(0)).sum(1)
        return np.where(width > 0, np.trunc(total / np.maximum(width, 1)), default).astype(v.dtype)

    def extreme(reduce: Any, nothing: str) -> Callable[..., np.ndarray]:
        def aggregate(a: np.ndarray, v: np.ndarray, default: int = 0) -> np.ndarray:
            reduced = reduce(np.where(a, v, v.dtype.type(getattr(np.iinfo(v.dtype), nothing))), axis=1)
            return np.where(a.any(1), reduced, v.dtype.type(default))

        return aggregate

    return {
        "full": np.full_like,
        "indices": lambda x: np.arange(len(x), dtype=x.dtype),
        "tok_map": lambda x, f: np.asarray(f(x)).astype(x.dtype),
        "seq_map": lambda x, y, f: np.asarray(f(x, y)).astype(x.dtype),
        "select": lambda k, q, predicate: predicate(k[None, :], q[:, None]) & causal,
        "sel_width": lambda a: a.sum(1).astype(np.int32),
        "aggr_mean": mean,
        "aggr_max": extreme(np.max, "min"),
        "aggr_min": extreme(np.min, "max"),
    }


if __name__ == "__main__":
    check_no_words("benchmarks.rasp", __doc__)
    sys.exit(main())
