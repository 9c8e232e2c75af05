"""Faults of overrides: each is said once, in a line that names the key; what Hydra offers works or is refused."""

from __future__ import annotations

import sys

import pytest

import synthetic
from experiments import run, settings
from experiments.engine import compose, config
from experiments.errors import ConfigError
from tests.commands import TINY, call


def lines_of(*overrides: str, multirun: bool = True) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        config.jobs(config.sweep(overrides) if multirun else [overrides])
    assert all("\n" not in line for line in error.value.lines)
    return error.value.lines


def test_a_value_that_a_thousand_jobs_share_is_one_line():
    (line,) = lines_of("task.noop_rate=1.5", "seed=range(1000)")
    assert line == (
        "job task.noop_rate=1.5,seed=0 and 999 more: task.noop_rate: expected a number from 0.0 to 1.0 (share), got 1.5"
    )


def test_many_different_faults_are_named_up_to_a_score():
    lines = lines_of(f"task.noop_rate={','.join(str(n) for n in range(2, 102))}")
    assert len(lines) == 21
    assert lines[0] == "job task.noop_rate=2: task.noop_rate: expected a number from 0.0 to 1.0 (share), got 2"
    assert lines[-1] == "and 80 more faults"


@pytest.mark.parametrize("sweep", ["range(5,5)", "range(5,1)", "glob(nothing*)"])
def test_a_sweep_over_no_value_is_refused(sweep):
    key = "model" if "glob" in sweep else "seed"
    (line,) = lines_of(f"{key}={sweep}")
    assert "no value" in line


def test_options_of_a_group_are_swept_by_a_pattern():
    jobs = config.jobs(config.sweep(["model=glob(r*)", *TINY[:5]]))
    assert {job.overrides[0] for job in jobs} == {"model=random_start", "model=rasp", "model=rope"}


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["task.num_rules=30,300"],
            "task.num_rules: 30,300 is a sweep: python -m experiments.run -m; here give one value",
        ),
        (["model=tiny,small"], "model: tiny,small is a sweep: python -m experiments.run -m; here give one value"),
        (["out=runs/é"], "out=runs/é: quotes are needed for these letters: 'out=\"runs/é\"'"),
        (["wandb.project=my project!"], "wandb.project=my project!: quotes are needed for these letters: "),
        (["task.num_rules=[1"], "task.num_rules=[1: not an override; write KEY=VALUE, a list as KEY=[1,2]"),
        (["name=a/b"], "name: expected the name of a folder, of letters, digits and . _ + -, got 'a/b'"),
        (["name=.."], "name: expected the name of a folder, of letters, digits and . _ + -, got '..'"),
        (["nam=a"], "nam: unknown key (did you mean name?); allowed: "),
        (["hydra.job.chdir=true"], "hydra.job.chdir: not used by this project: each run has a folder of its own"),
        (["hydra.mode=MULTIRUN"], "hydra.mode: not used by this project: use -m for a sweep"),
    ],
)
def test_an_override_that_cannot_be_is_explained(overrides, line):
    (found,) = lines_of(*overrides, multirun=False)
    assert found.startswith(line)


def test_a_folder_may_have_a_name_that_is_a_number():
    (job,) = config.jobs([[*TINY, "out=20251127"]])
    assert job.config["out"] == "20251127"
    assert job.folder.parts[0] == "20251127"


def test_a_task_with_a_misspelt_headline_is_refused_before_it_is_trained(monkeypatch):
    monkeypatch.setattr(synthetic.registry()["markov"], "headline", "unsene")
    (line,) = lines_of("task=markov", "seed=8124", multirun=False)
    assert line.startswith("task.name: the headline unsene of markov is none of its conditions: train, ")


@pytest.mark.parametrize("overrides", [["seed=1,2"], ["study=markov/threshold/smoke"]])
def test_a_sweep_with_a_name_has_a_folder_of_its_own(overrides):
    named = config.jobs(config.sweep([*overrides, "name=20251127", "out=x"]))
    others = config.jobs(config.sweep([*overrides, "out=x"]))
    assert {str(job.folder.parent) for job in named} == {"x/20251127"}
    assert [job.id for job in named] == [job.id for job in others]
    assert [job.folder.name for job in named] == [job.folder.name for job in others]


def test_a_sweep_over_names_is_refused():
    assert lines_of("name=a,b") == ("name: give one, which is that of the whole sweep",)


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A folder of a user's own configuration, in use."""
    for name, text in {
        "model/mine.yaml": "defaults: [transformer]\ndepth: 3\n",
        "model/tab.yaml": "name: transformer\n\tdepth: 3\n",
        "study/own.yaml": "# @package _global_\ntrain:\n  steps: 7\nhydra:\n  sweeper:\n    params:\n      seed: 1,2\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv(settings.CONFIG_DIR, "")
    compose.use_config_dir(str(tmp_path))
    yield tmp_path
    config._MADE.clear()


def test_models_and_studies_of_ones_own_folder_are_found(own_folder):
    (job,) = config.jobs([["model=mine", *TINY[:5]]])
    assert job.config["model"]["depth"] == 3
    jobs = config.jobs(config.sweep(["study=own", "model=mine"]))
    assert [(job.run.seed, job.run.train.steps, job.study) for job in jobs] == [(1, 7, "own"), (2, 7, "own")]


def test_a_damaged_file_of_ones_own_is_one_line(own_folder):
    (line,) = lines_of("model=tab", multirun=False)
    assert "tab" in line


@pytest.mark.parametrize("option", ["--config-name=other", "--config-path=other", "--experimental-rerun=x"])
def test_options_of_hydra_that_choose_another_configuration_are_refused_by_name(option, monkeypatch):
    monkeypatch.setattr(run.devices, "use_all_cores", lambda: None)
    monkeypatch.setattr(sys, "argv", ["run", option])
    with pytest.raises(ConfigError, match=rf"^{option.partition('=')[0]}: not used by this project"):
        run.main()


def test_a_config_dir_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^--config-dir: .* is not a folder$"):
        compose.use_config_dir(str(tmp_path / "none"))


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "vmap"])
def test_a_study_of_ones_own_is_trained_whole(launcher, own_folder, tmp_path):
    words = ["-m", "--config-dir", str(own_folder), "study=own", "model=mine", *TINY, "train.steps=20"]
    done = call("run", *words, f"hydra/launcher={launcher}", f"out={tmp_path / 'runs'}")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs/own").glob("*/result.json"))) == 2
