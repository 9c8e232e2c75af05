"""Studies of other packages: how they are found, where their records lie, and that a faulty one leaves others alone."""

from __future__ import annotations

import re
import types
import warnings
from importlib.metadata import EntryPoint
from pathlib import Path

import polars as pl
import pytest

from experiments import null_rates, outside, recorded, reproduce, run, settings, studies
from experiments.engine import config, plugins
from experiments.errors import ConfigError
from experiments.judging import chance, results
from paper import readme
from tests.tables import STEP, threshold_of

SETTINGS = """
# Feeding, of no paper.
choose: {task: markov, model: tiny, optim: adamw}
smoke:
  sweep: {task.num_rules: [10, 20], seed: [0, 1]}
"""
CLAIM = """
from experiments.studies import claim_for
CLAIM = claim_for("markov/threshold").renamed("NAME")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs studies as other packages would: module, claim and settings of each by its name; returns the folder."""
    monkeypatch.syspath_prepend(tmp_path)
    entries: list[EntryPoint] = []

    def add(
        name: str, module: str, code: str = CLAIM, text: str | None = SETTINGS, package: str = "zoo-keeper"
    ) -> Path:
        (tmp_path / f"{module}.py").write_text(code.replace("NAME", name))
        if text is not None:
            (tmp_path / f"{module}.yaml").write_text(text)
        entry = EntryPoint(name, module, outside.GROUP)
        vars(entry)["dist"] = types.SimpleNamespace(name=package)
        entries.append(entry)
        installed = tuple(entries)
        monkeypatch.setattr(outside, "entry_points", lambda group: installed if group == outside.GROUP else ())
        return tmp_path

    return add


def fault(name: str) -> str:
    """Returns what every reader says of a study that is faulty."""
    assert name not in {claim.name for claim in studies.every()}
    with pytest.raises(studies.ClaimError) as caught:
        studies.claim_for(f"{name}/smoke")
    line = str(caught.value)
    assert "\n" not in line
    assert studies.every()[: len(studies.own())] == studies.own(), "the others work"
    return line


def test_an_entry_point_adds_claim_settings_and_jobs_of_a_study(install):
    folder = install("zoo/feeding", "feeding_a")
    assert studies.every()[-1] is studies.claim_for("zoo/feeding/smoke")
    assert settings.path_for("zoo/feeding/smoke") == folder / "feeding_a.yaml"
    assert {job.study for job in config.jobs(config.sweep(["study=zoo/feeding/smoke"]))} == {"zoo/feeding/smoke"}
    listed = next(line for line in run._format_list(["study="]) if line.startswith("study=zoo/feeding "))
    assert listed.endswith("How many rules must be seen before an unseen one is applied?")
    assert not studies.faults()


def test_records_of_another_packages_study_lie_beside_its_settings_and_never_among_ours(install, monkeypatch, capsys):
    table = threshold_of(STEP)
    grid = f"{{task.num_rules: {sorted(STEP)}, seed: {sorted(table['seed'].unique())}}}"
    folder = install(
        "zoo/feeding",
        "feeding_b",
        text=f"{SETTINGS}cpu:\n  task: {{alphabet: 16, search_length: 3}}\n  sweep: {grid}\n",
    )
    path = results.path_for("zoo/feeding/cpu")
    assert path == folder / "results" / "zoo" / "feeding" / "cpu.csv"
    before = recorded.format_recorded()
    results.write(table.with_columns(study=pl.lit("zoo/feeding/cpu")), path)
    assert "zoo/feeding/cpu" in results.recorded()
    assert recorded.format_recorded() == before
    recorded.check()
    monkeypatch.setattr("sys.argv", ["reproduce", "zoo/feeding/cpu", "--check"])
    assert reproduce.main() == 0
    assert "zoo/feeding: " in capsys.readouterr().out


def test_a_record_of_another_packages_study_is_refused_in_the_place_of_another(install):
    folder = install("zoo/feeding", "feeding_c")
    path = folder / "results" / "zoo" / "feeding" / "gpu.csv"
    results.write(threshold_of(STEP).with_columns(study=pl.lit("zoo/feeding/cpu")), path)
    with pytest.raises(results.RecordError, match=r"gpu.runs.csv: is a record of zoo/feeding/cpu, whose place is "):
        results.read(path)


def test_rates_of_false_positives_of_another_packages_study_lie_beside_its_records(install):
    folder = install("zoo/feeding", "feeding_d")
    ours = chance.path_for("markov/noop").read_bytes()
    fresh = null_rates.record([studies.claim_for("zoo/feeding")], tables=3)
    assert chance.rates(folder / "results" / "null_rates.csv").equals(fresh.sort("claim", "scores", "scatter"))
    assert chance.path_for("markov/noop").read_bytes() == ours
    kinds = fresh["scores"].n_unique()
    assert chance.false_positives("zoo/feeding").endswith(f" seeds; 3 tables of each of {kinds} kinds).")


