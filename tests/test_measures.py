"""Measures of a task's own, numbers and places: trained, scored, recorded, and given to sweepers; when it is looked."""

from __future__ import annotations

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from jax.sharding import Mesh, PartitionSpec

import fields
from experiments import export
from experiments.engine import fit, records
from experiments.engine.bisection import Bisection
from experiments.engine.engine import Engine
from experiments.engine.job import Job
from experiments.engine.lane import Run, draw
from experiments.engine.pack import _plain
from experiments.engine.progress import _format_score
from experiments.engine.rules import AdamW
from experiments.engine.scores import score
from experiments.engine.share import BATCH, WHOLE, Share
from experiments.engine.train import train, value
from experiments.engine.training import Training
from fields import pytree
from models.transformer import TransformerConfig
from synthetic import Measure, Measured
from synthetic.measures import declarations, measures_of
from tests.toys import HalfSpace, Line, Sort


def surplus(example, outputs):
    """By how much the model prefers class 1 at the last question, and whether that is right."""
    return outputs[-2, 1] - outputs[-2, 0], example.targets[-2]


def area(scores, labels):
    """The share of pairs of a right and a wrong example in which the right one has the larger score."""
    pairs = (labels[:, None] > labels[None]).astype(jnp.float32)
    larger = jnp.sign(scores[:, None] - scores[None]) / 2 + 0.5
    return (pairs * larger).sum() / pairs.sum()


@pytree
class Ranked(HalfSpace):
    """Is measured by the area under the ROC curve, and by a mean without bounds."""

    def measures(self):
        auc = Measured(Measure("auc", lost=0.5, doc="area under the ROC curve at the last question"), surplus, area)
        size = Measure("output_size", high=None, better="lower")
        return auc, Measured(size, lambda example, outputs: jnp.abs(outputs).mean())


