"""Tests at single lengths and in bins of lengths: one program for all of them, and short rows in training."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.engine import config
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, draw, evaluate, shapes_of, start
from experiments.engine.rules import AdamW
from experiments.errors import ConfigError
from fields import check, replace
from models.transformer import TransformerConfig
from synthetic.rasp.copying import Copy
from synthetic.rasp.counting import Mode
from synthetic.rasp.parity import Parity
from tests.commands import TINY

SIZES: Any = {"max_length": 12, "test_every": 6, "train_length": 4, "bins": 4}
TASK = Mode(**SIZES, symbols=6, packing=False)
SMALL = [word for word in TINY if not word.startswith("task")]


def drawn(task: Any, split: str, key: int, count: int) -> Any:
    return jax.jit(draw, static_argnums=(1, 3))(task, split, jax.random.key(key), count)


def run_of(*overrides: str) -> Run:
    return config.jobs([[*SMALL, *overrides]])[0].run


def test_bins_are_conditions_whose_lengths_are_uniform_within_them():
    conditions = TASK.conditions()
    assert [name for name in conditions if name.startswith("lengths_")] == [
        "lengths_1_4",
        "lengths_5_8",
        "lengths_9_12",
    ]
    for name, low, high in (("lengths_1_4", 1, 4), ("lengths_5_8", 5, 8), ("lengths_9_12", 9, 12)):
        task, split = conditions[name]
        lengths = np.asarray(drawn(task, split, 0, 400).facts["length"])
        values, counts = np.unique(lengths, return_counts=True)
        assert values.tolist() == [*range(low, high + 1)]
        assert counts.min() > 60


def test_without_bins_the_conditions_and_the_identity_of_a_run_are_what_they_were():
    plain = Mode(**SIZES | {"bins": 0}, symbols=6)
    assert list(plain.conditions()) == ["within", "beyond", "length_6", "length_12"]
    words = ["task=rasp_mode", "task.max_length=12", "task.train_length=4"]
    old, new = (config.jobs([[*SMALL, *words, *more]])[0] for more in ([], ["task.bins=0", "task.train_context=0"]))
    assert old.id == new.id
    assert old.id != config.jobs([[*SMALL, *words, "task.bins=4"]])[0].id


def test_lengths_are_traced_so_that_all_conditions_share_one_sampler(monkeypatch):
    """Single lengths and bins are knobs of one task: the sampler of their split is traced once for an evaluation."""
    traced = []
    sample_of = Mode.sample_of

    def noting(self, bits, n, split):
        traced.append(split)
        return sample_of(self, bits, n, split)

    monkeypatch.setattr(Mode, "sample_of", noting)
    run = run_of("task=rasp_mode", *(f"task.{key}={value}" for key, value in SIZES.items()), "task.packing=false")
    scores = jax.eval_shape(lambda key: evaluate(start(replace(run, seed=key)).params, run), 0)
    assert len(scores) == 7
    assert traced.count("test") == 1
    shapes = {str(jax.tree.structure(task)) for task, _ in run.task.conditions().values()}
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("task", "steps"),
    [
        pytest.param(["task=rasp_mode", "task.symbols=6"], 150, marks=pytest.mark.slow),
        (["task=rasp_parity", "task.scratchpad=false"], 60),
        pytest.param(["task=rasp_copy", "task.symbols=12"], 400, marks=pytest.mark.slow),
    ],
    ids=["mode", "parity", "copy"],
)
def test_decoding_agrees_with_teacher_forcing_at_every_length_where_the_answer_is_unique(task, steps):
    sizes = [f"task.{key}={value}" for key, value in SIZES.items()]
    more = ["train.decoding=greedy", f"train.steps={steps}", "optim.lr=0.01", "train.eval_examples=128"]
    engine = Engine([run_of(*task, *sizes, "task.packing=false", *more)])
    scores = engine.evaluate(engine.advance(engine.start(), steps))
    for found in scores.values():
        np.testing.assert_array_equal(found["greedy_match"], found["exact_match"])
    assert scores["lengths_1_4"]["exact_match"][0] > 0.15  # agreement of nothing right would say nothing


def test_a_training_row_may_be_shorter_than_a_test_row_and_holds_the_same_sample():
    short = TASK.replace(train_context=7)
    whole, cut = (drawn(task, "train", 1, 32) for task in (TASK, short))
    assert whole.inputs.shape == (32, TASK.spec.length)
    assert cut.inputs.shape == (32, 7)
    np.testing.assert_array_equal(whole.inputs[:, :7], cut.inputs)
    np.testing.assert_array_equal(whole.weights.sum(1), cut.weights.sum(1))
    assert jax.eval_shape(lambda key: short.sample(key, "test"), jax.random.key(0)).inputs.shape == (TASK.spec.length,)


def test_a_packed_training_row_may_be_shorter_too():
    task = Copy(max_length=6, test_every=3, train_length=3, symbols=8, train_context=10)
    batch = drawn(task, "train", 0, 16)
    assert batch.inputs.shape == (16, 10)
    for n in range(16):
        example = jax.tree.map(lambda x, n=n: np.asarray(x[n]), batch)
        assert [*task.oracle(example)] == example.targets[example.weights > 0].tolist()


@pytest.mark.slow
def test_training_on_short_rows_gives_the_same_loss_up_to_rounding():
    words = ["task=rasp_mode", "task.symbols=6", "task.packing=false", "model.position=none", "train.steps=4"]
    words += [f"task.{key}={value}" for key, value in SIZES.items()]
    losses = []
    for more in ([], ["task.train_context=7"]):
        engine = Engine([run_of(*words, *more)])
        losses.append(engine.fetch(engine.advance(engine.start(), 4)).loss_sum)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"bins": 13}, "bins: at most task.max_length = 12, got 13"),
        ({"bins": 2, "min_length": 3}, "bins: 0 or at least task.min_length = 3, got 2"),
        (
            {"train_context": 6},
            "train_context: must be 0 or at least 7, which the longest training sample needs, got 6",
        ),
        ({"train_context": 16}, "train_context: must be 0 or at most 15, the positions of a test row, got 16"),
    ],
)
def test_bins_and_rows_that_cannot_be_are_one_line(values, words):
    given = SIZES | {"symbols": 6, "packing": False} | values
    assert check(given, Mode, "task") == (None, [f"task.{words}"])


SHAPES = shapes_of(Parity(**SIZES, scratchpad=False).spec)
ANYWHERE = TransformerConfig(width=16, depth=1, heads=2, anywhere=True)


def test_positions_begin_at_any_row_from_which_a_sequence_fits():
    """A sequence of so many positions begins at each row from 0 to the last from which it fits, alike often."""
    model = ANYWHERE.build(SHAPES, rngs=nnx.Rngs(params=0))
    rows = SHAPES.length
    model.positions[...] = jnp.tile(jnp.arange(rows, dtype=jnp.float32)[:, None], (1, 16))
    extent = jnp.where(jnp.arange(4000) % 2 == 0, 5, rows)
    added = model._positions(4000, 6, jax.random.key(0), None, extent)
    starts = np.asarray(added)[:, 0, 0]
    assert set(starts[1::2]) == {0.0}
    values, counts = np.unique(starts[::2], return_counts=True)
    assert values.tolist() == [*range(rows - 5 + 1)]
    assert counts.min() > 0.6 * 2000 / (rows - 4)
    np.testing.assert_array_equal(np.asarray(added)[::2, 4, 0], starts[::2] + 4)


def test_positions_that_begin_anywhere_begin_at_the_first_row_in_a_test():
    model = ANYWHERE.build(SHAPES, rngs=nnx.Rngs(params=0))
    plain = TransformerConfig(width=16, depth=1, heads=2).build(SHAPES, rngs=nnx.Rngs(params=0))
    inputs = jnp.zeros((2, 5), jnp.int32)
    np.testing.assert_array_equal(model(inputs), plain(inputs))


def test_a_run_with_positions_anywhere_trains_and_only_learned_positions_can_be():
    words = ["task=rasp_parity", "task.scratchpad=false", "task.packing=false", "model.anywhere=true"]
    words += [f"task.{key}={value}" for key, value in SIZES.items()]
    engine = Engine([run_of(*words, "train.steps=3", "task.train_context=7")])
    assert engine.fetch(engine.advance(engine.start(), 3)).step.tolist() == [3]
    with pytest.raises(ConfigError, match=r"model\.anywhere: only learned positions have a table of rows"):
        run_of(*words, "model.position=none")


def test_a_schedule_with_a_horizon_is_that_of_a_longer_run():
    schedule = {"schedule": "linear", "lr": 0.1, "warmup": 0}
    whole, stopped = AdamW(**schedule), AdamW(**schedule, horizon=1000)
    for step in (0, 10, 99):
        np.testing.assert_allclose(stopped.rate(jnp.int32(step), 100), whole.rate(jnp.int32(step), 1000))
        assert whole.rate(jnp.int32(step), 100) <= stopped.rate(jnp.int32(step), 100)
