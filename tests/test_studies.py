"""Study files: each composes, says what it is, and belongs to a claim; the large ones at least take two steps."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from experiments import settings
from experiments import studies as claims
from experiments.engine import config
from tests.commands import ROOT, call

STUDIES = settings.studies()


def _slow_where_large(study: str):
    """Hundreds of jobs of a large scale are checked apart from the quick tests."""
    return pytest.param(study, marks=pytest.mark.slow) if study.endswith(("/gpu", "/paper")) else study


@pytest.mark.parametrize("study", [_slow_where_large(study) for study in STUDIES])
def test_every_job_of_a_study_is_valid_and_its_own(study):
    jobs = config.jobs(config.sweep([f"study={study}"]))
    assert len({job.id for job in jobs}) == len(jobs)
    assert {job.study for job in jobs} == {study}
    steps = {
        (job.swept.get("tint/why"), job.run.train.steps) for job in jobs
    }  # a shorter schedule is a departure there
    assert len(steps) == len({departure for departure, _ in steps}), (
        "all conditions that are compared get the same steps"
    )
    assert claims.claim_for(study).name == study.rsplit("/", 1)[0]


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_says_what_it_is(study):
    text = settings.text(study)
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


# A study of each kind: of one task, of several, of several models, with baselines, in context, of decoded answers.
WHOLE = ("markov/threshold", "rasp/table", "rasp/positions", "rasp/and", "boolean/curves", "tint/static_vs_dynamic")
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


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_smoke_study_is_run_judged_and_drawn(name, tmp_path):
    done = call("reproduce", f"{name}/smoke", f"out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{name}/smoke/figure.svg").exists()


@pytest.mark.slow
def test_all_studies_of_a_scale_are_trained_and_judged_together(tmp_path):
    some = ["markov/threshold/smoke", "rasp/and/smoke"]
    few = f"settings.studies = lambda: {some}"
    code = f"from experiments import reproduce, settings; {few}; raise SystemExit(reproduce.main())"
    words = [sys.executable, "-c", code, "--all", "--scale", "smoke", f"out={tmp_path}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 claims tested at scale smoke" in done.stdout
    assert sum(line.startswith("training") for line in done.stderr.splitlines()) == 1, "one display for all"
    for study in some:
        assert (tmp_path / study / "figure.svg").exists()


@pytest.mark.slow
@pytest.mark.parametrize("study", LARGE)
def test_a_large_study_takes_two_steps_on_a_cpu(study, tmp_path):
    """Its last job: where a study sweeps a number, that is the largest."""
    two = ["train.steps=2", "train.batch_size=8", "train.eval_every=2", "train.eval_examples=8", f"out={tmp_path}"]
    last = config.sweep([f"study={study}"])[-1]
    starts = config.jobs([last])[0].start is not None
    two += ["start_from.train.steps=2"] * starts
    done = call("run", "-m", f"study={study}", *last, *two)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("result.json"))) == 1 + starts
