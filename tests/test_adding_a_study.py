"""What the page on adding a study says is so: its files are a package, and its commands give what it shows."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments import claim_contract, outside, settings
from tests.commands import ROOT
from tests.packages import Page, Run, install

PAGE, TASK = Page.read("adding_a_study.md"), Page.read("adding_a_task.md")
FILES = PAGE.files
words = PAGE.words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of the package."""
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def package(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Installs the files of the page on adding a task and, over them, of this page; returns what runs a command."""
    installed = tmp_path_factory.mktemp("installed")
    run = install(PAGE, folder, installed, {**TASK.files, **FILES})
    assert (installed / "recall_studies" / "values.yaml").exists(), "settings are installed with the package"
    return run


def test_every_file_of_the_page_parses():
    names = ["pyproject.toml", "recall_studies/__init__.py", "recall_studies/values.yaml", "recall_studies/values.py"]
    assert list(FILES) == [*names, "test_values.py"]
    for name, text in FILES.items():
        if name.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))
    assert set(settings.SCALES) < set(yaml.safe_load(FILES["recall_studies/values.yaml"]))
    entries = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]
    assert entries[outside.GROUP] == {"recall/values": "recall_studies.values"}


def test_the_page_names_every_fault_of_an_entry():
    code = (ROOT / "experiments/outside.py").read_text() + (ROOT / "experiments/studies/__init__.py").read_text()
    faults = [*re.findall(r'line\((?:study\.)?entry, f?"(.*?)"', code), "cannot be imported: "]
    begins = [re.split(r" ?\.\.\.| <", end)[0] for end in re.findall(r"^\| `(.* .*)` \|", PAGE.text, re.MULTILINE)]
    for fault in faults:
        assert any(fault.startswith(begin) for begin in begins), fault
    for begin in begins:
        assert any(fault.startswith(begin) for fault in faults), begin


def test_the_examples_in_this_repository_have_about_the_lines_that_the_page_says():
    rows = re.findall(r"^\| `(\w+/\w+)` \| (\d+) lines \| (\d+) lines \|$", PAGE.text, re.MULTILINE)
    assert len(rows) == 3
    for study, in_settings, in_claim in rows:
        files = (ROOT / "conf" / "study" / f"{study}.yaml", ROOT / "experiments" / "studies" / f"{study}.py")
        for file, lines in zip(files, (in_settings, in_claim), strict=True):
            assert abs(len(file.read_text().splitlines()) - int(lines)) <= 5, file


# What every command knows of the study: its claim, its files, and the jobs of scales.
_KNOWN = """
import sys
from experiments import settings, studies
from experiments.engine import config
from experiments.judging import results
assert not studies.faults(), studies.faults()
print(studies.claim_for("recall/values").question)
print(results.path_for("recall/values/cpu"))
for scale in sys.argv[1:]:
    jobs = config.jobs(config.sweep([f"study=recall/values/{scale}"]))
    print(scale, len(jobs), len({job.id for job in jobs}))
"""


def test_the_study_registers_and_its_jobs_are_valid(package: Run, folder: Path):
    printed = package([sys.executable, "-c", _KNOWN, "smoke", "cpu"]).stdout.splitlines()
    assert printed[0] == "With how many values must a key be seen before an unseen pair is read?"
    assert printed[1] == str(folder / "recall_studies" / "results" / "recall" / "values" / "cpu.csv")
    assert printed[2:] == ["smoke 4 4", "cpu 6 6"]


def test_its_claim_keeps_the_contract():
    module: dict[str, Any] = {}
    exec(FILES["recall_studies/values.py"], module)
    for check in claim_contract.CHECKS:
        check(module["CLAIM"])


@pytest.mark.slow
def test_its_claim_keeps_the_contract_by_one_command(package: Run):
    assert " passed" in package(words("pytest test_values.py")).stdout


@pytest.mark.slow
def test_its_jobs_of_large_scales_are_valid(package: Run):
    printed = package([sys.executable, "-c", _KNOWN, "gpu", "paper"]).stdout.splitlines()
    assert printed[2:] == ["gpu 18 18", "paper 24 24"]


@pytest.mark.slow
def test_the_study_is_run_judged_recorded_checked_and_reported(package: Run, folder: Path):
    ours = sorted((ROOT / "paper" / "results").rglob("*"))
    listed = package(words("experiments.run study=recall")).stdout
    assert listed.startswith("study=recall/values")
    assert "4 of 4 runs finished" in package(words("experiments.run -m study=recall/values/smoke")).stdout

    judged = package(words("experiments.reproduce recall/values/cpu")).stdout
    assert "\nreproduced: Exact match on unseen pairs, 6 values per key minus 1 values per" in judged
    assert "null_rates recall/values records it." in " ".join(judged.split())
    assert (folder / "runs" / "recall" / "values" / "cpu" / "figure.svg").exists()
    shown = re.search(r"^```text\n(values per key.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    assert shown
    without_numbers = [re.sub(r"\d\.\d{2,3}", "#", text).split() for text in (shown[1], judged)]
    assert " ".join(without_numbers[0]) in " ".join(without_numbers[1])

    assert "tables pass with bound 1" in package(words("experiments.null_rates ")).stdout
    record, check = (words(f"experiments.reproduce recall/values/cpu --{how}") for how in ("record", "check"))
    place = folder / "recall_studies" / "results" / "recall" / "values"
    assert f"record: {place / 'cpu.csv'}" in package(record).stdout
    assert sorted(path.name for path in place.iterdir()) == ["cpu.csv", "cpu.png", "cpu.runs.csv", "cpu.svg"]
    checked = package(check).stdout
    assert "\nreproduced: " in checked
    assert "at most this many pass" in " ".join(checked.split())
    assert "recall/values" in package([sys.executable, "-m", "experiments.reproduce", "--all", "--check"]).stdout

    package(words("paper.report "))
    page = (folder / "report.html").read_text()
    assert 'id="recall/values"' in page
    assert 'data-figure="recall/values/cpu"' in page
    assert sorted((ROOT / "paper" / "results").rglob("*")) == ours


@pytest.mark.slow
def test_a_sweep_without_a_claim_is_plotted(package: Run, folder: Path):
    few = {"task.values_per_key": "1,6", "train.steps": "40"}
    sweep = [word.partition("=") for word in words("experiments.run -m task=recall")[4:]]
    package(
        [sys.executable, "-m", "experiments.run", "-m", *(f"{key}={few.get(key, value)}" for key, _, value in sweep)]
    )
    assert "unseen" in package(words("experiments.plot ")).stdout
    assert (folder / "runs" / "values" / "plot.svg").exists()
