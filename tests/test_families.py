"""What must be true of every registered task once it is trained: a lane is the run alone."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from experiments.engine import config
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, treedef
from synthetic import registry
from tests.commands import TINY

_LENGTHS = ["task.max_length=8", "task.test_every=4", "task.train_length=6"]
# Overrides that make a task small, and a knob that differs between lanes.
_MARKOV = [word for word in TINY if word.startswith("task.")]
_FAMILIES = ["task.alphabet=8", "task.input_length=5", "task.search_length=4", "task.replace_length=4"]
_TINT = ["task.max_digits=2", "task.examples=200", "task.test_examples=64"]
_POINTS = ["task.capacity=8", "task.test_every=4", "task.min_points=5", "task.max_points=8"]
SMALL: dict[str, tuple[list[str], str]] = {
    "markov": (_MARKOV, "task.noop_rate=0.5"),
    "markov_encrypted": (_MARKOV, "task.noop_rate=0.5"),
    "markov_families": ([*_FAMILIES, "task.num_rules=20", "task.min_k=2", "task.max_k=2"], "task.noop_rate=0.5"),
    "markov_abstraction": (["task.variables=2", "task.num_rules=20"], "task.num_rules=10"),
    "markov_algorithms": (["task.lists=20"], "task.lists=10"),
    "tint": (_TINT, "task.characters=0.3"),
    "tint_prompted": ([*_TINT, "task.shots=1", "task.operations=add"], "task.characters=0.3"),
    "boolean": (["task.dimensions=4", "task.points=8"], "task.noise_rate=0.2"),
    "bags": (["task.dimensions=2", "task.examples=20"], "task.poison_rate=0.5"),
    "gaussians": (["task.dimensions=4", "task.most=32", "task.examples=16"], "task.examples=32"),
    "separable": (["task.dimensions=4", "task.points=30"], "task.stretch=2"),
    "mixture": ([], "task.weights={apply:0.3,copy:1}"),
    "modular": (["task.p=5", "task.fraction=0.6"], "task.fraction=0.4"),
    "sparse_parity": (["task.bits=6", "task.samples=40"], "task.samples=20"),
    "rasp_and": (["task.bits=6", "task.fixed=2"], "optim.lr=0.02"),
    "expressions": (["task.max_operators=2", "task.train_operators=2"], "task.train_operators=1"),
    "equations": ([], "optim.lr=0.02"),
    "lis": (["task.max_items=4", "task.items=4"], "task.items=3"),
    "edit_distance": (["task.max_letters=3", "task.letters=3"], "task.letters=2"),
    "successor": (["task.max_length=6", "task.test_length=6", "task.train_length=6"], "task.edge_share=0.5"),
    "traversal": (["task.max_nodes=3", "task.train_nodes=3"], "task.edge_share=0.5"),
    "scan": (["task.most_primitives=4"], "task.distinct=100"),
    "hull": (_POINTS, "task.max_points=6"),
    "delaunay": (_POINTS, "task.max_points=6"),
    "tour": (_POINTS, "task.max_points=6"),
    "episode_classes": (["task.dimensions=4", "task.labels=8"], "task.bursty=0.5"),
    "episode_projections": (["task.dimensions=4", "task.points=8"], "task.tasks=4"),
    "episode_regression": (["task.dimensions=2", "task.pool=4", "task.points=5"], "task.pooled=0.5"),
}
TRAINED = [word for word in TINY if not word.startswith("task.")]


def lanes_of(name: str) -> list[Run]:
    """Returns three small runs of a task, of which the second differs in a knob."""
    small, knob = SMALL.get(name, (_LENGTHS, "task.train_length=4"))
    words = [f"task={name}", *small, *TRAINED]
    return [job.run for job in config.jobs([[*words, "seed=1"], [*words, "seed=2", knob], [*words, "seed=3"]])]


@pytest.mark.parametrize("name", list(registry()))
def test_runs_that_differ_in_a_knob_can_be_lanes_of_one_program(name):
    assert len({treedef(run) for run in lanes_of(name)}) == 1


@pytest.mark.slow
@pytest.mark.rotated(5, "experiments/engine/", "models/transformer.py")
@pytest.mark.parametrize("name", list(registry()))
def test_a_lane_of_every_family_is_the_run_alone_to_the_bit(name):
    runs = lanes_of(name)
    together = Engine(runs)
    lanes = together.fetch(together.advance(together.start(), 6))
    assert np.isfinite(lanes.loss_sum).all()
    for k, run in enumerate(runs):
        alone = Engine([run])
        found = alone.fetch(alone.advance(alone.start(), 6))
        jax.tree.map(lambda a, b, k=k: np.testing.assert_array_equal(a[k], b[0]), lanes, found)