def plain_area(scores, labels) -> float:
    """By ranks: the sum of those of the right examples, less the least that it can be, over the number of pairs."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    ranks = [n + 1 for n, i in enumerate(order) if labels[i]]
    right = len(ranks)
    return (sum(ranks) - right * (right + 1) / 2) / (right * (len(scores) - right))


def test_a_measure_sees_all_examples_at_once_over_slices_and_devices():
    task = Ranked(width=2, points=3)
    batch = jax.vmap(lambda key: task.sample(key, "train"))(jax.random.split(jax.random.key(0), 24))

    def model(inputs):
        return jnp.stack([inputs.sum(-1), inputs.cumsum(1).max(-1)], -1) * 1.1

    def scores(examples, share: Share = WHOLE):
        how: dict[str, Any] = {"batch_size": 5, "decoding": "none", "key": jax.random.key(1), "share": share}
        return score(model, task, examples, **how)

    mesh = Mesh(np.array(jax.devices()[:2]), (BATCH,))
    shared = jax.shard_map(
        lambda some: scores(some, Share(2)),
        mesh=mesh,
        in_specs=PartitionSpec(BATCH),
        out_specs=PartitionSpec(),
        check_vma=False,
    )
    outputs = np.asarray(model(batch.inputs))
    prefers, labels = outputs[:, -2, 1] - outputs[:, -2, 0], np.asarray(batch.targets)[:, -2]
    for found in (jax.jit(scores)(batch), jax.jit(shared)(batch)):
        assert found["auc"] == pytest.approx(plain_area(prefers.tolist(), labels.tolist()), abs=1e-6)
        assert found["output_size"] == pytest.approx(np.abs(outputs).mean(), rel=1e-5)


@pytree
class JudgedSort(Sort):
    """Judges the first answer: of all examples, of those whose first letter is odd, and of none."""

    def judge(self, example, decoded):
        right = decoded[self.number] == example.targets[self.number]
        odd = example.inputs[0] % 2 == 1
        return {"first": right, "first_of_odd": (right, odd), "first_of_none": (right, jnp.bool(False))}


class Last:
    """Points at the last letter, always."""

    def __call__(self, inputs):
        return jax.nn.one_hot(jnp.full(inputs.shape, 2), 3)

    def init_cache(self, batch):
        return jnp.zeros(batch)

    def step(self, inputs, t, cache):
        return self(inputs), cache


def test_a_judged_pair_is_a_mean_over_the_examples_that_count():
    task: Any = JudgedSort()
    batch = jax.jit(lambda: draw(task, "train", jax.random.key(1), 64))()
    how: dict[str, Any] = {"batch_size": 16, "decoding": "greedy", "key": jax.random.key(2)}
    found = jax.jit(lambda some: score(Last(), task, some, **how))(batch)
    right, odd = np.asarray(batch.targets[:, 3] == 2), np.asarray(batch.inputs[:, 0] % 2 == 1)
    assert found["first"] == pytest.approx(right.mean())
    assert found["first_of_odd"] == pytest.approx(right[odd].mean())
    assert found["first_of_none"] == 0
    assert right[odd].mean() != right.mean()


def test_a_score_is_shown_in_few_letters_whatever_its_bounds():
    assert [_format_score(x) for x in (0.0, 0.876, 1.0, 12.3456, -3e-7, None)] == [
        ".00",
        ".88",
        "1.0",
        "12.3",
        "-3e-07",
        "-",
    ]
    assert _plain(np.array(np.nan)) is None


def test_measures_say_what_records_need_and_standard_ones_are_not_repeated():
    assert list(measures_of(Ranked())) == ["exact_match", "token_accuracy", "nll", "auc", "output_size"]
    assert declarations(Ranked()) == {
        "auc": {"low": 0.0, "high": 1.0, "better": "higher", "lost": 0.5, "share": False},
        "output_size": {"low": 0.0, "high": None, "better": "lower", "lost": None, "share": False},
    }
    assert list(declarations(Line())) == ["squared_error"]
    assert declarations(Sort()) == {}


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        ({"name": "AUC"}, "a name has small letters, digits and underscores"),
        ({"better": "larger"}, "better is higher or lower, got 'larger'"),
        ({"low": 1.0, "high": 0.0}, "bounds are finite and rise, got 1.0 and 0.0"),
        ({"high": math.inf}, "bounds are finite and rise, got 0.0 and inf"),
        ({"high": 2.0, "share": True}, "a share is from 0 to 1, got 0.0 to 2.0"),
        ({"lost": -1.0}, "lost is outside its bounds: -1.0"),
    ],
)
def test_a_measure_that_contradicts_itself_is_refused(declaration: dict[str, Any], fault: str):
    with pytest.raises(ValueError, match=fault):
        Measure(**{"name": "auc", **declaration})


def job_of(task: Any, folder: Any, **settings) -> Job:
    """The job of a task that is not registered."""
    model = TransformerConfig(width=32, depth=2, heads=2)
    train_settings = {"steps": 300, "batch_size": 64, "eval_every": 10, "eval_examples": 128, **settings}
    run = Run(
        task,
        model,
        AdamW(lr=0.005, weight_decay=0.0, clip=0.0, schedule="linear", warmup=20),
        Training(**train_settings),
        0,
    )
    parts = {"task": task, "model": model, "optim": run.optim, "train": run.train}
    config: dict[str, Any] = {
        section: {"name": section} | {name: getattr(part, name) for name in fields.declared(type(part))}
        for section, part in parts.items()
    }
    wandb = {"mode": "disabled", "project": "", "entity": None, "group": None}
    return Job(run, config | {"seed": 0, "out": str(folder), "wandb": wandb, "retry": False})


LOOKS = {"eval_spacing": "log", "eval_start": True, "objective": "squared_error"}
AT = [0, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 126, 158, 200, 251, 300]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A job that learns numbers in context, and its end."""
    job = job_of(Line(), tmp_path_factory.mktemp("line"), **LOOKS)
    return job, train([job])[0]


def test_numbers_are_learnt_in_context_and_recorded(learned):
    job, end = learned
    rows = records.read_metrics(job.folder)
    last = {row["learner"]: row for row in rows if row["step"] == 300 and row["condition"] == "steep"}
    model, knows, zero = last["model"], last["last point"], last["zero"]
    assert "nll" not in model
    # Nothing tells the first number, whose variance is 1/3; the others follow from the point before.
    assert model["exact_match"] > 0.9
    curve = model["squared_error_curve"]
    assert curve[0] == pytest.approx(1 / 3, abs=0.1)
    assert max(curve[2], curve[4]) < 0.02
    assert curve[1::2] == [None] * 3
    assert model["squared_error"] == pytest.approx(np.mean(curve[::2]), rel=1e-4)
    assert knows["exact_match"] == 1
    assert knows["squared_error"] == pytest.approx(zero["squared_error"] / 3, abs=0.03)
    assert end["measures"] == json.loads(json.dumps(declarations(job.run.task)))
    assert end["scores"]["steep"]["squared_error"] == model["squared_error"]


