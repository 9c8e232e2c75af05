"""A trained run as a function, from a copy of its folder: what it was trained to be, and its activations by name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import yaml

from experiments import load
from experiments.engine import config, lane, records
from experiments.engine.train import train
from experiments.errors import ConfigError
from tests.commands import ROOT, TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a finished run, copied away from where it was made, which is no more."""
    runs, elsewhere = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("elsewhere") / "copy"
    (job,) = config.jobs([[*TINY, f"out={runs}"]])
    train([job])
    shutil.move(job.folder, elsewhere)
    return elsewhere


@pytest.fixture(scope="module")
def model(trained):
    return load.run(trained)


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the run's folder, to damage."""
    return shutil.copytree(trained, tmp_path / "run")


def test_a_loaded_model_scores_what_the_run_recorded(model):
    end = json.loads((model.folder / "result.json").read_text())
    assert (model.status, model.step, model.task.alphabet) == (end["status"], end["step"], 8)
    for condition, scores in model.scores().items():
        assert scores == pytest.approx({name: end["scores"][condition][name] for name in scores}, abs=1e-6)


def test_a_loaded_model_is_a_function_of_inputs_that_can_be_transformed(model):
    x = model.examples(4, condition="unseen").inputs
    logits = model(x)
    assert logits.shape == (4, model.task.spec.length, model.task.spec.outputs)
    one_by_one = jax.vmap(lambda row: model(row[None])[0])(x)
    np.testing.assert_allclose(one_by_one, logits, atol=1e-5)
    half = jax.tree.map(lambda p: 0.5 * p, model.params)
    assert abs(model.function(half, jnp.asarray(x)) - logits).max() > 0.01
    np.testing.assert_allclose(model(x[:, :3]), logits[:, :3], atol=1e-5)


def test_activations_of_a_loaded_model_are_seen_and_replaced_by_name(model):
    x = model.examples(4).inputs
    plain, seen = model.run(x, capture=["blocks.0.mixer.weights", "embed"])
    assert list(seen) == ["blocks.0.mixer.weights", "embed"]
    assert seen["embed"].shape == (4, *model.activations["embed"].shape[1:])
    without, after = model.run(x, capture="blocks.0.residual", replace={"blocks.0.*.output": 0.0})
    np.testing.assert_allclose(after["blocks.0.residual"], seen["embed"], atol=1e-5)
    same, _ = model.run(x, replace={"embed": seen["embed"], "blocks.0.mlp.output": lambda value: value})
    np.testing.assert_allclose(same, plain, atol=1e-5)
    assert abs(without - plain).max() > 0.1


def test_scores_of_a_model_without_a_part_are_those_of_guessing(model):
    blind = model.scores(replace={"read_out": 0.0})
    guess = np.log(model.task.spec.outputs)
    assert [scores["nll"] for scores in blind.values()] == pytest.approx([guess] * len(blind), abs=1e-5)


def test_a_loaded_model_decodes_what_it_says_likeliest_of_its_own_answer(model):
    batch = model.examples(8)
    answer = batch.weights > 0
    said = np.asarray(model.decode(batch.inputs, answer))
    own = batch.inputs.copy()
    for t in range(1, own.shape[1]):
        own[:, t] = np.where(answer[:, t - 1], said[:, t - 1], own[:, t])
    np.testing.assert_array_equal(np.asarray(model(own)).argmax(-1), said)


def test_examples_of_a_loaded_run_depend_on_the_seed_and_their_number_alone(model):
    few, many = model.examples(2, condition="train", seed=5), model.examples(6, condition="train", seed=5)
    np.testing.assert_array_equal(many.inputs[:2], few.inputs)
    assert (model.examples(2, condition="train").inputs != few.inputs).any()


def test_parameters_have_plain_names_in_the_file_and_are_the_models(model):
    state = safetensors.numpy.load_file(model.folder / "state.safetensors")
    parameters = {name.removeprefix("params."): value for name, value in state.items() if name.startswith("params.")}
    assert {"embedding", "positions", "blocks.0.mixer.qkv.kernel", "norm.scale", "read_out.kernel"} <= set(parameters)
    assert all(re.fullmatch(r"[\w.]+", name) for name in state)
    assert parameters.keys() == model.weights.keys()
    for name, value in model.weights.items():
        np.testing.assert_array_equal(parameters[name], value)


