"""Runs in several phases: starts that have starts, and tasks that the model of the phase before makes."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from experiments.engine import config
from experiments.engine.records import read_end, task_of
from experiments.engine.train import train
from experiments.errors import ConfigError
from fields import pytree, static
from synthetic.draws import below
from synthetic.task import TASKS, Example
from tests.toys import Sum

TINY = (
    "task=sum",
    "task.letters=4",
    "model.width=16",
    "model.depth=1",
    "model.heads=2",
    "optim=adam",
    "optim.lr=0.01",
    "train.steps=6",
    "train.batch_size=16",
    "train.eval_every=200",
    "train.eval_examples=64",
)


@pytree
class Echo(Sum):
    """Say what the model of the run before says of each pair of letters."""

    letters: int = static(4, low=4)
    says: Any = None  # by that model, int8[letters, letters]

    from_model: ClassVar = True

    def materialise(self, before=None):
        a, b = np.divmod(np.arange(self.letters**2, dtype=np.int32), self.letters)
        pairs = np.stack([a, b, 0 * a], 1)
        answers = np.zeros(len(pairs)) if before is None else np.argmax(before(jnp.asarray(pairs))[:, -1], -1)
        return self.replace(says=answers.astype(np.int8).reshape(self.letters, -1))

    @property
    def size(self):
        return self.letters**2

    def sample(self, key, split):
        return self.item(below(jax.random.bits(key), self.size), key, split)

    def item(self, index, key, split):
        a, b = index // self.letters, index % self.letters
        answer = jnp.asarray(self.says)[a, b].astype(jnp.int32)
        inputs, targets = jnp.stack([a, b, 0]), jnp.stack([0, 0, answer])
        return Example(inputs, targets, jnp.array([0.0, 0.0, 1.0]), {"lie": jnp.bool(False)})


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    monkeypatch.setitem(TASKS._known, "sum", Sum)
    monkeypatch.setitem(TASKS._known, "echo", Echo)


def job_of(out, *overrides):
    return config.jobs([[*TINY, f"out={out}", *overrides]])[0]


def chain(job):
    """Returns the jobs of all phases, the first one first."""
    return [*(chain(job.start) if job.start else []), job]


def says(job):
    """Returns the answers that the model of the run before gives."""
    task: Any = task_of(job)
    return np.asarray(task.says)


def params_of(job):
    state = safetensors.numpy.load_file(job.folder / "state.safetensors")
    return {name: value for name, value in state.items() if name.startswith("params.")}


@pytest.mark.slow
def test_a_student_of_another_size_learns_what_its_teacher_says_right_or_wrong(tmp_path):
    student = job_of(
        tmp_path,
        "task=echo",
        "model.width=32",
        "train.steps=150",
        "train.order=epochs",
        "start_from={task:{name:sum,letters:4},model:{width:16},train:{steps:6,order:drawn},fresh:true}",
    )
    teacher = student.start
    assert teacher is not None
    assert teacher.id == job_of(tmp_path).id, "the phase before is a run like any other"
    assert [job.config["model"]["width"] for job in (teacher, student)] == [16, 32]
    train([student])
    last = read_end(student.folder)
    assert last is not None
    assert last["scores"]["seen"]["exact_match"] == 1
    assert (says(student) != (np.arange(4)[:, None] + np.arange(4)) % 4).any(), "a teacher of six steps errs"
    alone = read_end(teacher.folder)
    assert alone is not None
    assert alone["scores"]["seen"]["exact_match"] < 1


def test_three_phases_are_trained_in_turn_and_each_goes_on_from_the_one_before(tmp_path):
    """The second and third stand still, at a learning rate of 0, so that the last parameters are the first's."""
    start = "start_from={train:{steps:4},start_from:{optim:{lr:0.02},train:{steps:5}}}"
    last = job_of(tmp_path, "optim.lr=0", start)
    first, second, third = chain(last)
    assert [job.run.train.steps for job in (first, second, third)] == [5, 4, 6]
    assert [job.run.optim.lr for job in (first, second, third)] == [0.02, 0, 0]
    train([last])
    params = [params_of(job) for job in (first, second, third)]
    assert params[0]
    for name, value in params[0].items():
        np.testing.assert_array_equal(value, params[1][name])
        np.testing.assert_array_equal(value, params[2][name])
    times = [job.folder.joinpath("result.json").stat().st_mtime_ns for job in (first, second, third)]
    assert times == sorted(times)
    train([last])
    assert times == [job.folder.joinpath("result.json").stat().st_mtime_ns for job in (first, second, third)]


