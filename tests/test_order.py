"""The order of training examples: drawn, or in passes over a finite set that meet each item once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from experiments.engine import config, lane
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, steps_a_pass
from experiments.engine.rules import SGD
from experiments.engine.share import WHOLE, Share
from experiments.engine.training import Training
from experiments.errors import ConfigError
from fields import pytree, replace
from models.transformer import TransformerConfig
from synthetic import Example, contract, registry
from synthetic.permutation import shuffled
from tests.commands import TINY
from tests.toys import Sum


@pytest.mark.parametrize("size", [1, 2, 5, 36, 1000])
def test_a_shuffle_of_any_size_is_a_permutation_and_differs_between_keys(size):
    @jax.jit
    def order(seed, size):
        return jax.vmap(shuffled, (None, 0, None))(jax.random.key(seed), jnp.arange(1000) % size, size)

    shuffles = [np.asarray(order(seed, jnp.int32(size)))[:size] for seed in range(3)]
    for shuffle in shuffles:
        assert sorted(shuffle.tolist()) == list(range(size))
    assert size < 30 or (shuffles[0] != shuffles[1]).mean() > 0.9


def test_a_shuffle_of_four_items_gives_each_order_about_as_often():
    orders = jax.vmap(lambda key: jax.vmap(shuffled, (None, 0, None))(key, jnp.arange(4), 4))
    codes = np.asarray(orders(jax.random.split(jax.random.key(0), 2400)) @ jnp.array([64, 16, 4, 1]))
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == 24
    assert counts.min() > 40
    assert counts.max() < 200


@pytree
class Pairs(Sum):
    """The first pairs of letters, in order."""

    @property
    def size(self):
        return 10

    def item(self, index, key, split):
        a, b = index // 5, index % 5
        inputs, targets = jnp.stack([a, b, 0]), jnp.stack([0, 0, a + b])
        return Example(inputs, targets, jnp.array([0.0, 0.0, 1.0]), {"lie": jnp.bool(False)})


draw_batch = jax.jit(lane.draw_batch, static_argnums=3)


def run_of(batch_size, **train):
    settings = Training(steps=6, batch_size=batch_size, eval_examples=4, order="epochs", **train)
    model = TransformerConfig(width=8, depth=1, heads=1)
    return Run(Pairs(letters=8), model, SGD(), settings, 0)


def indices(run, step, share=WHOLE):
    """Returns the items of a step's batch, without those of no weight."""
    batch = draw_batch(jax.tree.map(jnp.asarray, run), jnp.int32(step), jax.random.key(step), share)
    items = np.asarray(5 * batch.inputs[:, 0] + batch.inputs[:, 1])
    return items[np.asarray(batch.weights).max(-1) > 0].tolist()


@pytest.mark.parametrize("batch_size", [1, 4, 5, 10, 16])
def test_each_pass_meets_every_item_once_in_an_order_of_its_own(batch_size):
    run = run_of(batch_size)
    every = int(steps_a_pass(run.task, batch_size))
    assert every == -(-10 // batch_size)
    passes = [[i for step in range(n * every, (n + 1) * every) for i in indices(run, step)] for n in range(3)]
    assert all(sorted(items) == list(range(10)) for items in passes)
    assert passes[0] != passes[1] != passes[2]
    assert indices(replace(run, seed=1), 0) != indices(run, 0)


def test_devices_that_share_a_batch_have_its_parts():
    run = run_of(6)
    whole = indices(run, 1)
    halves = jax.vmap(lambda _: lane.draw_batch(run, jnp.int32(1), jax.random.key(1), Share(2)), axis_name="batch")
    batch = halves(jnp.arange(2))
    items = np.asarray(5 * batch.inputs[..., 0] + batch.inputs[..., 1]).reshape(-1)
    assert items[np.asarray(batch.weights).max(-1).reshape(-1) > 0].tolist() == whole
    assert len(whole) == 4, "ten items in batches of six end with four"


def test_a_whole_set_is_in_each_batch_and_the_rest_of_the_batch_has_no_weight():
    run = run_of(16)
    run = replace(run, train=replace(run.train, order="whole"))
    assert indices(run, 0) == indices(run, 7) == list(range(10))


@pytest.mark.slow
def test_full_batch_descent_sees_the_whole_set_at_each_step_whatever_the_order_and_the_passes():
    """Runs of one initialisation that differ in the batch's size alone, if it is the set's or more."""
    runs = [run_of(10), run_of(16), run_of(10, microbatch=5)]
    engines = [Engine([run]) for run in runs]
    last = [engine.fetch(engine.advance(engine.start(), 6)).params for engine in engines]
    for other in last[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6), last[0], other)


