"""The page of keys has every key that can be set, and the help and completion offer what can be typed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

import models
from experiments import keys, settings
from experiments.__main__ import COMMANDS
from experiments.engine import compose
from experiments.engine.job import registries
from experiments.engine.training import Training
from experiments.help import format_help
from experiments.pages import format_default
from fields import declared
from tests.commands import ROOT

PAGE = keys.PAGE.read_text()
ROWS = re.findall(r"^\| `([^`]+)` \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_page_of_keys_is_current():
    assert keys.page() == PAGE


def test_every_declared_field_is_on_the_page_of_keys_with_its_bounds_and_the_price_of_a_sweep():
    classes = [("train", Training)]
    classes += [(section, cls) for section in ("model", "optim") for cls in registries()[section].values()]
    rows = {(key, cells.replace("\\|", "|")) for key, cells in ROWS}
    for section, cls in classes:
        for name, field in declared(cls).items():
            price = "trains in one program" if field.traced else "compiles each value"
            default = format_default(field.default)
            assert (f"{section}.{name}", " | ".join((default, field.allowed(), field.doc, price))) in rows


def test_every_key_of_a_composed_configuration_is_on_the_page_of_keys_or_of_tasks():
    chosen = compose.compose(["hydra/launcher=vmap", "hydra/sweeper=bisect"])
    parts = {"": chosen, "hydra.launcher.": chosen.hydra.launcher, "hydra.sweeper.": chosen.hydra.sweeper}
    every = {f"{prefix}{key}" for prefix, part in parts.items() for key in _leaves(OmegaConf.to_container(part))}
    known = {key for key, _ in ROWS}
    lacking = {key for key in every - known if not key.startswith(("hydra.", "task."))}
    lacking |= {key for key in every - known if key.startswith(("hydra.launcher.", "hydra.sweeper."))}
    assert {key for key in lacking if not key.endswith(("._target_", ".name", ".rule"))} == set()


def _leaves(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_every_named_choice_of_conf_is_on_the_page_of_keys():
    for group in ("model", "optim", "hydra/launcher", "hydra/sweeper"):
        for path in (settings.CONF / group).glob("*.yaml"):
            assert dict(ROWS)[f"{group}={path.stem}"].strip()


def test_every_variable_of_the_environment_that_the_code_reads_is_on_the_page_of_keys():
    read, folders = set(), ("experiments", "models", "synthetic")
    for path in [ROOT / "fields.py", *(path for name in folders for path in ROOT.glob(f"{name}/**/*.py"))]:
        text = path.read_text()
        read |= set(re.findall(r"environ(?:\.get\(|\[)\s*\"(\w+)\"", text))
        read |= set(re.findall(r"\"((?:TERRARIUM|JAX|SLURM|XDG|XLA)_[A-Z_]+)\"", text))
    assert read - {"HYDRA_FULL_ERROR"} == set(keys.ENVIRONMENT)  # which is set for Hydra, not read


def test_words_of_the_help_can_be_copied():
    words = set(re.findall(r"^  +(.*=.*)$", format_help().partition("tasks.md")[2], re.MULTILINE))
    words = {word for line in words for word in line.split()}
    assert {f"model={name}" for name in models.registry()} <= words
    assert {f"study={name}" for name in settings.studies() if name.endswith("/cpu")} <= words
    for word in ("task=rasp_sort", "model=small", "optim=adam", "hydra/sweeper=bisect", "study=rasp/and/cpu"):
        assert word in words
        compose.compose([word])


def test_help_of_the_one_command_loads_no_library():
    loaded = "import sys; from experiments import __main__ as m; sys.argv = ['terrarium']; m.main(); "
    script = f"{loaded}assert not {{'jax', 'hydra', 'polars', 'matplotlib'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


def test_the_one_command_runs_the_others_and_refuses_what_is_none():
    def terrarium(*words):
        return subprocess.run([sys.executable, "-m", "experiments", *words], cwd=ROOT, capture_output=True, text=True)

    done = terrarium("plot", "--help")
    assert done.stdout.startswith("usage: python -m experiments.plot")
    done = terrarium("reproduse")
    assert done.returncode == 2
    assert done.stderr == (
        "error: reproduse: there is no such command (did you mean reproduce?); allowed: "
        f"{', '.join([*COMMANDS, 'completion'])}\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("terrarium re", {"reproduce", "report", "results"}),
        ("terrarium run model=ti", {"model=tiny"}),
        ("python -m experiments.run task=markov task.num", {"task.num_rules="}),
        ("python -m experiments.run -m study=markov/thr", {f"study=markov/threshold/{s}" for s in settings.SCALES}),
        ("terrarium reproduce rasp/an", {f"rasp/and/{scale}" for scale in settings.SCALES}),
        ("python other.py model=ti", set()),
    ],
)
def test_bash_completes_words_of_the_documented_commands(line, offers):
    script = (
        'eval "$("$0" -m experiments completion)"; COMP_LINE="$*"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_terrarium; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, *line.split()], cwd=ROOT, capture_output=True, text=True
    )
    assert set(done.stdout.split()) == offers, done.stderr
