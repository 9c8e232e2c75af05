"""Settings files: how scales and families come together, and what is wrong with one, in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

from experiments import run, settings
from experiments.cells import kept
from experiments.engine import compose, config, overrides
from experiments.errors import ConfigError
from tests.commands import ROOT

FAMILY = """\
# Zoos.
choose: {task: markov}
train: {steps: 10, batch_size: 8}
arms:
  zoo/food:
    hay: {task: {noop_rate: 0.1}}
    fish: {task: {noop_rate: 0.3, alphabet: 9}, train: {steps: 5}}
cpu:
  # On two cores.
  train: {batch_size: 16}
  sweep: {seed: [1, 2]}
"""
STUDY = """\
# Feeding (arXiv 1234.56789).
choose: {zoo/food: hay}
train: {steps: 20}
smoke:
  sweep: {seed: [0]}
cpu:
  # Chosen by looking at seed 0.
  optim: {lr: 1e-3}
  sweep: {zoo/food: [hay, fish], task.num_rules: [2, 30]}
"""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A folder of settings with one family of one study; returns the study's file."""
    path = tmp_path / "conf" / "study" / "zoo" / "feeding.yaml"
    path.parent.mkdir(parents=True)
    for name in ("model", "hydra", "config.yaml"):
        (tmp_path / "conf" / name).symlink_to(settings.CONF / name)
    monkeypatch.setattr(settings, "CONF", tmp_path / "conf")
    path.parent.with_suffix(".yaml").write_text(FAMILY)
    path.write_text(STUDY)
    return path


def _wrong(study: str = "zoo/feeding/cpu") -> str:
    with pytest.raises(ConfigError) as caught:
        settings.read_study(study)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{settings.CONF.parent}/", "")


def test_values_of_a_study_override_its_familys_and_those_of_a_scale_the_shared_ones(zoo):
    assert settings.studies() == ["zoo/feeding/cpu", "zoo/feeding/smoke"]
    cpu = settings.read_study("zoo/feeding/cpu")
    assert cpu["train"] == {"steps": 20, "batch_size": 16}
    assert cpu["optim"] == {"lr": 0.001}
    assert cpu["choose"] == {"hydra/launcher": "vmap", "task": "markov", "zoo/food": "hay"}
    assert list(cpu["sweep"].items()) == [("zoo/food", "hay,fish"), ("task.num_rules", "2,30"), ("seed", "1,2")]
    assert settings.read_study("zoo/feeding/smoke")["train"] == {"steps": 20, "batch_size": 8}


def test_null_takes_back_a_value_of_the_family():
    """The family's tasks have points, and those of one study are mixtures, which have parts instead."""
    assert settings._merge({"task": {"points": 24, "seed": 0}}, {"task": {"points": None}}) == {"task": {"seed": 0}}
    assert settings._merge({"task": {}}, {"task": {"pool": None}}) == {"task": {"pool": None}}


def test_a_job_of_an_arm_has_the_values_of_the_arm(zoo):
    jobs = config.jobs(config.sweep(["study=zoo/feeding/cpu"]))
    assert [job.swept["zoo/food"] for job in jobs] == ["hay"] * 4 + ["fish"] * 4
    assert {job.config["task"]["noop_rate"] for job in jobs[:4]} == {0.1}
    fish = [(job.config["task"], job.config["train"]) for job in jobs[4:]]
    assert {(task["noop_rate"], task["alphabet"], train["steps"]) for task, train in fish} == {(0.3, 9, 5)}
    assert settings.arm_keys("zoo/feeding/smoke") == ["task.alphabet", "task.noop_rate", "train.steps"]


@pytest.mark.parametrize("last", ["tint/noise=hidden_4", "hydra/launcher=basic", "~tint/noise"])
def test_arms_are_merged_as_hydra_composes_them(last):
    groups = ["study=tint/why/smoke", "tint/why=few", last]
    merged, composed = compose.parts_by_arms(groups), compose.parts(groups)
    assert merged == composed