def test_a_folder_of_an_older_version_loads(folder, model):
    """Fields that it does not know have their defaults, and its arrays the names of before."""
    older = yaml.safe_load((folder / "config.yaml").read_text())
    for section, name in (("model", "remat"), ("model", "shift"), ("train", "microbatch"), ("task", "rule_power")):
        del older[section][name]
    for name in ("start_from", "retry", "wandb"):
        del older[name]
    (folder / "config.yaml").write_text(yaml.safe_dump(older | {"out": "/no/such/place"}))
    path = folder / "state.safetensors"
    state, template = safetensors.numpy.load_file(path), jax.eval_shape(lane.start, model.settings)
    names = [jax.tree_util.keystr(keys) for keys, _ in jax.tree.leaves_with_path(template)]
    assert ".opt.mu['blocks'][0]['mixer']['qkv']['kernel'].value" in names
    of_before = dict(zip(names, (state[name] for name in records.named(template)), strict=True))
    safetensors.numpy.save_file(of_before, path)
    x = model.examples(2).inputs
    np.testing.assert_array_equal(load.run(folder)(x), model(x))
    assert records.named(records._load(path, template)).keys() == state.keys(), "a run goes on from it"


@pytest.mark.slow
def test_a_plain_process_that_loads_a_run_needs_no_hydra(trained):
    words = (
        "import sys; from experiments import load; model = load.run(sys.argv[1]);"
        "print(len(model(model.examples(1).inputs)), [name for name in sys.modules if name[:5] in ('hydra', 'omega')])"
    )
    done = subprocess.run([sys.executable, "-c", words, trained], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout == "1 []\n", done.stderr


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda folder: (folder / "config.yaml").unlink(), r"run: no folder of a run, which has a config.yaml$"),
        (lambda folder: (folder / "config.yaml").write_text("[1"), r"config.yaml: cannot be read: "),
        (lambda folder: (folder / "config.yaml").write_text("1"), r"config.yaml: damaged: no configuration of a run$"),
        (lambda folder: (folder / "state.safetensors").unlink(), r"state.safetensors: cannot be read: No such file"),
        (lambda folder: (folder / "state.safetensors").write_text("x"), r"state.safetensors: damaged "),
        (lambda folder: _edit(folder, "model", "width", 32), r"state.safetensors: does not fit this version's model$"),
        (
            lambda folder: _edit(folder, "task", "name", "recall"),
            r"config.yaml: task.name: unknown task 'recall'; allowed",
        ),
        (lambda folder: _edit(folder, "model", "wide", 1), r"config.yaml: model.wide: unknown key"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_in_one_line(folder, damage, error):
    damage(folder)
    with pytest.raises(ConfigError, match=error) as e:
        load.run(folder)
    assert len(str(e.value).splitlines()) == 1


def _edit(folder, section, name, value):
    values = yaml.safe_load((folder / "config.yaml").read_text())
    values[section][name] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(values))


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda model, x: model(x[0]), r"^inputs: expected whole numbers \[batch, positions\], got int32\[\d+\]$"),
        (
            lambda model, x: model(x * 1.0),
            r"^inputs: expected whole numbers \[batch, positions\], got float32\[2, \d+\]$",
        ),
        (lambda model, x: model(x + 9), r"^inputs: expected tokens from 0 to 8, got \d+$"),
        (lambda model, x: model(np.tile(x, 3)), r"^inputs: expected at most \d+ positions, got \d+$"),
        (lambda model, x: model.run(x, capture="block.0.residual"), r"did you mean blocks.0.residual\?"),
        (lambda model, x: model.run(x, replace={"embed": np.ones((3, 3))}), r"^embed: \[3, 3\] does not broadcast to "),
        (
            lambda model, x: model.examples(1, condition="see"),
            r"^condition: expected one of train, seen, .*, got 'see'$",
        ),
    ],
)
def test_a_wrong_use_of_a_loaded_model_is_named_in_one_line(model, use, error):
    with pytest.raises(ValueError, match=error):
        use(model, model.examples(2).inputs)
