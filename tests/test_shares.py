"""One run over several devices, in several passes, with blocks made again: the run that one device trains at once."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from experiments.engine import config, memory
from experiments.engine.engine import Engine, layout
from experiments.engine.lane import Run
from experiments.engine.pack import Pack
from experiments.engine.progress import Progress
from experiments.engine.records import read_end
from experiments.engine.rules import AdamW
from experiments.engine.train import train
from experiments.engine.training import Training
from experiments.errors import ConfigError
from fields import replace
from models.transformer import TransformerConfig
from tests.commands import TINY
from tests.toys import HalfSpace

STEPS = 12


def run_of(*overrides: str) -> Run:
    return config.jobs([[*TINY, *overrides]])[0].run


# Answers of unequal lengths (a mean of means would not be the mean), and learned positions shifted at random.
# Adam's epsilon keeps it from scaling up gradients that are 0 but for rounding, as that of a key's bias.
UNEQUAL = run_of(
    "task.replace_length=2", "task.noop_rate=0.5", "model.shift=5", "optim.clip=1.0", "optim.eps=0.001", "optim.lr=0.01"
)


def trained(run: Run, *, until: int = STEPS, lanes: int = 1, **how):
    """The lanes after a few steps, on the host, and their scores."""
    runs = [replace(run, seed=run.seed + k) for k in range(lanes)]
    engine = Engine(runs, **how)
    state = engine.advance(engine.start(), until)
    return engine.fetch(state), engine.evaluate(state)


def assert_near(one, other) -> None:
    """To float tolerance, in the loss, the scores, and every parameter."""
    (a, scores_a), (b, scores_b) = one, other
    np.testing.assert_allclose(a.loss_sum, b.loss_sum, rtol=2e-5)
    np.testing.assert_array_equal(a.step, b.step)
    for condition, found in scores_a.items():
        np.testing.assert_allclose(found["nll"], scores_b[condition]["nll"], rtol=1e-4)
    for x, y in zip(jax.tree.leaves(a.params), jax.tree.leaves(b.params), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=2e-6)


@pytest.mark.slow
def test_the_examples_of_a_step_differ_in_weight():
    batch = jax.vmap(UNEQUAL.task.sample, (0, None))(jax.random.split(jax.random.key(0), 16), "train")
    assert len(set(batch.weights.sum(-1).tolist())) > 1


def test_a_batch_shared_by_two_devices_trains_as_on_one():
    """And both devices hold the same bits of it."""
    engine = Engine([UNEQUAL], shard_batch=True)
    assert engine.parts == 2
    lanes = engine.advance(engine.start(), STEPS)
    assert_near((engine.fetch(lanes), engine.evaluate(lanes)), trained(UNEQUAL))
    for leaf in jax.tree.leaves(lanes):
        first, second = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        np.testing.assert_array_equal(first, second)


def test_a_batch_in_passes_trains_as_all_at_once():
    in_passes = replace(UNEQUAL, train=replace(UNEQUAL.train, microbatch=4))
    assert_near(trained(in_passes), trained(UNEQUAL))


def test_blocks_made_again_train_as_blocks_kept():
    assert_near(trained(replace(UNEQUAL, model=replace(UNEQUAL.model, remat=True))), trained(UNEQUAL))


@pytest.mark.slow
def test_shares_passes_and_blocks_made_again_all_together_with_vectorised_lanes(monkeypatch):
    """Rows of devices are longer than one where lanes are fewer than devices: here by saying so."""
    model, train = replace(UNEQUAL.model, remat=True), replace(UNEQUAL.train, microbatch=4)
    monkeypatch.setattr("experiments.engine.engine.layout", lambda *_: (1, 2))
    together = trained(replace(UNEQUAL, model=model, train=train), lanes=2, lanes_per_device=2)
    monkeypatch.undo()
    assert_near(together, trained(UNEQUAL, lanes=2))


@pytest.mark.slow
def test_curves_and_baselines_of_shared_batches_are_those_of_one_device():
    task = HalfSpace(width=3, points=8)
    run = Run(task, TransformerConfig(width=32, depth=1), AdamW(), Training(batch_size=16, eval_examples=100), 0)
    alone, shared = Engine([run]), Engine([run], shard_batch=True)
    jax.tree.map(np.testing.assert_allclose, shared.baselines(), alone.baselines())
    curves = [engine.evaluate(engine.start())["seen"]["curve"] for engine in (alone, shared)]
    np.testing.assert_allclose(*curves, rtol=1e-5)


@pytest.mark.slow
def test_scores_of_examples_that_cannot_be_shared_are_made_by_each_device():
    odd = replace(UNEQUAL, train=replace(UNEQUAL.train, eval_examples=31))
    assert_near(trained(odd, shard_batch=True), trained(odd))


def test_devices_without_a_lane_share_batches_where_that_is_asked_for():
    assert layout(1, 8, 128, share=False) == (8, 1)
    assert layout(8, 8, 128, share=True) == (8, 1)
    assert layout(9, 8, 128, share=True) == (8, 1)
    assert layout(1, 8, 128, share=True) == (1, 8)
    assert layout(4, 8, 128, share=True) == (4, 2)
    assert layout(3, 8, 128, share=True) == (1, 8)
    assert layout(1, 8, 20, share=True) == (2, 4)  # eight parts of 20 there are not
    assert layout(1, 3, 20, share=True) == (3, 1)
    assert Engine([UNEQUAL]).parts == 1  # a CPU's results keep their bits


@pytest.mark.parametrize("switch", [True, False])
def test_a_run_goes_on_exactly_on_as_many_devices_and_nearly_on_others(switch):
    whole = trained(UNEQUAL, shard_batch=True)
    engine = Engine([UNEQUAL], shard_batch=True)
    half = engine.fetch(engine.advance(engine.start(), STEPS // 2))
    engine = Engine([UNEQUAL], shard_batch=not switch)
    lanes = engine.load([jax.tree.map(lambda x: x[0], half)])
    state = engine.advance(lanes, STEPS)
    ended = engine.fetch(state), engine.evaluate(state)
    if switch:
        assert_near(ended, whole)
    else:
        jax.tree.map(np.testing.assert_array_equal, ended, whole)


def test_a_diverging_run_stops_on_all_devices():
    broken = replace(UNEQUAL, optim=replace(UNEQUAL.optim, lr=float("inf")))
    lanes, _ = trained(broken, shard_batch=True)
    assert lanes.diverged.tolist() == [True]
    assert lanes.step[0] < STEPS


def test_means_against_memory_are_no_part_of_a_runs_identity(tmp_path):
    jobs = [
        config.jobs([[*TINY, f"out={tmp_path}", *more]])[0]
        for more in ([], ["train.microbatch=4"], ["model.remat=true"], ["train.microbatch=8", "model.remat=true"])
    ]
    assert len({job.id for job in jobs}) == 1
    assert len({job.run.train.microbatch for job in jobs}) == 3


def test_passes_that_do_not_divide_the_batch_are_refused_in_one_line():
    with pytest.raises(ConfigError, match=r"^train.microbatch: must divide train.batch_size = 16, got 5$"):
        run_of("train.microbatch=5")


@pytest.mark.slow
def test_a_lane_that_does_not_fit_is_trained_by_the_weakest_means_that_fit(tmp_path, monkeypatch, capfd):
    """What the compiler counts for the chosen means is less than there is, and is said, and recorded."""
    job = config.jobs([[*TINY, "train.batch_size=64", "model.depth=3", f"out={tmp_path}"]])[0]
    needed = Engine([job.run]).programs.device_bytes
    monkeypatch.setattr("experiments.engine.devices.memory", lambda: int(0.6 * needed))
    monkeypatch.setattr(memory, "POSITIONS_A_PASS", 4 * job.run.task.spec.length)
    (end,) = train([job])
    assert end is not None
    assert end["status"] == "finished"
    assert 0 < end["microbatch"] < 64
    assert end["device_bytes"] <= 0.6 * needed
    assert f"{end['microbatch']} of 64 examples a pass" in capfd.readouterr().err


@pytest.mark.slow
def test_where_nothing_fits_the_strongest_means_are_tried(tmp_path, monkeypatch, capfd):
    job = config.jobs([[*TINY, f"out={tmp_path}"]])[0]
    monkeypatch.setattr("experiments.engine.devices.memory", lambda: 1)
    pack = Pack([job], Progress())
    assert pack.means == {"batch_devices": 1, "microbatch": 1, "remat": True}
    assert "1 of 16 examples a pass, blocks made again for their gradients" in capfd.readouterr().err


@pytest.mark.slow
def test_a_lane_that_runs_out_of_memory_while_it_trains_is_tried_with_less(tmp_path, monkeypatch, capfd):
    """As where the device counts otherwise than the compiler."""
    job = config.jobs([[*TINY, f"out={tmp_path}"]])[0]
    advance, whole = Engine.advance, Engine([job.run]).programs
    monkeypatch.setattr("experiments.engine.devices.memory", lambda: int(1.01 * whole.device_bytes))

    def not_whole(engine, lanes, until):
        if engine.programs is whole:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory while trying to allocate")
        return advance(engine, lanes, until)

    monkeypatch.setattr(Engine, "advance", not_whole)
    assert [end and end["status"] for end in train([job])] == ["finished"]
    assert "the lane does not fit, trying it with less memory (RESOURCE_EXHAUSTED: out of" in capfd.readouterr().err
    end = read_end(job.folder)
    assert end is not None
    assert end["microbatch"] or end["remat"]