@pytest.mark.slow
def test_a_loop_of_models_that_train_on_each_others_answers_is_a_chain(tmp_path):
    """Lanes of one program whose sets differ, each made by the model before."""
    loop = "start_from={fresh:true,start_from:{task:{name:sum,letters:4},fresh:true}}"
    jobs = [job_of(tmp_path, "task=echo", loop, f"seed={seed}") for seed in (0, 1)]
    assert [type(job.run.task).__name__ for job in chain(jobs[0])] == ["Sum", "Echo", "Echo"]
    train(jobs)
    sets = [[says(phase) for phase in chain(job)[1:]] for job in jobs]
    assert any((a != b).any() for a, b in zip(*sets, strict=True)), "each seed has sets of its own"


def test_frozen_blocks_keep_those_of_the_run_before_and_all_else_begins_anew(tmp_path):
    """At a learning rate of 0 a run ends with the parameters that it began with."""
    before = "start_from={task:{name:sum,letters:5},model:{frozen:false},optim:{lr:0.02}"
    kept = job_of(tmp_path, "model.frozen=true", "optim.lr=0", f"{before},only:blocks+norm}}")
    alone = job_of(tmp_path, "model.frozen=true", "optim.lr=0")
    assert kept.start is not None
    assert (
        len(
            {
                job.id
                for job in (kept, alone, job_of(tmp_path, "model.frozen=true", "optim.lr=0", f"{before},only:norm}}"))
            }
        )
        == 3
    )
    train([kept, alone])
    first, last, own = (params_of(job) for job in (kept.start, kept, alone))
    parts = {name: name.split(".")[1] for name in last}
    assert {*parts.values()} == {"blocks", "embedding", "norm", "positions", "read_out"}
    for name, part in parts.items():
        np.testing.assert_array_equal(last[name], (first if part in ("blocks", "norm") else own)[name])
    assert first["params.embedding"].shape != last["params.embedding"].shape, "the run before has another alphabet"
    assert (last["params.blocks.0.mlp.inner.kernel"] != own["params.blocks.0.mlp.inner.kernel"]).any()


def test_a_phase_counts_in_the_id_of_all_that_follow_and_so_does_whether_parameters_are_fresh(tmp_path):
    starts = (
        "start_from={train:{steps:4}}",
        "start_from={train:{steps:4},start_from:{train:{steps:5}}}",
        "start_from={train:{steps:4},start_from:{train:{steps:7}}}",
    )
    echoes = (
        ["task=echo", "start_from={task:{name:sum,letters:4},fresh:true}"],
        ["task=echo", "start_from={task:{name:sum,letters:4}}"],
    )
    jobs = [job_of(tmp_path), *(job_of(tmp_path, start) for start in starts), *(job_of(tmp_path, *e) for e in echoes)]
    assert len({job.id for job in jobs}) == 6
    not_fresh = job_of(tmp_path, "start_from={train:{steps:4},fresh:false}")
    assert not_fresh.id == jobs[1].id


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["start_from={start_from:{task:{rules:3}}}"], "start_from.start_from.task.rules: unknown key; allowed"),
        (
            ["start_from={start_from:{start_from:{optim:{b1:2}}}}"],
            "start_from.start_from.start_from.optim.b1: expected",
        ),
        (["start_from={start_from:3}"], "start_from.start_from: expected null or values of task, model, optim, train"),
        (["start_from={start_from:{model:{width:8}}}"], "start_from.start_from: its model has other shapes"),
        (["start_from={fresh:1}"], "start_from.fresh: expected true or false, got 1"),
        (["start_from={only:3}"], "start_from.only: expected null or parts of the model, as blocks+norm, got 3"),
        (
            ["start_from={only:mlp}"],
            "start_from.only: the model has the parts blocks, embedding, norm, positions, read_out",
        ),
        (["start_from={only:blocks,fresh:true}"], "start_from.only: must be null with start_from.fresh"),
        (["start_from={only:blocks,model:{width:8}}"], "start_from: its model has other shapes in blocks"),
        (["start_from={fresh:true}"], "start_from.fresh: must be false with task=sum, made by no model"),
        (["task=echo"], "start_from: task=echo is made by the model of a run before; got null"),
        (["task=echo", "start_from={fresh:true}"], "start_from.start_from: task=echo is made by the model of a run be"),
    ],
)
def test_a_phase_that_cannot_be_is_refused_in_one_line_that_names_it(tmp_path, overrides, error):
    with pytest.raises(ConfigError) as refused:
        job_of(tmp_path, *overrides)
    assert len(refused.value.lines) == 1
    assert refused.value.lines[0].startswith(error)