@pytest.mark.slow
def test_the_write_up_of_this_repository_has_its_own_studies_alone(install):
    install("zoo/feeding", "feeding_e")
    entries = readme.entries(readme.SCALE, readme.own())
    assert [entry.claim for entry in entries] == list(studies.own())


def test_a_package_that_fails_at_import_is_named_with_its_entry_and_the_others_work(install, capsys, monkeypatch):
    install("zoo/sleeping", "sleeping_a", code="1 / 0")
    install("zoo/feeding", "feeding_f")
    wanted = (
        "study: the entry point zoo/sleeping = sleeping_a of zoo-keeper cannot be imported: "
        "ZeroDivisionError: division by zero"
    )
    assert fault("zoo/sleeping") == wanted
    assert studies.claim_for("zoo/feeding")
    monkeypatch.setattr("sys.argv", ["run", "study=zoo"])
    assert run.main() == 0
    printed = capsys.readouterr()
    assert "study=zoo/feeding " in printed.out
    assert printed.err == f"left out: {wanted}\n"


@pytest.mark.parametrize(
    ("name", "module", "code", "text", "wanted"),
    [
        ("zoo", "zoo_a", CLAIM, SETTINGS, "is not of the form <family>/<study> = <module>"),
        ("markov/noop", "zoo_b", CLAIM, SETTINGS, "has the name of a study that Terrarium has; choose another family"),
        ("markov/own", "zoo_c", CLAIM, SETTINGS, "is in the family markov, which is Terrarium's; choose another"),
        ("zoo/walking", "zoo_d", CLAIM, None, r"has no settings: there is no file .*zoo_d\.yaml"),
        ("zoo/walking", "zoo_e", "", SETTINGS, r"gives no claim, and there are settings of it in .*zoo_e\.yaml"),
        ("zoo/walking", "zoo_f", CLAIM.replace("NAME", "zoo/running"), SETTINGS, "gives the claim of another study, "),
        ("zoo/walking", "no.such", CLAIM, SETTINGS, "cannot be imported: ModuleNotFoundError: No module named 'no'"),
    ],
    ids=["form", "name", "family", "settings", "claim", "another", "module"],
)
def test_a_faulty_entry_is_one_line_that_names_package_and_entry(install, name, module, code, text, wanted):
    install(name, module, code, text, "zoo-keeper")
    line = studies.faults()[name]
    assert studies.every() == studies.own(), "the others work"
    assert line.startswith(f"study: the entry point {name} = {module} of zoo-keeper ")
    assert re.search(wanted, line), line


def test_a_family_belongs_to_one_package(install):
    install("zoo/feeding", "feeding_g")
    install("zoo/sleeping", "sleeping_g")
    install("zoo/walking", "walking_g", package="visitor")
    assert studies.claim_for("zoo/sleeping")
    wanted = "study: the entry point zoo/walking = walking_g of visitor is in the family zoo, which is zoo-keeper's; "
    assert fault("zoo/walking").startswith(wanted)


def test_a_study_without_settings_is_refused_by_the_commands_that_run_it(install):
    install("zoo/walking", "walking_h", text=None)
    with pytest.raises(ConfigError, match=r"zoo/walking = walking_h of zoo-keeper has no settings: there is no file"):
        config.sweep(["study=zoo/walking/smoke"])


def test_an_arm_of_another_package_cannot_change_studies_of_this_repository(install):
    ours = settings.arms()["tint/noise"]["clean"]
    install("zoo/feeding", "feeding_i", text=SETTINGS + "arms: {tint/noise: {clean: {task: {characters: 1.0}}}}\n")
    assert settings.arms()["tint/noise"]["clean"] == ours
    with pytest.raises(ConfigError, match=r"feeding_i\.yaml: arms\.tint/noise\.clean: it is in conf/study/tint"):
        settings.read_study("zoo/feeding/smoke")


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemError('two\\nlines')"])
def test_a_plug_in_of_hydra_whose_import_fails_is_one_line(code, monkeypatch):
    broken = compile(code, "/site/hydra_plugins/broken_one.py", "exec")
    monkeypatch.setattr(plugins.Plugins, "instance", lambda: exec(broken))
    with pytest.raises(ConfigError, match=r"^hydra_plugins: broken_one cannot be imported: \w+Error: ") as e:
        plugins.find_plugins()
    assert "\n" not in str(e.value)


def test_a_plug_in_of_hydra_that_lacks_a_module_is_left_out_with_one_line(monkeypatch, capsys):
    lines = ["", "\tError importing 'hydra_plugins.one'.", "\tRecommended to uninstall.", "\t\tImportError : no flash"]
    monkeypatch.setattr(plugins.Plugins, "instance", lambda: warnings.warn("\n".join(lines), stacklevel=1))
    plugins.find_plugins()
    said = "ignored: Hydra's plug-in hydra_plugins.one, which cannot be imported: ImportError: no flash\n"
    assert capsys.readouterr().err == said
