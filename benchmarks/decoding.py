"""Measures the seconds of greedy decoding of 1,024 five-digit additions, with the cache and without it.

    python -m benchmarks.decoding

Without it the model is run anew for each token. The model is that of the studies on a CPU, trained for a while, so that
answers end and finished rows can stop. Both ways are one compiled program each, on one batch; compiling is left out.
Aim: 30 s or less, and equal answers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.record import write
from experiments.engine import compose, config
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, draw
from experiments.errors import check_no_words
from models.decode import decode
from synthetic.task import Example

ROWS, REPEATS = 1024, 5
SETTING = ("task=tint", "task.min_digits=5", "task.max_digits=5", "model=tiny", "optim.lr=0.004", "train.steps=600")


def main() -> None:
    """Measures both and records them."""
    compose.register()
    run = config.jobs([list(SETTING)])[0].run
    model, examples = _trained(run)
    free = jax.lax.cummax((examples.weights > 0).astype(jnp.int32), axis=1)
    cached, anew = (
        jax.jit(lambda x, free: decode(model, x, free, end=run.task.end)),
        jax.jit(lambda x, free: _anew(model, x, free)),
    )
    tokens, plain = (np.asarray(way(examples.inputs, free)) for way in (cached, anew))
    # After its end token a row is done, and later tokens of either way are not read.
    ends = np.where(np.asarray(free) > 0, plain, -1) == run.task.end
    read = np.cumsum(ends, axis=1) - ends == 0
    rows = [
        {"measure": f"{ROWS} additions, with the cache: s", "value": round(_seconds(cached, examples, free), 2)},
        {"measure": f"{ROWS} additions, each token anew: s", "value": round(_seconds(anew, examples, free), 2)},
        {"measure": "answers equal, share", "value": float(((tokens == plain) | ~read).all(axis=1).mean())},
        {
            "measure": "answers right, share",
            "value": float((tokens == examples.targets).all(1, where=examples.weights > 0).mean()),
        },
    ]
    write(Path(__file__).with_suffix(".csv"), rows)


def _trained(run: Run) -> tuple[Any, Example]:
    """Returns the model after training, and questions of the test set."""
    engine = Engine([run])
    trained = engine.fetch(engine.advance(engine.start(), run.train.steps)).params
    params = jax.tree.map(lambda x: jnp.asarray(x[0]), trained)
    graph, _ = nnx.split(run.build(jax.random.key(0)))
    task, split = run.task.materialise().conditions()["test"]
    return nnx.merge(graph, params), draw(task, split, jax.random.key(1), ROWS)


def _anew(model: Any, inputs: jax.Array, free: jax.Array) -> jax.Array:
    """Decodes greedily by running the whole model for every token; it reads its own answer at free positions."""

    def advance(t: jax.Array, read: jax.Array) -> jax.Array:
        token = jnp.argmax(model(read)[:, t], axis=-1)
        return read.at[:, t + 1].set(jnp.where(free[:, t] > 0, token, read[:, t + 1]))

    return jnp.argmax(model(jax.lax.fori_loop(0, inputs.shape[1] - 1, advance, inputs)), axis=-1)


def _seconds(way: Callable[..., jax.Array], examples: Example, free: jax.Array) -> float:
    """Returns the median of repeats."""
    times = []
    for _ in range(REPEATS):
        since = time.perf_counter()
        way(examples.inputs, free).block_until_ready()
        times.append(time.perf_counter() - since)
    return statistics.median(times)


if __name__ == "__main__":
    check_no_words("benchmarks.decoding", __doc__)
    sys.exit(main())
