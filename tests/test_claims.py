"""Claims: how a study finds its own, and how they are printed and drawn."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from experiments import studies as claims
from experiments.judging.chance import false_positives
from experiments.judging.results import RecordError
from experiments.printing import show
from experiments.studies.markov.threshold import criterion
from tests import (
    null_rates,
    test_claims_boolean,
    test_claims_markov,
    test_claims_markov_more,
    test_claims_rasp,
    test_claims_tint,
)
from tests.tables import STEP, threshold_of


def test_a_study_finds_its_claim_at_every_scale():
    for study in ("markov/threshold/cpu", "markov/threshold/paper", "markov/threshold"):
        assert claims.claim_for(study).name == "markov/threshold"


def test_a_study_without_a_claim_names_those_there_are():
    with pytest.raises(claims.ClaimError, match=r"^no claim belongs to the study 'tea/cups/cpu': .* markov/threshold,"):
        claims.claim_for("tea/cups/cpu")


def test_nothing_here_knows_of_training():
    code = "import sys, experiments.studies, experiments.printing; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert not {"jax", "hydra", "experiments.engine", "models", "synthetic"} & loaded


def test_the_table_fits_80_columns_and_a_file():
    table = threshold_of({**STEP, 1_000_000: (1.0, 1.0, 1.0)})
    judgement = criterion(table)
    file = io.StringIO()
    show(claims.claim_for("markov/threshold"), judgement, table, Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    assert "…" not in text
    for wanted in ("0 (never)", "~1 (always)", "0.170 [", "reproduced: ", "3 seeds", "jax 0.10.2", "abc+"):
        assert wanted in text


@pytest.mark.parametrize(
    "table",
    [threshold_of(STEP), threshold_of({10: (0.1,)}), threshold_of(STEP, diverged=[(10, 0), (10, 1), (10, 2)])],
    ids=["step", "one run", "diverged"],
)
def test_the_figure_is_drawn_the_same_each_time(table: pl.DataFrame, tmp_path: Path):
    claim = claims.claim_for("markov/threshold")
    first, second = (claim.figure(table, criterion(table), tmp_path / name) for name in ("a.b", "c"))
    assert [path.name for path in first] == ["a.b.png", "a.b.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()


def test_every_criterion_is_tried_on_tables_that_pass_and_fail_and_on_chance():
    modules = (test_claims_boolean, test_claims_markov, test_claims_markov_more, test_claims_rasp, test_claims_tint)
    by_themselves = {"markov/threshold", "markov/algorithms", "markov/budget"}  # have a module of tests each
    for tried in ("CASES", "NULLS"):
        found = by_themselves.union(*(getattr(module, tried) for module in modules))
        assert found == {claim.name for claim in claims.every()}


def test_how_often_chance_passes_is_recorded_of_every_criterion():
    recorded = pl.read_csv(null_rates.PATH)
    assert set(recorded["claim"]) == {claim.name for claim in claims.every()}
    assert (recorded["tables"] >= 1000).all()
    assert (recorded["reproduced"] == (recorded["rate"] * recorded["tables"]).round()).all()
    assert (recorded["rate"] <= 0.05).all()
    for claim in claims.every():
        most = 100 * recorded.filter(claim=claim.name)["rate"].to_numpy().max()
        assert false_positives(claim.name).startswith(f"At most {most:.1f} % of simulated tables")
    with pytest.raises(RecordError, match=r"null_rates.csv: no row of the claim markov/none; "):
        false_positives("markov/none")