def test_the_monitor_sees_the_whole_set_where_a_batch_holds_it():
    run, key = run_of(16, monitor=True), jax.random.key(0)
    params = lane.start(run).params
    every = jax.vmap(run.task.item, (0, None, None))(jnp.arange(10), key, "train")

    @jax.jit
    def norms(params):
        seen = lane._monitored(run, nnx.merge(lane._graph(run), params), params, WHOLE)
        return seen["gradient_norm"], optax.tree.norm(lane._gradient(run, params, every, key, WHOLE)[1])

    seen, whole = norms(params)
    assert seen == pytest.approx(float(whole), rel=1e-4)


def test_lanes_whose_sets_differ_in_size_share_a_program():
    jobs = config.jobs(
        [[*TINY, "train.order=epochs", "task.examples_per_rule=3", f"task.num_rules={n}"] for n in (2, 9)]
    )
    runs = [job.run for job in jobs]
    assert [int(run.task.size) for run in runs] == [6, 27]
    assert lane.treedef(runs[0]) == lane.treedef(runs[1])
    batches = [draw_batch(run, jnp.int32(0), jax.random.key(0), WHOLE) for run in runs]
    counts = [int((batch.weights.max(-1) > 0).sum()) for batch in batches]
    assert counts == [6, 16], "the set where it is smaller than a batch of 16"


FINITE = {
    "markov": ["task.num_rules=4", "task.examples_per_rule=3"],
    "markov_algorithms": ["task.lists=5"],
    "markov_abstraction": ["task.examples=40"],
    "boolean": ["task.dimensions=6", "task.points=8", "task.pool=5"],
    "tint": ["task.examples=12", "task.test_examples=12"],
}


def test_the_tasks_with_finite_sets_are_those_that_are_checked():
    assert FINITE.keys() <= registry().keys()


@pytest.mark.parametrize("name", FINITE)
def test_items_are_what_training_draws(name):
    contract.items_are_drawn(config.jobs([[f"task={name}", *FINITE[name]]])[0].run.task)


@pytest.mark.parametrize(
    ("overrides", "has"),
    [
        (["task=rasp_copy"], "task=rasp_copy has no finite training set as it is set"),
        (["task.examples_per_rule=0"], "task=markov has no finite training set as it is set"),
        (["task.examples_per_rule=10", "task.rule_power=0.5"], "task=markov has no finite training set as it is set"),
        (["task.num_rules=1000", "task.examples_per_rule=2000000"], "task=markov has 2000000000 items"),
    ],
)
def test_passes_over_a_set_that_is_not_finite_are_refused_in_one_line(overrides, has):
    with pytest.raises(ConfigError) as refused:
        config.jobs([["train.order=epochs", *overrides]])
    assert refused.value.lines == (f"train.order: epochs needs a set of 1 to 2^30 items; {has}",)


def test_an_order_counts_in_a_runs_id_only_where_it_is_not_the_default():
    plain, drawn, epochs = (
        job.id
        for job in config.jobs(
            [
                [*TINY, "task.examples_per_rule=3", *order]
                for order in ([], ["train.order=drawn"], ["train.order=epochs"])
            ]
        )
    )
    assert plain == drawn != epochs
