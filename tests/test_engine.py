"""Lanes: what is true of runs that are trained side by side."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.engine import config
from experiments.engine.engine import Engine
from experiments.engine.lane import Run, treedef
from experiments.engine.rules import AdamW
from experiments.engine.training import Training
from fields import replace
from models.transformer import TransformerConfig
from tests.commands import TINY
from tests.toys import HalfSpace


def run_of(*overrides: str) -> Run:
    return config.jobs([[*TINY, *overrides]])[0].run


def trained(engine: Engine, *until: int):
    lanes = engine.start()
    for step in until:
        lanes = engine.advance(lanes, step)
    return engine.fetch(lanes)


def lane(lanes, k: int):
    return jax.tree.map(lambda x: x[k], lanes)


def assert_same(a, b) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


RUNS = [
    run_of("seed=1"),
    run_of("seed=2", "task.num_rules=5", "optim.lr=0.01"),
    run_of("seed=3", "task.noop_rate=0.5"),
]


def test_knobs_share_a_program_and_statics_do_not():
    assert len({treedef(run) for run in RUNS}) == 1
    assert treedef(run_of("model.depth=2")) != treedef(RUNS[0])
    assert treedef(run_of("train.batch_size=32")) != treedef(RUNS[0])
    with pytest.raises(ValueError, match="equal treedef"):
        Engine([RUNS[0], run_of("model.depth=2")])


def test_a_lane_trains_as_it_would_alone():
    """To float tolerance, whatever made the programs. Among those that were optimised it is to the bit: see below."""
    together = trained(Engine(RUNS), 20)
    for k, run in enumerate(RUNS):
        alone = trained(Engine([run]), 20)
        np.testing.assert_allclose(together.loss_sum[k], alone.loss_sum[0], rtol=1e-4)
        np.testing.assert_array_equal(together.step[k], alone.step[0])


@pytest.mark.slow  # programs that `make test` compiles in haste may round otherwise where they have more lanes
def test_a_lane_trains_as_it_would_alone_to_the_bit():
    together = trained(Engine(RUNS), 20)
    for k, run in enumerate(RUNS):
        assert_same(lane(together, k), lane(trained(Engine([run]), 20), 0))


@pytest.mark.slow
def test_a_vectorised_lane_trains_as_one_by_one():
    """To float tolerance in what the model does. Single parameters may differ: where a gradient is 0 but for rounding
    (a key's bias shifts all scores alike), Adam scales the rounding up to a step.
    """
    vectorised, one_by_one = Engine(RUNS, lanes_per_device=3), Engine(RUNS)
    a, b = (engine.advance(engine.start(), 20) for engine in (vectorised, one_by_one))
    np.testing.assert_allclose(a.loss_sum, b.loss_sum, rtol=1e-4)
    for name, found in vectorised.evaluate(a).items():
        np.testing.assert_allclose(found["nll"], one_by_one.evaluate(b)[name]["nll"], rtol=1e-3)


def test_lanes_differ_where_their_knobs_do():
    together = trained(Engine(RUNS), 5)
    kernels = together.params["read_out"]["kernel"][...]
    assert not np.allclose(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])


def test_results_do_not_depend_on_how_training_is_cut_into_chunks():
    engine = Engine(RUNS)
    assert_same(trained(engine, 20), trained(engine, 1, 4, 11, 20))


def test_a_lane_goes_on_from_its_own_step():
    """Lanes checkpointed at different steps catch up with one another, bit for bit."""
    engine = Engine(RUNS)
    early, late, whole = trained(engine, 7), trained(engine, 12), trained(engine, 20)
    mixed = engine.load([lane(early, 0), lane(late, 1), lane(early, 2)])
    assert_same(engine.fetch(engine.advance(mixed, 20)), whole)


def test_a_diverging_lane_is_frozen_and_disturbs_no_other():
    broken = replace(RUNS[1], optim=replace(RUNS[1].optim, lr=float("inf")))
    engine = Engine([RUNS[0], broken, RUNS[2]])
    with_broken = trained(engine, 20)
    without = trained(Engine(RUNS), 20)
    assert with_broken.diverged.tolist() == [False, True, False]
    assert with_broken.step.tolist()[0] == 20
    assert with_broken.step[1] < 20
    assert_same(lane(with_broken, 0), lane(without, 0))
    assert_same(lane(with_broken, 2), lane(without, 2))


def test_other_knobs_do_not_compile_anew():
    others = [replace(run, seed=9, task=replace(run.task, num_rules=3, noop_rate=0.9)) for run in RUNS]
    assert Engine(others).programs is Engine(RUNS).programs
    assert Engine(others[:1]).programs is not Engine(RUNS).programs


def test_runs_may_end_at_different_steps():
    short = run_of("train.steps=8")
    assert trained(Engine([RUNS[0], short, RUNS[1]]), 20).step.tolist() == [20, 8, 20]


def test_every_condition_is_scored_on_examples_of_its_own():
    engine = Engine(RUNS)
    scores = engine.evaluate(engine.start())
    assert list(scores) == list(RUNS[0].task.conditions())
    for found in scores.values():
        assert set(found) == {"exact_match", "token_accuracy", "nll"}
        assert all(value.shape == (3,) for value in found.values())
        # An untrained model knows nothing: about log(vocabulary) nats a token.
        assert np.all(np.abs(found["nll"] - np.log(RUNS[0].task.spec.outputs)) < 1.5)


def test_greedy_decoding_agrees_with_teacher_forcing_where_the_answer_is_unique():
    engine = Engine([run_of("train.decoding=greedy", "train.steps=300", "optim.lr=0.01", "train.eval_examples=200")])
    lanes = engine.advance(engine.start(), 300)
    for found in engine.evaluate(lanes).values():
        np.testing.assert_array_equal(found["greedy_match"], found["exact_match"])
    assert engine.evaluate(lanes)["seen/applied"]["exact_match"] > 0.2


def in_context(*noise_rates: float) -> Engine:
    """Returns lanes that learn half-spaces in context, each with noise of its own; all share a program."""
    task = HalfSpace(width=3, points=8)
    model, optim = TransformerConfig(width=32, depth=2, heads=2), AdamW(lr=0.003, schedule="constant")
    settings = Training(steps=600, batch_size=64, eval_examples=500)
    return Engine([Run(task.replace(noise_rate=noise), model, optim, settings, 0) for noise in noise_rates])


@pytest.mark.slow
def test_vectors_in_context_are_scored_as_a_curve():
    """What an in-context study needs: vector inputs, a score for each position, and lanes that differ in noise."""
    engine = in_context(0.0, 0.5)
    scores = engine.evaluate(engine.advance(engine.start(), 600))
    curve = scores["seen"]["curve"]
    assert curve.shape == (2, 16)
    assert np.isnan(curve[:, 1::2]).all()  # nothing is asked at the y
    weighted = curve[:, ::2]
    np.testing.assert_allclose(weighted.mean(1), scores["seen"]["token_accuracy"], rtol=1e-5)
    assert weighted[0, -1] > weighted[0, 0] + 0.1  # more examples in context, better
    assert weighted[0, -1] > weighted[1, -1] + 0.2  # labels that are coin flips teach nothing


def test_baselines_are_scored_on_the_models_examples():
    """One that knows the plane errs where labels lie alone; one that always says yes is right half the time."""
    found = in_context(0.0, 0.25).baselines()
    assert list(found) == ["knows", "says yes"]
    assert found["knows"]["unseen"]["exact_match"].tolist() == [1, 1]
    np.testing.assert_allclose(found["knows"]["seen"]["exact_match"], [1, 0.75], atol=0.06)
    np.testing.assert_allclose(found["knows"]["seen"]["curve"][1, ::2], 0.75, atol=0.07)
    np.testing.assert_allclose(found["says yes"]["unseen"]["token_accuracy"], 0.5, atol=0.03)


def test_learning_rate_schedules_warm_up_and_end_at_their_stated_values():
    at = lambda o, step: float(o.rate(jnp.int32(step), jnp.int32(100)))  # noqa: E731
    cosine = AdamW(schedule="cosine", lr=1.0, warmup=10, final=0.1)
    assert at(cosine, 0) == pytest.approx(0.1)
    assert at(cosine, 9) == pytest.approx(1.0)
    assert at(cosine, 55) == pytest.approx(0.55)
    assert at(cosine, 100) == pytest.approx(0.1)
    linear = AdamW(schedule="linear", lr=2.0)
    assert [at(linear, s) for s in (0, 50, 100)] == pytest.approx([2.0, 1.0, 0.0])
    assert at(AdamW(schedule="constant", lr=3.0, warmup=4), 77) == pytest.approx(3.0)
