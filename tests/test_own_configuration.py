"""What the page on one's own configuration says is so: files of a folder or a package are chosen like the suite's."""

from __future__ import annotations

import re
import sys

import pytest
import yaml

from experiments import settings
from experiments.engine import compose, config
from experiments.engine.launch import settings_of
from experiments.errors import ConfigError
from tests.packages import Page, install, write

PAGE = Page.read("own_configuration.md")
OWN = {name: text for name, text in PAGE.files.items() if name.startswith("own/")}


@pytest.fixture(params=["--config-dir", "hydra.searchpath"])
def own(request, tmp_path, monkeypatch):
    """The page's folder in use; returns the words that name it in a command."""
    write(OWN, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(settings.CONFIG_DIR, "")
    if request.param == "hydra.searchpath":
        yield ["hydra.searchpath=[own]"]
    else:
        compose.use_config_dir("own")
        yield []
    config._MADE.clear()


def test_a_task_model_optimiser_launcher_and_study_of_ones_own_pass_the_check_before_the_run(own):
    (job,) = config.jobs([["model=deep", "task=letters", "optim=fast", *own]])
    model, task, optim = (job.config[section] for section in ("model", "task", "optim"))
    assert (model["depth"], model["width"], task["alphabet"], optim["lr"]) == (6, 32, 8, 0.004)
    assert settings_of(compose.compose(["hydra/launcher=few_lanes", *own]).hydra).max_lanes == 4
    jobs = config.jobs(config.sweep(["study=depths", *own]))
    assert [(job.config["model"]["depth"], job.run.seed) for job in jobs] == [(2, 1), (2, 2), (6, 1), (6, 2)]
    assert {job.config["task"]["num_rules"] for job in jobs} == {20}
    with pytest.raises(ConfigError, match=r"^model: there is no deap \(did you mean deep\?\)"):
        config.jobs([["model=deap", *own]])


def test_a_launcher_may_refer_to_other_values_of_the_configuration(tmp_path, monkeypatch):
    write({"own/hydra/launcher/there.yaml": "folder: ${hydra.sweep.dir}/${out}\nmax_lanes: ${seed}\n"}, tmp_path)
    monkeypatch.setenv(settings.CONFIG_DIR, str(tmp_path / "own"))
    assert settings_of(compose.parts(["hydra/launcher=there", "seed=7"]).hydra).max_lanes == 7


def test_a_study_of_ones_own_in_the_form_of_this_repositorys_is_refused_in_one_line(own, tmp_path):
    write({"own/study/mine.yaml": "sweep: {seed: [1, 2]}\n"}, tmp_path)
    with pytest.raises(
        ConfigError, match=r"^study: mine sets nothing of a run: .*# @package _global_; .*adding_a_study"
    ):
        config.jobs([["study=mine", *own]])


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("[elsewhere]", "there is no folder elsewhere"),
        ("[pkg://none.conf]", "there is no package none.conf with an __init__.py"),
        ("[http://conf]", "expected file:// or pkg://, got http://conf"),
        ("own", "expected a list as [file://FOLDER,pkg://PACKAGE], got 'own'"),
    ],
)
def test_a_search_path_that_is_none_is_one_line(place, line):
    with pytest.raises(ConfigError) as caught:
        config.jobs([[f"hydra.searchpath={place}"]])
    assert caught.value.lines == (f"hydra.searchpath: {line}",)


def test_a_package_may_be_named_on_the_search_path(tmp_path, monkeypatch):
    write({name: text for name, text in PAGE.files.items() if name.startswith("shallow/")}, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (job,) = config.jobs([["model=shallow", "hydra.searchpath=[pkg://shallow.conf]"]])
    assert job.config["model"]["depth"] == 1


def test_a_folder_of_the_environment_that_is_none_is_one_line(monkeypatch):
    monkeypatch.setenv(settings.CONFIG_DIR, "/none")
    with pytest.raises(ConfigError, match=f"^{settings.CONFIG_DIR}: /none is not a folder$"):
        compose.compose([])


@pytest.mark.slow
def test_a_package_brings_its_configuration_along_and_the_folder_is_found_by_every_command(tmp_path):
    package = install(PAGE, tmp_path / "package", tmp_path / "installed")
    chosen = yaml.safe_load(package(PAGE.words("experiments.run model=shallow ")).stdout)
    assert chosen["depth"] == 1
    assert "pkg://shallow.conf" in package(PAGE.words("experiments.run --info ")).stdout
    chosen = yaml.safe_load(package(PAGE.words("experiments.run --config-dir ")).stdout)
    assert (chosen["model"]["depth"], chosen["task"]["alphabet"], chosen["optim"]["lr"]) == (6, 8, 0.004)
    assert package(PAGE.words("experiments.preview ")).stdout.count("  =>  ") == 2


def test_a_place_that_is_not_there_is_refused_as_on_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, line = re.findall(r"^\$ python -m experiments.run '(.*)'\nerror: (.*)$", PAGE.text, re.MULTILINE)[0]
    with pytest.raises(ConfigError) as caught:
        config.jobs([[words]])
    assert caught.value.lines == (line,)


@pytest.mark.slow
@pytest.mark.parametrize("path", [["--config-dir", "own"], ["hydra.searchpath=[own]"]])
@pytest.mark.parametrize("launcher", ["few_lanes", "basic"])
def test_a_study_of_ones_own_is_trained_by_the_launchers(tmp_path, path, launcher):
    run = install(PAGE, tmp_path / "package", tmp_path / "installed")
    run([sys.executable, "-m", "experiments.run", "-m", *path, "study=depths", f"hydra/launcher={launcher}"])
    assert len(list((tmp_path / "package" / "runs" / "depths").glob("*/result.json"))) == 4