def test_the_text_of_a_study_has_its_comments_its_values_and_its_arms(zoo):
    text = settings.format_study("zoo/feeding/cpu")
    assert text.startswith("# Feeding (arXiv 1234.56789).\n# On two cores.\n# Chosen by looking at seed 0.\nchoose:\n")
    assert "  task.num_rules: 2,30\n" in text
    assert "    fish:\n" in text


def test_the_hash_of_settings_changes_with_values_and_with_arms_alone(zoo):
    before = settings.settings_hash("zoo/feeding/cpu")
    zoo.write_text(STUDY.replace("# Chosen by", "# Settled by").replace("[2, 30]", "'2,30'"))
    assert settings.settings_hash("zoo/feeding/cpu") == before
    family = zoo.parent.with_suffix(".yaml")
    family.write_text(FAMILY.replace("hay: {", "straw: {task: {noop_rate: 0.9}}\n    hay: {"))
    assert settings.settings_hash("zoo/feeding/cpu") == before, "an arm that the study does not name"
    family.write_text(FAMILY.replace("0.3", "0.4"))
    assert settings.settings_hash("zoo/feeding/cpu") != before
    zoo.write_text(STUDY.replace("steps: 20", "steps: 21"))
    family.write_text(FAMILY)
    assert settings.settings_hash("zoo/feeding/cpu") != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  optim:", "\toptim:", "conf/study/zoo/feeding.yaml:8: a tab; indent with spaces"),
        ("{lr: 1e-3}", "{lr: 1e-3", "conf/study/zoo/feeding.yaml:8: the { that is opened here is not closed"),
        ("[2, 30]}", "[2, 30}", "conf/study/zoo/feeding.yaml:9: the [ that is opened here is not closed"),
        ("train: {steps: 20}", "train: {steps: 20, steps: 30}", "conf/study/zoo/feeding.yaml:3: steps is there twice"),
        ("smoke:", "cpu:", "conf/study/zoo/feeding.yaml:6: cpu is there twice"),
        ("smoke:", "smok:", "conf/study/zoo/feeding.yaml: unknown key smok (did you mean smoke?); allowed: choose, "),
        (
            "  optim:",
            "  optimum:",
            "conf/study/zoo/feeding.yaml: cpu: unknown key optimum (did you mean optim?); allowed: ",
        ),
        ("train: {steps: 20}", "train: 20", "conf/study/zoo/feeding.yaml: train: expected keys with values, got 20"),
        ("smoke:", "arms: {zoo: [1]}\nsmoke:", "conf/study/zoo/feeding.yaml: arms.zoo: expected names with what each"),
        ("cpu:", "gpu:", "study: zoo/feeding/cpu: conf/study/zoo/feeding.yaml has no block cpu; it has smoke, gpu"),
    ],
)
def test_a_wrong_settings_file_is_refused_in_one_line_that_names_the_place(zoo, old, new, message):
    zoo.write_text(STUDY.replace(old, new, 1))
    assert _wrong().startswith(message)


def test_a_study_or_scale_that_does_not_exist_is_refused_in_one_line(zoo):
    assert _wrong("zoo/feeding") == "study: zoo/feeding needs a scale: zoo/feeding/cpu, zoo/feeding/smoke"
    assert _wrong("zoo/feeding/cpx") == (
        "study: zoo/feeding/cpx: there is no scale cpx (did you mean cpu?); it has smoke, cpu"
    )
    assert _wrong("zoo/feding/cpu").startswith("study: there is no zoo/feding/cpu (did you mean zoo/feeding/cpu?)")
    for words in (["study=zoo/feeding"], ["study=zoo/feeding/cpx"], ["study=zoo/feding/cpu"]):
        with pytest.raises(ConfigError) as caught:
            compose.compose(words)
        assert str(caught.value) == _wrong(words[0].removeprefix("study="))


def test_a_missing_arm_and_an_arm_in_two_files_are_refused_in_one_line(zoo):
    with pytest.raises(ConfigError, match=r"^zoo/food: there is no hya \(did you mean hay\?\); allowed: fish, hay$"):
        compose.compose(["study=zoo/feeding/cpu", "zoo/food=hya"])
    zoo.write_text(STUDY.replace("smoke:", "arms: {zoo/food: {hay: {}}}\nsmoke:"))
    with pytest.raises(ConfigError, match=r"feeding\.yaml: arms\.zoo/food\.hay: it is in .*zoo\.yaml too$"):
        settings.check()


