"""The transformer: what it computes, what it may not see, and how its parts take part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from flax import nnx

import models
from fields import check, replace
from models import positions
from models.transformer import TransformerConfig

SCHEMES = positions.SCHEMES
SMALL = TransformerConfig(width=16, depth=2, heads=2)
LENGTH, LETTERS = 7, 5


def built(config: Any = SMALL, *, seed=0, vocabulary: int | None = LETTERS, width_in=None, classes=LETTERS) -> Any:
    rngs = nnx.Rngs(params=jax.random.key(seed))
    return config.build(models.Shapes(LENGTH, classes, vocabulary, width_in), rngs=rngs)


def tokens(batch=3, time=LENGTH, seed=1):
    return jax.random.randint(jax.random.key(seed), (batch, time), 0, LETTERS)


def close(a, b, tolerance=3e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# The same architecture again, one position and one head at a time, in float64.


def numpy_logits(config, model, row):
    """Logits of one sequence of tokens or vectors."""
    w = jax.tree.map(lambda x: np.asarray(x, np.float64), nnx.to_pure_dict(nnx.state(model)))

    def norm(p, x):
        return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * p["scale"] + p["bias"]

    def activate(x):
        if config.activation == "relu":
            return np.maximum(x, 0)
        if config.activation == "silu":
            return x / (1 + np.exp(-x))
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    def turned(x, t):
        half = len(x) // 2
        first, second = x[:half], x[half:]
        angle = t * 10_000.0 ** (-np.arange(half) / half)
        return np.concatenate(
            [first * np.cos(angle) - second * np.sin(angle), second * np.cos(angle) + first * np.sin(angle)]
        )

    stream = []
    for t, entry in enumerate(np.asarray(row)):
        if config.position == "sinusoidal":
            x = np.sqrt(config.width) * w["embedding"][entry] + numpy_sinusoid(t, config.width)
        else:
            x = w["embedding"][entry] if np.ndim(entry) == 0 else entry @ w["read_in"]["kernel"] + w["read_in"]["bias"]
        stream.append(x + w["positions"][t] if config.position == "learned" else x)
    head_width = config.width // config.heads
    for block in w["blocks"].values():
        mixer, mlp = block["mixer"], block["mlp"]
        qkv = [norm(block["mixer_norm"], x) @ mixer["qkv"]["kernel"] + mixer["qkv"]["bias"] for x in stream]
        mixed = []
        for t in range(len(stream)):
            heads = []
            for h in range(config.heads):
                at = [part * config.width + h * head_width + np.arange(head_width) for part in range(3)]
                q, keys, values = (
                    qkv[t][at[0]],
                    [qkv[s][at[1]] for s in range(t + 1)],
                    [qkv[s][at[2]] for s in range(t + 1)],
                )
                if config.position == "rope":
                    q, keys = turned(q, t), [turned(k, s) for s, k in enumerate(keys)]
                scores = np.array([q @ k / np.sqrt(head_width) for k in keys])
                if config.position == "alibi":
                    scores -= 2.0 ** (-8 * (h + 1) / config.heads) * (t - np.arange(t + 1))
                weights = np.exp(scores) / np.exp(scores).sum()
                heads.append(sum(a * v for a, v in zip(weights, values, strict=True)))
            mixed.append(stream[t] + np.concatenate(heads) @ mixer["out"]["kernel"] + mixer["out"]["bias"])
        stream = []
        for x in mixed:
            hidden = activate(norm(block["mlp_norm"], x) @ mlp["inner"]["kernel"] + mlp["inner"]["bias"])
            stream.append(x + hidden @ mlp["outer"]["kernel"] + mlp["outer"]["bias"])
    return np.array([norm(w["norm"], x) @ w["read_out"]["kernel"] for x in stream])


def numpy_sinusoid(t, width):
    vector = np.zeros(width)
    for i in range(width // 2):
        vector[2 * i] = np.sin(t / 10_000 ** (2 * i / width))
        vector[2 * i + 1] = np.cos(t / 10_000 ** (2 * i / width))
    return vector


@pytest.mark.parametrize("position", SCHEMES)
def test_a_plain_numpy_transformer_with_the_same_weights_gives_the_same_logits(position):
    config = replace(SMALL, position=position)
    model, x = perturbed(built(config)), tokens(1)
    close(model(x)[0], numpy_logits(config, model, x[0]))


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_a_plain_numpy_transformer_agrees_with_other_activations_and_on_vectors(activation):
    config = replace(SMALL, activation=activation)
    model = perturbed(built(config, vocabulary=None, width_in=3))
    x = jax.random.normal(jax.random.key(1), (1, LENGTH, 3))
    close(model(x)[0], numpy_logits(config, model, x[0]))


def perturbed(model):
    """The model with no parameter left at zero or one, so that each counts."""
    graph, state = nnx.split(model)
    leaves, structure = jax.tree.flatten(state)
    keys = jax.random.split(jax.random.key(9), len(leaves))
    noisy = [x + 0.1 * jax.random.normal(key, x.shape) for x, key in zip(leaves, keys, strict=True)]
    return nnx.merge(graph, jax.tree.unflatten(structure, noisy))


@pytest.mark.parametrize("position", SCHEMES)
def test_no_position_sees_what_comes_after_it(position):
    model, x = built(replace(SMALL, position=position)), tokens()
    changed = x.at[:, 4].set((x[:, 4] + 1) % LETTERS)
    np.testing.assert_array_equal(model(x)[:, :4], model(changed)[:, :4])
    assert (model(x)[:, 4:] != model(changed)[:, 4:]).any(-1).all()


@pytest.mark.parametrize("position", SCHEMES)
def test_only_a_model_told_of_positions_knows_the_order_of_what_it_attends_to(position):
    model, x = built(replace(SMALL, depth=1, position=position)), jnp.array([[0, 1, 2, 3, 4, 1, 0]])
    reordered = x[:, jnp.array([3, 0, 4, 2, 5, 1, 6])]
    same = np.allclose(model(x)[:, -1], model(reordered)[:, -1], atol=1e-5)
    assert same == (position == "none")


def test_a_shorter_sequence_is_a_prefix_and_a_longer_one_an_error():
    model, x = built(), tokens()
    close(model(x)[:, :3], model(x[:, :3]))
    with pytest.raises(ValueError, match="7 positions, got 8"):
        model(tokens(time=LENGTH + 1))


def test_sinusoids_are_those_of_the_paper():
    close(positions.sinusoids(9, 6), [numpy_sinusoid(t, 6) for t in range(9)])


def test_rope_scores_depend_on_the_distance_alone():
    q, k = jax.random.normal(jax.random.key(0), (2, 8))
    cos, sin = positions.rotation(30, 8)

    def score(i, j):
        return positions.rotate(q, cos[i], sin[i]) @ positions.rotate(k, cos[j], sin[j])

    close(score(5, 2), score(25, 22), 1e-4)
    close(score(0, 0), q @ k, 1e-4)
    assert abs(score(5, 2) - score(5, 3)) > 1e-2


def test_alibi_slopes_are_those_of_the_paper():
    close(positions.alibi_slopes(8), [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256])


def test_alibi_lowers_scores_in_proportion_to_the_distance():
    bias = np.asarray(
        built(replace(SMALL, position="alibi")).blocks[0].mixer._bias(np.arange(4)[:, None], np.arange(4)[None])
    )
    for head, slope in enumerate(positions.alibi_slopes(SMALL.heads)):
        for query in range(4):
            close(bias[head, query, : query + 1], -slope * (query - np.arange(query + 1)))
            assert (bias[head, query, query + 1 :] == -np.inf).all()


def test_with_a_key_each_row_starts_somewhere_within_the_shift():
    model, x = built(replace(SMALL, shift=3)), jnp.repeat(tokens(1), 64, axis=0)
    table = model.positions[...]
    from_offset = []
    for offset in range(4):
        model.positions[...] = jnp.roll(table, -offset, axis=0)
        from_offset.append(model(x[:1])[0])
    model.positions[...] = table
    rows = model(x, jax.random.key(0))
    found = {int(np.argmin([abs(row - want).max() for want in from_offset])) for row in rows}
    assert found == {0, 1, 2, 3}
    assert all(min(abs(row - want).max() for want in from_offset) < 1e-4 for row in rows)
    close(model(x)[0], from_offset[0])


@pytest.mark.parametrize("position", SCHEMES)
def test_without_a_shift_a_key_changes_nothing(position):
    model, x = built(replace(SMALL, position=position)), tokens()
    np.testing.assert_array_equal(model(x, jax.random.key(0)), model(x))


@pytest.mark.parametrize(("precision", "tolerance"), [("tensorfloat32", 0.02), ("bfloat16", 0.1)])
def test_lower_precision_gives_nearly_the_same_logits_in_float32(precision, tolerance):
    x = tokens()
    exact, rough = built()(x), built(replace(SMALL, precision=precision))(x)
    assert rough.dtype == jnp.float32
    close(rough, exact, tolerance)
    if precision == "bfloat16":
        assert (rough != exact).any()


def test_models_of_one_shape_can_be_stacked_and_run_side_by_side():
    graph = nnx.split(built())[0]
    both = [nnx.split(built(seed=seed))[1] for seed in (0, 1)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *both)
    x = jnp.stack([tokens(seed=1), tokens(seed=2)])

    def loss(params, x):
        return jnp.square(nnx.merge(graph, params)(x)).mean()

    together = jax.jit(jax.vmap(jax.value_and_grad(loss)))(stacked, x)
    for k, params in enumerate(both):
        alone = jax.jit(jax.value_and_grad(loss))(params, x[k])
        jax.tree.map(close, jax.tree.map(lambda leaf, k=k: leaf[k], together), alone)


def test_parameters_can_be_drawn_under_vmap():
    def params(key):
        rngs = nnx.Rngs(params=key)
        model = SMALL.build(models.Shapes(LENGTH, 4, 4), rngs=rngs)
        return nnx.split(model)[1]

    stacked = jax.jit(jax.vmap(params))(jax.random.split(jax.random.key(0), 2))
    kernel = stacked["read_out"]["kernel"][...]
    assert kernel.shape == (2, SMALL.width, 4)
    assert (kernel[0] != kernel[1]).all()


def test_the_residual_stream_starts_no_larger_in_a_deep_model():
    x = tokens(batch=16)
    spread = [float(_stream(replace(SMALL, width=64, depth=depth), x).std()) for depth in (2, 8)]
    assert 0.7 < spread[1] / spread[0] < 1.4


def _stream(config, x):
    """The residual stream before the final LayerNorm."""
    model = built(config)
    seen = []
    norm = model.norm
    model.norm = lambda x_NxD: seen.append(x_NxD) or norm(x_NxD)
    model(x)
    return seen[0]


# Configurations.


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"heads": 5}, "model.heads: must divide model.width = 64, got 5"),
        ({"width": 12, "position": "rope"}, "model.position: rope needs an even width per head"),
        ({"shift": 4, "position": "alibi"}, "model.shift: only learned positions can be shifted"),
        ({"activation": "tanh"}, "model.activation: expected one of gelu, relu, silu, got 'tanh'"),
    ],
)
def test_a_model_that_cannot_be_built_is_refused_in_one_line(values, error):
    config, errors = check(values, TransformerConfig, "model")
    assert config is None
    assert len(errors) == 1
    assert errors[0].startswith(error)


@pytest.mark.parametrize("given", [{"vocabulary": 4, "width_in": 2}, {"vocabulary": None, "width_in": None}])
def test_a_model_reads_either_tokens_or_vectors(given):
    with pytest.raises(ValueError, match="one of vocabulary and width_in"):
        built(**given)


@pytest.mark.parametrize(("name", "parameters"), [("slim", 5.3e4), ("tiny", 1e5), ("small", 8e5), ("only_if", 4.8e6)])
def test_named_sizes_have_about_the_parameters_that_their_files_state(name, parameters):
    values = yaml.safe_load((Path(__file__).parents[1] / "conf" / "model" / f"{name}.yaml").read_text())
    (name,) = values.pop("defaults")
    kind = models.registry()[name]
    config, errors = check(values, kind, "model")
    assert errors == []
    shapes = nnx.eval_shape(lambda: built(config, vocabulary=17, classes=17))
    assert sum(x.size for x in jax.tree.leaves(nnx.state(shapes))) == pytest.approx(parameters, rel=0.05)
