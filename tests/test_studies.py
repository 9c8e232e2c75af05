"""Study files: each composes, says what it is, and belongs to a claim; the large ones at least take two steps."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from experiments import settings
from experiments import studies as claims
from experiments.engine import config
from experiments.judging.reading import Converged
from tests import rotation
from tests.commands import ROOT, call

STUDIES = settings.studies()


def _sources(study: str) -> tuple[str, str]:
    """Returns how the names of a study's own files begin."""
    name = study.rsplit("/", 1)[0]
    return f"conf/study/{name}", f"experiments/studies/{name}"


def _marked(study: str):
    """Hundreds of jobs of a large scale are checked apart from the quick tests."""
    return pytest.param(study, marks=pytest.mark.slow) if study.endswith(("/gpu", "/paper")) else study


@pytest.mark.parametrize("study", [_marked(study) for study in STUDIES])
def test_every_job_of_a_study_is_valid_and_has_an_id_of_its_own(study):
    jobs = config.jobs(config.sweep([f"study={study}"]))
    assert len({job.id for job in jobs}) == len(jobs)
    assert {job.study for job in jobs} == {study}
    claim = claims.claim_for(study)
    assert claim.name == study.rsplit("/", 1)[0]
    apart, rules = getattr(claim.criterion, "apart", None), getattr(claim.criterion, "read", ())
    second = any(isinstance(rule, Converged) for rule in rules)  # a budget of twice the steps, which no bound reads
    budgets: dict[object, set[int]] = {}
    for job in jobs:
        budgets.setdefault(job.swept.get(apart.column) if apart else None, set()).add(int(job.run.train.steps))
    for steps in budgets.values():
        compared = {number for number in steps if not (second and number == 2 * min(steps))}
        assert len(compared) == 1, "all conditions that are compared get the same steps"


@pytest.mark.parametrize("study", STUDIES)
def test_the_settings_of_a_study_cite_its_paper_and_sweep_seeds(study):
    text = settings.format_study(study)
    header = [line for line in text.splitlines() if line.startswith("#")]
    assert any("arXiv" in line for line in header)
    assert "seed" in yaml.safe_load(text)["sweep"]


def test_every_claim_has_every_scale():
    assert {f"{claim.name}/{scale}" for claim in claims.every() for scale in ("smoke", "cpu", "gpu", "paper")} == set(
        STUDIES
    )


def test_the_paper_scale_has_the_papers_settings():
    """Only-IF (arXiv 2410.04717), sections 2.2, 2.3.1, B.1 and B.2."""
    jobs = config.jobs(config.sweep(["study=markov/threshold/paper"]))
    for job in jobs:
        task, model, optim = (job.config[name] for name in ("task", "model", "optim"))
        assert (model["depth"], model["heads"], model["width"]) == (6, 4, 256)
        assert (optim["rule"], optim["lr"], optim["schedule"]) == ("adamw", 1e-3, "linear")
        assert (task["input_length"], task["search_length"], task["replace_length"]) == (50, 20, 20)
        assert task["num_rules"] * task["examples_per_rule"] == pytest.approx(10**6, rel=0.001)
        assert job.config["train"]["steps"] * job.config["train"]["batch_size"] == pytest.approx(50 * 10**6, rel=1e-4)
    grid = [10, 20, 50, 100, 200, 300, 400, 500, 600, 1000, 2000, 2500, 5000, 10000, 100000, 1000000]
    assert sorted({job.config["task"]["num_rules"] for job in jobs}) == grid


def test_the_paper_scale_of_boolean_studies_has_plain_adam_and_that_of_tint_the_noise_of_the_authors():
    papers = [name for name in STUDIES if name.endswith("/paper")]
    for values in (settings.read_study(name) for name in papers if name.startswith("boolean/")):
        assert values["choose"]["optim"] == "adam"
        assert set(values["optim"]) == {"lr"}
    for values in (settings.read_study(name) for name in papers if name.startswith("tint/")):
        assert (values["task"]["style"], values["task"]["hidden"]) == ("lines", 1.0)


