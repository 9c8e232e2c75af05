"""`train.monitor`: what it records is what the model's parts are and do, and what else is recorded stays."""

from __future__ import annotations

import jax
import numpy as np
import optax
import pytest
from flax import nnx

from experiments.engine import config, lane, monitor, records
from experiments.engine.engine import Engine
from experiments.engine.lane import Run
from experiments.engine.losses import token_losses
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from fields import replace
from models.taps import capturing
from models.transformer import TransformerConfig
from tests.commands import TINY
from tests.toys import Sum

SMALL = Run(
    Sum(letters=8),
    TransformerConfig(width=16, depth=2, heads=2),
    AdamW(),
    Training(steps=3, batch_size=16, eval_examples=8, monitor=True),
    seed=1,
)
PARTS = ("embedding", "positions", "blocks_0", "blocks_1", "norm", "read_out")


@pytest.fixture(scope="module")
def monitored():
    """Scores of one condition before the first step, and the parameters, of a lane whose batch two devices share."""
    engine = Engine([SMALL], shard_batch=True)
    assert engine.parts == 2
    lanes = engine.start()
    scores = engine.evaluate(lanes)
    for name, value in scores["seen"].items():
        assert name in ("exact_match", "token_accuracy", "nll") or value == scores["unseen"][name]
    return {name: float(value[0]) for name, value in scores["seen"].items()}, lane.start(SMALL).params


def of_part(named, part):
    inside = part.replace("s_", "s.") + "."
    return np.sqrt(sum(np.square(x).sum() for name, x in named.items() if f"{name}.".startswith(inside)))


@pytest.mark.slow
def test_norms_of_gradient_and_parameters_are_those_of_the_parts_and_of_all(monitored):
    scores, params = monitored
    graph = lane._graph(SMALL)
    batch = lane.draw(SMALL.task, "train", jax.random.split(SMALL.key(lane._MONITOR))[0], 16)

    @jax.jit
    @jax.grad
    def gradient(params):
        losses = token_losses(nnx.merge(graph, params)(batch.inputs), batch.targets)
        return (losses * batch.weights).sum() / batch.weights.sum()

    for name, tree in (("gradient_norm", gradient(params)), ("parameter_norm", params)):
        assert scores[name] == pytest.approx(float(optax.tree.norm(tree)), rel=1e-4)
        parts = {part: scores[f"{name}_{part}"] for part in PARTS}
        assert parts == pytest.approx({part: of_part(records.named(tree), part) for part in PARTS}, rel=1e-4)
        assert {key for key in scores if key.startswith(name)} == {name, *(f"{name}_{part}" for part in PARTS)}


def test_alignments_are_cosines_of_the_weights_and_the_gradient_downhill(monitored):
    scores, params = monitored
    assert {key for key in scores if key.startswith("alignment")} == {"alignment", *(f"alignment_{p}" for p in PARTS)}
    rng = np.random.default_rng(0)
    slopes = jax.tree.map(lambda x: 1e-25 * rng.standard_normal(x.shape).astype(np.float32) - 2e-26 * x, params)
    cosines = monitor._alignments(params, slopes)
    weights, downhill = (records.named(tree) for tree in (params, jax.tree.map(lambda x: -1e25 * x, slopes)))
    for part in PARTS:
        inside = part.replace("s_", "s.") + "."
        names = [name for name in weights if f"{name}.".startswith(inside)]
        along = sum(float((weights[name].astype(float) * downhill[name]).sum()) for name in names)
        lengths = of_part(weights, part) * of_part(downhill, part)
        assert cosines[f"alignment_{part}"] == pytest.approx(along / lengths, abs=1e-5), part
    assert monitor._alignments(params, jax.tree.map(lambda x: -x, params))["alignment"] == pytest.approx(1)
    assert monitor._alignments(params, jax.tree.map(np.zeros_like, params))["alignment"] == 0


def test_logits_of_attention_and_of_the_softmax_are_those_of_the_batch(monitored):
    scores, params = monitored
    batch = lane.draw(SMALL.task, "train", jax.random.split(SMALL.key(lane._MONITOR))[0], 16)
    with capturing("*.logits") as seen:
        outputs = nnx.merge(lane._graph(SMALL), params)(batch.inputs)
    assert scores["attention_logit"] == pytest.approx(max(float(x.max()) for x in seen.values()), rel=1e-4)
    assert scores["log_z"] == pytest.approx(float(jax.nn.logsumexp(outputs[:, 2], -1).mean()), rel=1e-4)
    assert scores["absorbed"] == 0


def test_answers_are_absorbed_as_far_as_the_logits_are_large():
    params = lane.start(SMALL).params
    batch = lane.draw(SMALL.task, "train", jax.random.key(0), 64)

    @jax.jit
    def share_at(scale, absorb):
        larger = jax.tree.map(lambda x: x, params)
        larger["read_out"]["kernel"][...] = scale * params["read_out"]["kernel"][...]
        train = replace(SMALL.train, absorb=absorb)
        model = nnx.merge(lane._graph(SMALL), larger)
        seen = monitor.monitor(model, larger, larger, batch, SMALL.task.spec.head, train, lane.WHOLE)
        return seen["absorbed"], model(batch.inputs)[:, 2]

    for scale in (10.0, 20.0):
        share, logits = share_at(scale, 2.0**-24)
        ordered = np.sort(np.asarray(logits, np.float64))
        others = np.exp(ordered[:, :-1] - ordered[:, -1:]).sum(1)
        assert share == (others <= 2.0**-24).mean()
    assert 0 < share < 1
    assert share_at(20.0, 2.0**-11)[0] > share
    assert share_at(20.0, 0.0)[0] < share


def names(run):
    params = jax.eval_shape(lane.start, run).params
    return set(jax.eval_shape(lane.evaluate, params, run)["seen"])


def test_a_model_without_attention_has_no_logit_of_it_and_a_plain_run_none_of_all_this():
    scores = {"exact_match", "token_accuracy", "nll"}
    assert names(replace(SMALL, train=replace(SMALL.train, monitor=False))) == scores
    lstm = names(replace(SMALL, model=replace(SMALL.model, mixer="lstm", depth=1)))
    assert {"log_z", "absorbed", "gradient_norm", "parameter_norm_blocks_0"} <= lstm
    assert "attention_logit" not in lstm
    assert "attention_logit" in names(SMALL)


def test_what_is_monitored_is_declared_at_a_runs_end(tmp_path):
    plain, watched = (config.jobs([[*TINY, *more, f"out={tmp_path}"]])[0] for more in ([], ["train.monitor=true"]))
    record = records.Record(watched, writes=False)
    record.rows = [{"step": 20, "nll": 0.1, "absorbed": 0.0, "gradient_norm_norm": 1.0, "log_z": 3.0}]
    declared = record._measures()["measures"]
    assert {name: (of["low"], of["high"], of["share"]) for name, of in declared.items()} == {
        "absorbed": (0, 1, False),
        "gradient_norm_norm": (0, None, False),
        "log_z": (None, None, False),
    }
    other = records.Record(plain, writes=False)
    other.rows = record.rows
    assert other._measures() == {}