def test_sweepers_are_given_the_measure_that_is_asked_for(learned, tmp_path):
    job, end = learned
    assert value(job, end) == end["scores"]["flat"]["squared_error"]
    assert fit.objective(job.run).better == "lower"
    assert job.id == job_of(Line(), tmp_path, **{**LOOKS, "objective": "exact_match"}).id
    assert math.isnan(value(job, {"status": "diverged"}))
    assert math.isnan(value(job, None))
    ranked = job_of(Ranked(), tmp_path, objective="auc")
    assert value(ranked, {"status": "diverged"}) == 0.5


def test_a_score_for_which_lower_is_better_is_bisected_where_it_falls():
    grid = [[f"task.steepest={n}"] for n in range(31)]
    fall = lambda jobs: [1 / (1 + float(job[0].split("=")[1])) for job in jobs]  # noqa: E731
    done = Bisection("task.steepest", 0.1).search(grid, fall, better="lower")
    assert {"task.steepest=8", "task.steepest=9"} <= {job[0] for job in done}


def test_evaluations_are_ten_to_each_tenfold_of_steps_and_begin_at_the_start(learned):
    job, _ = learned
    rows = [row for row in records.read_metrics(job.folder) if row["learner"] == "model"]
    assert list(dict.fromkeys(row["step"] for row in rows)) == AT
    assert [row["train_loss"] is None for row in rows] == [row["step"] == 0 for row in rows]
    settings = Training(eval_every=1, eval_spacing="log")
    assert list(settings.evaluations(30)) == [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25]
    assert [settings.next_evaluation(step) for step in (0, 1, 9, 10, 10**6)] == [1, 2, 10, 13, 1258925]
    assert list(Training(eval_every=20, eval_start=True).evaluations(70)) == [0, 20, 40, 60]
    assert list(Training(eval_every=20).evaluations(70)) == [20, 40, 60]


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [0, 6])
def test_log_spaced_evaluations_resume_exactly(learned, tmp_path, monkeypatch, chunks: int):
    """A run that is killed after some chunks and goes on leaves the same metrics and parameters, to the bit."""
    whole, _ = learned
    job, advance, left = job_of(Line(), tmp_path, **LOOKS), Engine.advance, [chunks]

    def killed(engine, lanes, until):
        if not left[0]:
            raise RuntimeError("killed")
        left[0] -= 1
        return advance(engine, lanes, until)

    monkeypatch.setattr("experiments.engine.pack.CHECKPOINT_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "advance", killed)
        assert train([job]) == [None]
    reached = records.read_metrics(job.folder)[-1]["step"]
    assert 0 < reached < 300 if chunks else reached == 0
    end = train([job])[0]
    assert end is not None
    for name in ("metrics.jsonl", "state.safetensors"):
        assert (job.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.slow
def test_places_are_learnt_decoded_and_exported(tmp_path):
    """The next input is the one at the place that was chosen: what is decoded is right where each answer is."""
    job = job_of(Sort(), tmp_path, steps=200, eval_every=200, decoding="both", loss="squared")
    end = train([job])[0]
    assert end is not None
    scores = end["scores"]["seen"]
    assert scores["exact_match"] > 0.9
    assert scores["greedy_match"] == scores["exact_match"]
    assert 0 <= scores["sampled_match"] <= 1
    assert "measures" not in end


def test_numbers_and_places_are_exported():
    for task, targets in ((Line(), pl.Array(pl.Float32, (6, 1))), (Sort(), pl.Array(pl.Int32, 6))):
        batch = jax.vmap(lambda key, task=task: task.sample(key, "train"))(jax.random.split(jax.random.key(0), 3))
        batch = jax.tree.map(np.asarray, batch)
        table = export.frame(task, batch)
        assert table.schema["targets"] == targets
        np.testing.assert_array_equal(np.array(table["targets"].to_list()), batch.targets)
        assert [len(answer.split()) for answer in table["answer"]] == [3, 3, 3]