def test_a_file_that_cannot_be_read_does_not_hinder_other_studies(zoo):
    zoo.with_name("resting.yaml").write_text("task: {lr")
    assert len(config.jobs(config.sweep(["study=zoo/feeding/cpu"]))) == 8
    with pytest.raises(ConfigError, match=r"resting\.yaml:1: the \{ that is opened here is not closed$"):
        compose.compose(["study=zoo/feeding/cpu", "zoo/food=straw"])


def test_all_settings_files_can_be_read_and_all_arms_are_named_once():
    settings.check()
    for study in settings.studies():
        assert settings.read_study(study)["sweep"]["seed"]


def test_settings_are_read_without_jax_and_hydra():
    code = (
        "import sys; from experiments import settings; settings.format_study('tint/why/cpu'); "
        "settings.arm_keys('rasp/table')"
    )
    code += "; print([name for name in ('jax', 'hydra', 'omegaconf') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unfinished_name_of_a_study_lists_the_studies_or_scales_below_it():
    every = run._format_list(["study="])
    assert len([line for line in every if line.startswith("study=")]) == len(settings.studies()) / 4
    scales = run._format_list(["study=rasp/parity"])
    assert scales[0] == "study=rasp/parity: Do index hints and a scratchpad let parity generalise to longer strings?"
    assert [line.split()[0] for line in scales[1:]] == [f"study=rasp/parity/{scale}" for scale in settings.SCALES]
    assert run._format_list(["study=rasp/parity/cpu"]) == run._format_list(["task=markov"]) == []


def test_hydra_completes_the_names_of_studies_and_arms():
    with compose.entered():
        loader = GlobalHydra.instance().config_loader()
        assert loader.get_group_options("study/rasp/parity") == sorted(settings.SCALES)
        assert "parity" in loader.get_group_options("study/rasp", ObjectType.GROUP)
        assert loader.get_group_options("study/rasp", ObjectType.CONFIG) == []
        assert "study" in loader.list_groups("")
        assert loader.list_groups("tint") == ["noise", "operation", "why"]
        assert "hidden_4" in loader.get_group_options("tint/noise")
        assert {"markov_occurs_1", "markov"} <= set(loader.get_group_options("task"))


TWICE = STUDY.replace("task.num_rules: [2, 30]}", "seed: {first: [21, 22], then: [27, 28]}}")


def test_a_study_is_run_with_the_seeds_of_its_first_look_and_keeps_its_hash_when_a_second_is_declared(zoo):
    zoo.write_text(TWICE.replace("{first: [21, 22], then: [27, 28]}", "[21, 22]"))
    plain, once = settings.settings_hash("zoo/feeding/cpu"), settings.read_study("zoo/feeding/cpu")
    assert settings.later_seeds("zoo/feeding/cpu") == ()
    zoo.write_text(TWICE)
    assert settings.read_study("zoo/feeding/cpu") == once
    assert settings.later_seeds("zoo/feeding/cpu") == (27, 28)
    assert settings.settings_hash("zoo/feeding/cpu") == plain
    assert [job.run.seed for job in config.jobs(config.sweep(["study=zoo/feeding/cpu"]))] == [21, 22] * 2
    assert "  seed:\n    first: 21,22\n    then: 27,28\n" in settings.format_study("zoo/feeding/cpu")


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("{first: [21]}", "expected the keys first and then, got first"),
        ("{first: [21], than: [22]}", "expected the keys first and then, got first, than"),
        ("{first: [21], then: 6}", "then: expected a list of different whole numbers from 0 on, got 6"),
        ("{first: [], then: [22]}", "first: expected a list of different whole numbers from 0 on, got []"),
        ("{first: [21, 21], then: [22]}", "first: expected a list of different whole numbers from 0 on, got [21, 21]"),
        ("{first: [true], then: [22]}", "first: expected a list of different whole numbers from 0 on, got [True]"),
        ("{first: [21], then: [22, 21]}", "seed 21 is in both looks; a second look needs seeds of its own"),
    ],
)
def test_seeds_of_two_looks_that_cannot_be_are_refused_in_one_line(zoo, new, message):
    zoo.write_text(TWICE.replace("{first: [21, 22], then: [27, 28]}", new))
    said = _wrong()
    assert said.startswith("conf/study/zoo/feeding.yaml: cpu: sweep.seed")
    assert said.endswith(message)


