"""Architectures beside the transformer, and its other read-outs: what they learn, and what they cannot."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from experiments.engine import memory
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from models.encoder_decoder import EncoderDecoderConfig
from models.feedforward import LinearConfig, MLPConfig
from models.sets import SetConfig
from models.transformer import TransformerConfig
from tests.model_toys import (
    BAGS,
    EXCLUSIVE_OR,
    HOW_MANY,
    LARGEST,
    REVERSED,
    RUNNING_MEAN,
    accuracy,
    bags,
    error,
    trained,
)
from tests.toys import HalfSpace, Sum

# A compiled call: outside of a program each operation of a model would be compiled by itself.
call = nnx.jit(lambda model, x: model(x))
SMALL: Any = {"width": 32, "depth": 1, "heads": 2, "mlp_ratio": 2, "activation": "relu"}


@pytest.mark.slow
def test_a_transformer_learns_numbers_at_every_position():
    assert error(trained(TransformerConfig(**SMALL), RUNNING_MEAN), RUNNING_MEAN) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        TransformerConfig(**SMALL, read_out="pointer"),
        EncoderDecoderConfig(**SMALL, read_out="pointer", position="answer"),
    ],
)
def test_a_pointer_learns_where_the_largest_number_is(config):
    assert accuracy(trained(config, LARGEST), LARGEST) > 0.9


def test_without_positions_of_the_source_a_linear_read_out_cannot_name_a_place():
    config = EncoderDecoderConfig(**SMALL, position="answer")
    assert accuracy(trained(config, LARGEST, steps=100), LARGEST) < 0.3


@pytest.mark.parametrize("mixer", ["attention", pytest.param("lstm", marks=pytest.mark.slow)])
def test_an_encoder_decoder_learns_to_reverse_its_source(mixer):
    assert accuracy(trained(EncoderDecoderConfig(**SMALL, mixer=mixer), REVERSED), REVERSED) > 0.95


def test_a_decoder_knows_of_the_source_by_cross_attention_alone():
    model: Any = EncoderDecoderConfig(**SMALL).build(REVERSED.shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    x, _ = REVERSED.sample(jax.random.key(1), 4)
    other = x.at[:, :4].set((x[:, :4] + 1) % 6)
    assert (call(model, x)[:, 4:] != call(model, other)[:, 4:]).any(-1).all()
    for block in model.decoder:
        block.cross.out.kernel[...] = jnp.zeros_like(block.cross.out.kernel[...])
    np.testing.assert_array_equal(call(model, x), call(model, other))


def test_an_mlp_learns_the_exclusive_or_and_a_linear_map_cannot():
    assert accuracy(trained(MLPConfig(width=16, depth=1), EXCLUSIVE_OR), EXCLUSIVE_OR) == 1
    assert accuracy(trained(LinearConfig(), EXCLUSIVE_OR), EXCLUSIVE_OR) < 0.8


@pytest.mark.parametrize(
    ("pooling", "flipped"), [("max", 0), pytest.param("attention", 0, marks=pytest.mark.slow), ("constrained", 1)]
)
def test_of_poolings_that_learn_where_poison_marks_negative_bags_constrained_alone_needs_it_not(pooling, flipped):
    model = trained(SetConfig(width=32, pooling=pooling), BAGS, lr=5e-3)
    assert accuracy(model, BAGS) > 0.9
    assert abs(accuracy(model, BAGS, bags(flipped=True)) - flipped) < 0.15


@pytest.mark.parametrize(("pooling", "learns"), [("sum", True), ("mean", False), ("max", False)])
def test_only_a_sum_tells_how_many_equal_instances_there_are(pooling, learns):
    left = error(trained(SetConfig(width=16, pooling=pooling), HOW_MANY), HOW_MANY)
    assert left < 0.05 if learns else left > 0.9


@pytest.mark.parametrize(("concepts", "groups"), [(1, 1), (2, 3)])
def test_an_instance_more_never_lowers_the_score_of_constrained_pooling(concepts, groups):
    config = SetConfig(width=8, pooling="constrained", concepts=concepts, groups=groups)
    x = 3 * jax.random.normal(jax.random.key(1), (200, 6, 8))
    model = config.build(BAGS.shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    scores = jnp.stack([call(model, jnp.where(jnp.arange(6)[:, None] < n, x, 0.0))[:, 0, 1] for n in range(1, 7)])
    assert (jnp.diff(scores, axis=0) >= 0).all()
    assert (jnp.diff(scores, axis=0) > 0).any(0).mean() > 0.5


@pytest.mark.parametrize("pooling", ["max", "mean", "sum", "attention", "constrained"])
def test_a_set_has_no_order_and_a_vector_of_zeros_is_not_in_it(pooling):
    shapes = models.Shapes(6, 2, width_in=4)
    model = SetConfig(width=8, pooling=pooling).build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    x = jax.random.normal(jax.random.key(1), (3, 6, 4)).at[:, 4:].set(0.0)
    outputs = call(model, x)
    np.testing.assert_allclose(call(model, x[:, jnp.array([5, 2, 0, 4, 3, 1])]), outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(call(model, x[:, :4])[:, 0], outputs[:, 0], rtol=1e-5, atol=1e-6)
    assert jnp.isfinite(call(model, jnp.zeros_like(x))).all()


def test_additive_attention_points_as_its_formula_says():
    config = TransformerConfig(**SMALL, read_out="pointer")
    shapes = models.Shapes(5, 5, vocabulary=4, places=True)
    model: Any = config.build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    h = np.asarray(jax.random.normal(jax.random.key(1), (5, 32)))
    w = jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.state(model.pointer)))
    logits = model.pointer(jnp.asarray(h)[None])[0]
    for i in range(5):
        for j in range(i + 1):
            query = h[i] @ w["query"]["kernel"] + w["query"]["bias"]
            np.testing.assert_allclose(logits[i, j], w["score"] @ np.tanh(query + h[j] @ w["key"]["kernel"]), rtol=1e-4)
    assert (np.triu(np.exp(logits), 1) == 0).all()


@pytest.mark.parametrize("mixer", ["attention", "lstm"])
def test_padding_of_a_source_is_neither_read_nor_pointed_at(mixer):
    config = EncoderDecoderConfig(**SMALL, mixer=mixer, read_out="pointer", position="answer")
    rngs = nnx.Rngs(params=jax.random.key(0))
    model = config.build(models.Shapes(8, 6, width_in=3, places=True, source=6), rngs=rngs)
    x = jax.random.normal(jax.random.key(1), (2, 8, 3)).at[:, 4:6].set(0.0)
    logits = call(model, x)[:, 6:]
    rngs = nnx.Rngs(params=jax.random.key(0))
    shorter = config.build(models.Shapes(6, 4, width_in=3, places=True, source=4), rngs=rngs)
    alone = call(shorter, jnp.concatenate([x[:, :4], x[:, 6:]], 1))[:, 4:]
    np.testing.assert_allclose(logits[..., :4], alone, rtol=1e-5, atol=1e-6)
    assert (jax.nn.softmax(logits, -1)[..., 4:] == 0).all()


def built(config: Any) -> Any:
    return config.build(models.Shapes(6, 5, vocabulary=5), rngs=nnx.Rngs(params=jax.random.key(0)))


def logits(model: Any) -> jax.Array:
    return call(model, jnp.array([[0, 1, 2, 3, 4, 0], [4, 4, 1, 0, 2, 2]]))


def test_a_tied_model_reads_out_with_its_embedding():
    model, table = built(TransformerConfig(**SMALL, tied=True)), built(TransformerConfig(**SMALL))
    assert "read_out" not in nnx.state(model)
    table.read_out.kernel[...] = table.embedding[...].T
    np.testing.assert_allclose(logits(model), logits(table), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("qk_norm", "same"), [(True, True), (False, False)])
def test_with_normalised_queries_and_keys_their_size_is_of_no_account(qk_norm, same):
    model = built(TransformerConfig(**SMALL, qk_norm=qk_norm))
    before, kernel = logits(model), model.blocks[0].mixer.qkv.kernel
    kernel[...] = kernel[...].at[:, :64].multiply(20.0)  # queries and keys
    assert np.allclose(logits(model), before, atol=1e-3) == same


def test_a_learned_scale_of_attention_starts_at_one_and_contains_the_logarithm():
    plain, by_log, learned = (
        built(TransformerConfig(**SMALL, attention_scale=scale)) for scale in ("none", "log", "learned")
    )
    np.testing.assert_allclose(logits(learned), logits(plain), rtol=1e-5, atol=1e-5)
    learned.blocks[0].mixer.scale[...] = jnp.array([[0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(logits(learned), logits(by_log), rtol=1e-5, atol=1e-5)
    assert not np.allclose(logits(by_log), logits(plain), atol=1e-3)


def test_parts_that_are_left_out_have_no_parameters():
    paths = [
        jax.tree_util.keystr(path)
        for path, _ in jax.tree.leaves_with_path(
            nnx.state(built(TransformerConfig(**SMALL | {"mlp_ratio": 0}, biases=False)))
        )
    ]
    assert not [path for path in paths if "bias" in path or "mlp" in path]
    assert len(paths) == 2 + 3 + 2  # embedding and positions; a norm, a projection in and out; a norm and the read-out


@pytest.mark.parametrize(("init", "deviation"), [("normal", 1.0), ("he", 2**0.5), ("uniform", 3**-0.5)])
def test_an_mlp_starts_with_weights_of_the_size_that_is_asked_for(init, deviation):
    shapes = models.Shapes(10, 2, vocabulary=20)
    model: Any = MLPConfig(init=init).build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    kernel = model.layers[0].kernel[...]
    assert float(kernel.std() * 200**0.5) == pytest.approx(deviation, rel=0.02)
    if init == "uniform":
        assert float(abs(kernel).max()) <= 200**-0.5
        assert float(abs(model.layers[0].bias[...]).max()) > 0


def test_a_linear_map_starts_at_zero_and_reads_each_entry_of_the_sequence_by_itself():
    shapes = models.Shapes(3, 2, width_in=2)
    model: Any = LinearConfig().build(shapes, rngs=nnx.Rngs(params=jax.random.key(0)))
    x = jax.random.normal(jax.random.key(1), (4, 3, 2))
    assert (model(x) == 0).all()
    weights = jnp.arange(12.0).reshape(6, 2)
    model.layers[0].kernel[...] = weights
    np.testing.assert_allclose(model(x)[:, 1], x.reshape(4, 6) @ weights, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_the_engine_trains_and_scores_an_architecture_that_is_no_transformer():
    run = Run(
        Sum(letters=4),
        MLPConfig(width=32),
        AdamW(lr=0.01, weight_decay=0.0, clip=0.0),
        Training(steps=150, batch_size=32),
        seed=0,
    )
    engine = Engine([run])
    scores = engine.evaluate(engine.advance(engine.start(), 150))
    assert scores["seen"]["exact_match"][0] > 0.9


@pytest.mark.parametrize("config", [MLPConfig(), LinearConfig(), SetConfig()], ids=lambda config: type(config).__name__)
def test_means_against_memory_of_an_architecture_without_blocks_are_smaller_passes(config):
    run = Run(HalfSpace(), config, AdamW(weight_decay=0.0, clip=0.0), Training(batch_size=32), seed=0)
    *_, strongest = memory.lighter(run, 2**30, 2**20)
    assert strongest.train.microbatch == 1
    assert strongest.model == config


MISFITS = [
    (TransformerConfig(read_out="pointer"), {}, "read_out", "a pointer needs a task whose answers are positions"),
    (EncoderDecoderConfig(read_out="pointer"), {"source": 3}, "read_out", "a pointer needs a task whose answers"),
    (EncoderDecoderConfig(), {}, "name", "encoder_decoder needs a task with a source"),
    (TransformerConfig(tied=True), {"vocabulary": None, "width_in": 2}, "tied", "inputs must be tokens"),
    (TransformerConfig(tied=True), {"outputs": 4}, "tied", "outputs must be the vocabulary's 5 tokens, the task has 4"),
    (SetConfig(pooling="constrained"), {}, "pooling", "constrained says yes or no: the task must have 1 or 2 outputs"),
]


@pytest.mark.parametrize(("config", "given", "key", "line"), MISFITS)
def test_shapes_that_a_model_cannot_serve_are_refused_in_one_line(config, given, key, line):
    shapes = models.Shapes(**{"length": 6, "outputs": 5, "vocabulary": 5, **given})
    ((said_key, said_line),) = config.misfits(shapes)
    assert said_key == key
    assert said_line.startswith(line)
    assert "\n" not in said_line


@pytest.mark.parametrize(
    ("config", "key", "line"),
    [
        (TransformerConfig(mixer="lstm", qk_norm=True), "qk_norm", "only attention can have it other than False"),
        (TransformerConfig(mixer="gru", biases=False), "biases", "only attention can have it other than True"),
        (TransformerConfig(read_out="pointer", tied=True), "tied", "a pointer has no matrix to share"),
        (EncoderDecoderConfig(heads=5), "heads", "must divide model.width = 64, got 5"),
        (SetConfig(concepts=2), "concepts", "only constrained pooling has concepts, got model.pooling = max"),
    ],
)
def test_fields_that_do_not_go_together_are_refused_in_one_line(config, key, line):
    ((said_key, said_line),) = config.problems()
    assert (said_key, said_line[: len(line)]) == (key, line)
