"""Measures the examples a second that the rewriting tasks sample, at the lengths of their studies on a CPU.

    python -m benchmarks.markov

Batches are made inside a compiled program on all cores, one part of a batch on each, as training does. Aim: 200,000
examples a second on two cores.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from benchmarks.record import write
from experiments.engine import devices
from experiments.errors import check_no_words
from synthetic import Task
from synthetic.markov import Markov, MarkovAbstraction, MarkovAlgorithms, MarkovEncrypted, MarkovFamilies

TASKS: Mapping[str, Task] = {
    "rewriting": Markov(alphabet=16, input_length=6, search_length=2, replace_length=2, examples_per_rule=100),
    "families": MarkovFamilies(
        alphabet=16, input_length=5, search_length=4, replace_length=4, min_k=2, max_k=2, examples_per_rule=100
    ),
    "algorithms": MarkovAlgorithms(
        alphabet=12, rule_slots=2, search_length=2, replace_length=2, max_planted=2, step_slots=4, lists=10_000
    ),
    "encrypted": MarkovEncrypted(
        alphabet=16,
        input_length=6,
        search_length=2,
        replace_length=2,
        num_keys=3,
        noop_rate=0.4,
        examples_per_rule=100,
    ),
    "abstraction": MarkovAbstraction(variables=2, diverse_share=0.5, diverse_rules=1000, examples=100_000),
}
BATCH, BATCHES, REPEATS = 128, 200, 7


def main() -> None:
    """Measures every task and records it."""
    devices.use_all_cores()
    rates = {name: rate_of(task) for name, task in TASKS.items()}
    rows = [{"measure": f"{name}: examples/s", "value": round(rate)} for name, rate in rates.items()]
    write(Path(__file__).with_suffix(".csv"), rows)


def rate_of(task: Task) -> float:
    """Returns the training examples a second, the median of repeats."""
    mesh = Mesh(np.array(jax.devices()), ("cores",))
    knobs = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)

    def batches(knobs: Task, key: jax.Array) -> jax.Array:
        """Reduces `BATCHES` batches to a number that depends on all that a model reads, so all of it is made."""
        key = jax.random.fold_in(key, jax.lax.axis_index("cores"))

        def batch(i: jax.Array, total: jax.Array) -> jax.Array:
            keys = jax.random.split(jax.random.fold_in(key, i), BATCH)
            examples = jax.lax.optimization_barrier(jax.vmap(knobs.sample, (0, None))(keys, "train"))
            return total + sum(leaf[0].sum() for leaf in jax.tree.leaves(examples))

        return jax.lax.fori_loop(0, BATCHES, batch, jnp.float32(0))[None]

    everywhere, cores = PartitionSpec(), PartitionSpec("cores")
    sharded = jax.shard_map(batches, mesh=mesh, in_specs=(everywhere, everywhere), out_specs=cores, check_vma=False)
    generate = jax.jit(sharded)
    generate(knobs, jax.random.key(0)).block_until_ready()
    rates = []
    for repeat in range(REPEATS):
        since = time.perf_counter()
        generate(knobs, jax.random.key(repeat)).block_until_ready()
        rates.append(mesh.size * BATCH * BATCHES / (time.perf_counter() - since))
    return statistics.median(rates)


if __name__ == "__main__":
    check_no_words("benchmarks.markov", __doc__)
    sys.exit(main())
