"""Runs that start from another run's parameters, and scores of decoded answers that a task judges."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
import safetensors.numpy

from experiments.engine import config
from experiments.engine.job import Job
from experiments.engine.results import table
from experiments.engine.scores import score
from experiments.engine.train import train
from experiments.errors import ConfigError
from experiments.judging import results
from experiments.judging.frame import further
from experiments.settings import settings_hash
from fields import pytree
from tests.commands import TINY
from tests.toys import Sum

START = "start_from={task:{num_rules:7},train:{steps:30}}"


def start_of(job: Job) -> Job:
    assert job.start is not None
    return job.start


def jobs_in(out, *overrides: str):
    return config.jobs([[*TINY, f"out={out}", "train.steps=20", f"seed={seed}", *overrides] for seed in (1, 2)])


def test_a_run_starts_from_the_last_parameters_of_its_start(tmp_path):
    """At a learning rate of 0 it also ends there."""
    jobs = jobs_in(tmp_path, "optim.lr=0", "start_from={task:{num_rules:7},train:{steps:30},optim:{lr:0.01}}")[:1]
    train(jobs)
    alone = config.jobs([[*TINY, "train.steps=30", "task.num_rules=7", "optim.lr=0.01", "seed=1"]])
    assert start_of(jobs[0]).id == alone[0].id, "the run before is a run like any other"
    first, last = (params_of(job) for job in (start_of(jobs[0]), jobs[0]))
    assert first.keys() == last.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, last[name])


def params_of(job: Job) -> dict[str, np.ndarray]:
    state = safetensors.numpy.load_file(job.folder / "state.safetensors")
    return {name: value for name, value in state.items() if name.startswith("params.")}


def test_starts_are_trained_once_and_are_part_of_the_identity(tmp_path):
    jobs = jobs_in(tmp_path, START)
    other = jobs_in(tmp_path, "start_from={task:{num_rules:7},train:{steps:31}}")
    plain = jobs_in(tmp_path)
    assert len({job.id for job in (*jobs, *other, *plain)}) == 6
    swept = [job for noop in ("0.1", "0.2") for job in jobs_in(tmp_path, f"task.noop_rate={noop}", START)]
    assert len({start_of(job).id for job in swept}) == 4, "a start differs from its run only by what start_from says"
    same = "start_from={task:{num_rules:7,noop_rate:0},train:{steps:30}}"
    swept = [job for noop in ("0.1", "0.2") for job in jobs_in(tmp_path, f"task.noop_rate={noop}", same)]
    assert len({start_of(job).id for job in swept}) == 2, "one for each seed"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("start_from=3", "start_from: expected null or values of task, model, optim, train, by section, got 3"),
        ("start_from={task:{rules:3}}", "start_from.task.rules: unknown key"),
        ("start_from={model:{width:8}}", "start_from: its model has other shapes: another model section"),
        ("start_from={task:{alphabet:9}}", "start_from: its model has other shapes: head Classes(number=9)"),
    ],
)
def test_a_bad_start_is_refused_in_one_line_that_names_the_key(tmp_path, asked, says):
    with pytest.raises(ConfigError) as error:
        config.jobs([[*TINY, f"out={tmp_path}", asked]])
    assert error.value.lines[0].startswith(says)


@pytree
class Judged(Sum):
    """Answers of one token, then an end."""

    @property
    def end(self) -> int:
        return 0

    def judge(self, example, decoded):
        place = jnp.argmax(example.weights)
        return {"even": (decoded[place] % 2 == 0).astype(jnp.float32)}


class Says:
    """A model that says one token."""

    def __init__(self, token: int, classes: int):
        self.token, self.classes = token, classes

    def __call__(self, inputs):
        return jnp.broadcast_to(jax.nn.one_hot(self.token, self.classes), (*inputs.shape, self.classes))

    def init_cache(self, batch):
        return jnp.zeros(())

    def step(self, inputs, t, cache):
        return jnp.broadcast_to(50 * jax.nn.one_hot(self.token, self.classes), (*inputs.shape, self.classes)), cache


@pytest.mark.parametrize("decoding", ["greedy", "sampled"])
@pytest.mark.parametrize("token", [3, 4])
def test_a_run_scores_its_decoded_answers_by_the_judge_of_its_task(decoding, token):
    task = Judged()
    keys = jax.random.split(jax.random.key(0), 32)
    examples = jax.vmap(lambda key: task.sample(key, "train"))(keys)
    model = Says(token, task.spec.outputs)
    found = score(model, task, examples, batch_size=8, decoding=decoding, key=jax.random.key(1))
    assert found["even"] == (token % 2 == 0)
    assert found[f"{decoding}_match"] == found["exact_match"]


def test_greedy_and_sampled_answers_are_judged_side_by_side():
    task = Judged()
    examples = jax.vmap(lambda key: task.sample(key, "train"))(jax.random.split(jax.random.key(0), 32))
    model, how = Says(4, task.spec.outputs), {"batch_size": 8, "key": jax.random.key(1)}
    greedy, sampled, both = (score(model, task, examples, decoding=d, **how) for d in ("greedy", "sampled", "both"))
    assert set(both) == {*greedy, "sampled_match", "sampled_even"}
    assert both == greedy | {"sampled_match": sampled["sampled_match"], "sampled_even": sampled["even"]}


def test_further_scores_have_columns_of_their_own(tmp_path):
    jobs = [
        dataclasses.replace(job, study="markov/threshold/smoke") for job in jobs_in(tmp_path, "train.decoding=greedy")
    ]
    train(jobs)
    path = tmp_path / "record.csv"
    results.write(table(jobs, "c417"), path)
    record = results.read(path)
    assert further(record) == ["greedy_match"]
    assert record.select("settings", "criterion").unique().rows() == [(settings_hash("markov/threshold/smoke"), "c417")]
    found = results.final_scores(record, "train", score="greedy_match")
    assert found["greedy_match"].to_list() == results.final_scores(record, "train")["exact_match"].to_list()
    with pytest.raises(results.RecordError, match="no score answer, only exact_match"):
        results.final_scores(record, "train", score="answer")
    with pytest.raises(results.RecordError, match="greedy_match has 2, which is out of range"):
        results.check(record.with_columns(pl.lit(2.0).alias("greedy_match")))