# In every round a study of each kind: of one task, of several, of several models, with baselines, in context, of
# decoded answers. They share a process by family, and one is beside a study of another family.
WHOLE = {
    "markov": ("markov/threshold", "rasp/and"),
    "rasp": ("rasp/table", "rasp/positions"),
    "boolean": ("boolean/curves",),
    "tint": ("tint/static_vs_dynamic",),
    "grokking": ("grokking/direction",),
    "mil": ("mil/unit_tests",),
    "pointer": ("pointer/longer",),
    "linear": ("linear/generative",),
    "icl": ("icl/abrupt",),
    "inference": ("inference/forgetting",),
    "cot": ("cot/sizes",),
    "hints": ("hints/sorting",),
    "recursion": ("recursion/edges",),
    "composition": ("composition/diversity",),
}
DRAWN = 2  # further studies of a family in a round
LARGE = (
    "markov/threshold/gpu",
    "markov/threshold/paper",
    "markov/abstraction/gpu",
    "markov/algorithms/gpu",
    "rasp/table/gpu",
    "rasp/addition/gpu",
    "boolean/table/gpu",
    "tint/static_vs_dynamic/gpu",
    "tint/finetune/gpu",
)


def _smoke_studies(family: str) -> list[str]:
    """Returns the smoke studies of a family that a round runs: always some, those that changed, and some drawn."""
    others = {study for study in STUDIES if study.startswith(f"{family}/") and study.endswith("/smoke")}
    others -= {"markov/budget/smoke"}  # whose runs are chosen by bisection; test_bisect.py runs it
    name = rotation.rotation()
    if name:
        changed = rotation.changed_files()
        drawn = rotation.draw(name, f"smoke {family}", sorted(others), DRAWN)
        others = {s for s in others if s in drawn or any(file.startswith(_sources(s)) for file in changed)}
    return sorted({f"{study}/smoke" for study in WHOLE[family]} | others)


# Trains, judges and draws all studies together; then shows each by itself, when there is nothing left to train.
TOGETHER = """
import sys
from experiments import reproduce, settings

*studies, out = sys.argv[1:]
settings.studies = lambda: studies
codes = []
for words in (["--all", "--scale", "smoke"], *([study] for study in studies)):
    sys.argv[1:] = [*words, out]
    codes.append(reproduce.main())
sys.exit(any(codes))
"""


def test_a_family_of_smoke_runs_is_tested_for_each_family_of_studies():
    assert set(WHOLE) == {study.split("/")[0] for study in STUDIES}


@pytest.mark.slow
@pytest.mark.parametrize("family", WHOLE)
def test_smoke_studies_of_a_family_are_trained_together_and_each_is_judged_drawn_and_shown(family, tmp_path):
    studies = _smoke_studies(family)
    words = [sys.executable, "-c", TOGETHER, *studies, f"out={tmp_path}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    claims_tested = f"{len(studies)} claim{'s' * (len(studies) > 1)} tested at scale smoke"
    assert claims_tested in done.stdout
    starting = [any(job.start for job in config.jobs(config.sweep([f"study={study}"]))) for study in studies]
    lines = 1 + any(starting)  # runs that others start from are counted apart
    assert sum(line.startswith("training") for line in done.stderr.splitlines()) == lines, "one display for all"
    for study in studies:
        assert (tmp_path / study / "figure.svg").exists()
        assert f"figure: {tmp_path / study / 'figure'}.png" in done.stdout.replace("\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("study", [pytest.param(s, marks=pytest.mark.rotated(4, *_sources(s))) for s in LARGE])
def test_a_large_study_takes_two_steps_on_a_cpu(study, tmp_path):
    """Its last job: where a study sweeps a number, that is the largest."""
    two = ["train.steps=2", "train.batch_size=8", "train.eval_every=2", "train.eval_examples=8", f"out={tmp_path}"]
    last = config.sweep([f"study={study}"])[-1]
    starts = config.jobs([last])[0].start is not None
    two += ["start_from.train.steps=2"] * starts
    done = call("run", "-m", f"study={study}", *last, *two)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("result.json"))) == 1 + starts