def test_only_seeds_have_two_looks(zoo):
    zoo.write_text(TWICE.replace("seed: {", "task.num_rules: {"))
    assert _wrong().startswith("conf/study/zoo/feeding.yaml: cpu: sweep.task.num_rules: expected a list of values, got")


WITHOUT = STUDY + "  without: [{zoo/food: hay, task.num_rules: 30}]\n"


def test_a_study_runs_its_grid_less_the_cells_that_it_leaves_out(zoo):
    zoo.write_text(WITHOUT)
    jobs = config.jobs(config.sweep(["study=zoo/feeding/cpu"]))
    cells = {(job.swept["zoo/food"], job.swept["task.num_rules"]) for job in jobs}
    assert cells == {("hay", 2), ("fish", 2), ("fish", 30)}
    assert len(jobs) == 3 * 2, "each with both seeds"


def test_a_cell_is_left_out_by_a_switch_however_an_override_spells_it():
    jobs = config.sweep(["study=rasp/parity/smoke"])
    plain = kept(jobs, [{"task.scratchpad": True}])
    assert len(plain) == len(jobs) / 2
    assert all("task.scratchpad=False" in job for job in plain)


def test_a_sweep_launches_the_jobs_that_were_checked_and_no_other(zoo, monkeypatch):
    from hydra_plugins.terrarium_sweeper import GridSweeper

    zoo.write_text(WITHOUT)
    composed = compose.compose(["study=zoo/feeding/cpu"]).hydra.sweeper
    sweeper = GridSweeper(composed.max_batch_size, composed.params, composed.without)
    parsed = overrides.parse([f"{key}={words}" for key, words in composed.params.items()])
    assert sweeper.split_arguments(parsed, None) == [[job[:-1] for job in config.sweep(["study=zoo/feeding/cpu"])]]
    assert [len(batch) for batch in sweeper.split_arguments(parsed, 4)] == [4, 2]


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("3", "expected a list of cells, as [{task.num_rules: 30}], got 3"),
        ("[zoo]", "expected keys with values, as {task.num_rules: 30}, got 'zoo'"),
        ("[{task.rules: 30}]", "task.rules is not swept; allowed: zoo/food, task.num_rules"),
        ("[{seed: 1}]", "seed is not swept; allowed: zoo/food, task.num_rules"),
        ("[{task.num_rules: [2, 31]}]", "task.num_rules is never 31; it is one of 2, 30"),
    ],
)
def test_cells_that_a_grid_lacks_cannot_be_left_out(zoo, without, message):
    zoo.write_text(STUDY + f"  without: {without}\n")
    assert _wrong() == f"study: zoo/feeding/cpu: conf/study/zoo/feeding.yaml: without: {message}"


def test_some_cells_may_have_fewer_seeds_than_others(zoo):
    several = STUDY.replace("[2, 30]}", "[2, 30], seed: [1, 2, 3]}")
    zoo.write_text(several + "  without: [{seed: 1}]\n")
    assert _wrong().endswith("seed: some cells may have fewer seeds than others, and need other keys that name them")
    zoo.write_text(several + "  without: [{task.num_rules: 30, seed: [2, 3]}]\n")
    seeds = {rules: [] for rules in ("2", "30")}
    for job in config.sweep(["study=zoo/feeding/cpu"]):
        own = dict(override.split("=", 1) for override in job if "=" in override)
        seeds[own["task.num_rules"]].append(own["seed"])
    assert sorted(set(seeds["2"])) == ["1", "2", "3"]
    assert set(seeds["30"]) == {"1"}


def test_a_study_that_leaves_out_its_whole_grid_is_refused(zoo):
    zoo.write_text(STUDY + "  without: [{task.num_rules: [2, 30]}]\n")
    with pytest.raises(ConfigError, match="without: the study leaves out all of these jobs"):
        config.sweep(["study=zoo/feeding/cpu"])
