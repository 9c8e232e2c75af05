"""Mixtures of tasks: how often each part comes, what it keeps of its own, and which parts do not fit one another."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.engine import config
from experiments.engine.engine import Engine
from experiments.engine.job import Job
from experiments.errors import ConfigError
from fields import plain_values, pytree
from synthetic import contract
from synthetic.measures import Measure, Measured
from synthetic.mixture import Mixture
from tests.commands import TINY
from tests.toys import Sum

SHORT = "name:markov,alphabet:8,input_length:4,search_length:1,replace_length:1,num_rules:5"
LONG = "name:markov,alphabet:8,input_length:6,search_length:2,replace_length:2,num_rules:9"
PARTS = f"task.parts={{short:{{{SHORT}}},long:{{{LONG}}}}}"
TRAINED = [word for word in TINY if not word.startswith("task.")]


def job_of(*overrides: str) -> Job:
    return config.jobs([["task=mixture", *overrides, *TRAINED]])[0]


def mixture(*overrides: str) -> Mixture:
    task = job_of(PARTS, *overrides).run.task
    assert isinstance(task, Mixture)
    return task


TRACES = []


@jax.jit
def training_examples(task):
    TRACES.append(task)
    keys = jax.random.split(jax.random.key(0), 2000)
    return jax.vmap(lambda key: task.sample(key, "train"))(keys)


@pytest.mark.slow  # the default mixture, whose parts have one length, is among the quick tests
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_a_mixture_of_tasks_of_different_lengths_keeps_the_contract(check):
    check(mixture())


def test_each_part_comes_as_often_as_its_weight_says_and_weights_are_knobs():
    task, shares = mixture("task.weights={long:1,short:3}"), []
    for weight in (3.0, 1.0, 0.0):
        other = task.replace(weights={"long": 1.0, "short": weight})
        shares.append(float(training_examples(jax.tree.map(jnp.asarray, other)).facts["part"].mean()))
    np.testing.assert_allclose(shares, [0.75, 0.5, 0], atol=0.04)  # part 1 is `short`, after `long`
    assert len(TRACES) == 1


def test_examples_of_a_part_are_those_that_it_has_alone_padded_behind_their_end():
    task, key = mixture("task.seed=3"), jax.random.key(1)
    sample = jax.jit(lambda task, split: task.sample(key, split), static_argnums=1)
    for name, part in task.parts.items():
        assert part.seed == 3
        alone, mixed = sample(part, "unseen"), sample(task, f"{name}/unseen")
        length = part.spec.length
        np.testing.assert_array_equal(mixed.inputs[:length], alone.inputs)
        np.testing.assert_array_equal(mixed.targets[:length], alone.targets)
        np.testing.assert_array_equal(mixed.weights[:length], alone.weights)
        assert mixed.weights.shape == (task.spec.length,)
        assert not mixed.weights[length:].any()
        assert all(mixed.facts[f"{name}/{fact}"] == value for fact, value in alone.facts.items())


def test_a_mixture_has_the_conditions_and_held_out_splits_of_its_parts_under_their_names():
    task = mixture()
    expected = [f"{name}/{c}" for name in ("long", "short") for c in task.parts[name].conditions()]
    assert list(task.conditions()) == expected
    assert task.held_out == ("long/unseen", "short/unseen")
    assert task.headline == "long/unseen/applied" == f"long/{task.parts['long'].headline}"


@pytest.mark.slow
def test_decoded_answers_are_judged_by_the_part_that_asked():
    tiny = "max_digits:1,examples:8,test_examples:8"
    parts = f"task.parts={{add:{{name:tint,{tiny}}},silent:{{name:tint,style:none,{tiny}}}}}"
    task = job_of(parts).run.task.materialise()
    for name in ("add", "silent"):
        example = task.sample(jax.random.key(0), f"{name}/test")
        judged = task.judge(example, example.targets)
        assert float(np.asarray(judged["answer"])) == 1
        assert float(np.asarray(task.judge(example, 0 * example.targets)["answer"])) == 0


@pytest.mark.slow
def test_a_mixture_of_one_vocabulary_is_trained_and_scored_by_part():
    run = job_of(PARTS, "task.weights={long:1,short:0}", "train.steps=3").run
    engine = Engine([run])
    scores = engine.evaluate(engine.advance(engine.start(), 3))
    assert list(scores) == list(run.task.conditions())
    assert all(np.isfinite(values["nll"]).all() for values in scores.values())


def test_a_mixture_is_read_again_from_its_own_values_and_its_weights_count_in_the_id():
    job = job_of(PARTS, "task.weights={long:0.3,short:1}")
    assert job.config["task"] == {"name": "mixture"} | plain_values(job.run.task)
    again, wrong = Mixture.read_values(plain_values(job.run.task), "task")
    assert wrong == []
    assert jax.tree.structure(again) == jax.tree.structure(job.run.task)
    assert again == job.run.task
    ids = [job_of(PARTS, "task.weights={long:0.3,short:1}", *more).id for more in ([], ["task.parts.long.num_rules=8"])]
    assert [job.id == other for other in ids] == [True, False]
    assert job_of(PARTS).id == job_of(PARTS, "task.weights={short:1,long:1.0}").id, "equal weights are the default"


def test_lanes_differ_in_the_knobs_of_parts_and_in_weights():
    jobs = config.jobs(
        [
            ["task=mixture", PARTS, "task.weights={long:0.5,short:1}", change, *TRAINED]
            for change in ("task.weights.long=0.25", "task.parts.short.num_rules=3")
        ]
    )
    assert jax.tree.structure(jobs[0].run) == jax.tree.structure(jobs[1].run)
    values = [plain_values(job.run.task) for job in jobs]
    assert [task["weights"]["long"] for task in values] == [0.25, 0.5]
    assert [task["parts"]["short"]["num_rules"] for task in values] == [5, 3]


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["task.parts=3"], "task.parts: expected tasks by name, {a: {name: markov}, ...}, got 3"),
        (["task.parts={a:{name:marko}}"], "task.parts.a.name: unknown task 'marko'; allowed: bags, boolean, "),
        (["task.parts={1:{name:markov}}"], "task.parts: expected names of letters, digits and _, got 1"),
        (["task.parts={a:{name:mixture}}"], "task.parts.a.name: unknown task 'mixture'; allowed: bags, boolean, "),
        (["task.parts={a:{name:markov,rules:3}}"], "task.parts.a.rules: unknown key"),
        (["task.parts={a:{name:markov,seed:3}}"], "task.parts.a.seed: all parts share task.seed, so that none trains"),
        (["task.parts={a:{name:markov,num_rules:0}}"], "task.parts.a.num_rules: expected an integer from 1"),
        (["task.parts={a:{name:markov,search_length:60}}"], "task.parts.a.search_length: at most task.input_length"),
        (["task.parts={a:{name:markov},b:{name:tint}}"], "task.parts.b: must have the tokens of part a, 27, got "),
        (
            ["task.parts={a:{name:boolean},b:{name:markov}}"],
            "task.parts.b: must have the tokens of part a, None, got 27",
        ),
        ([PARTS, "task.weights={long:1}"], "task.weights: expected a number for each of short, long, got {'long': 1}"),
        (
            [PARTS, "task.weights={long:-1,short:1}"],
            "task.weights: expected numbers, at least 0 and not all of them, got",
        ),
        (
            [PARTS, "task.weights={long:0,short:0}"],
            "task.weights: expected numbers, at least 0 and not all of them, got",
        ),
        (["task.seed=-1"], "task.seed: expected an integer from 0"),
        (["task.part=1"], "task.part: unknown key (did you mean parts?); allowed: parts, weights, seed"),
        (["train.order=epochs"], "train.order: epochs needs a set of 1 to 2^30 items; task=mixture has no finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_line_that_names_the_part(overrides, error):
    with pytest.raises(ConfigError) as refused:
        job_of(*overrides)
    assert len(refused.value.lines) == 1
    assert refused.value.lines[0].startswith(error)


@pytree
class WithObjective(Sum):
    def objective(self, model, batch, keys):
        return (model(batch.inputs).sum(-1) * batch.weights).sum(-1)


@pytree
class WithMeasure(Sum):
    def measures(self):
        return (Measured(Measure("size"), lambda example, outputs: outputs.sum()),)


@pytest.mark.parametrize("own", [WithObjective(), WithMeasure()], ids=lambda task: type(task).__name__)
def test_a_part_with_an_objective_or_measures_of_its_own_is_refused(own):
    mixed = Mixture(parts={"plain": Sum(), "own": own}, weights={"plain": 1.0, "own": 1.0})
    message = "has an objective or measures of its own, which a mixture would not keep"
    assert list(mixed.problems()) == [("parts.own", message)]
