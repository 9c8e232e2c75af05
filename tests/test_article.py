"""The write-up: typeset from the records alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from paper import claims, results, studies
from paper.article import build
from paper.command import command

HERE = Path(build.__file__).parent


@pytest.fixture(scope="module")
def article() -> Path:
    build.main()
    return build.BUILD


def test_it_is_a_pdf_of_every_claim(article):
    assert (article / "article.pdf").read_bytes().startswith(b"%PDF")
    found = json.loads((article / "article.json").read_text())
    assert [claim["name"] for claim in found["claims"]] == [claim.name for claim in claims.CLAIMS]
    assert {claim["family"] for claim in found["claims"]} <= set(
        re.findall(r"^  (\w+): \($", (HERE / "differs.typ").read_text(), re.MULTILINE)
    )


def test_every_claim_says_what_differs_from_the_original():
    said = set(re.findall(r'^  "([\w/]+)": \[', (HERE / "differs.typ").read_text(), re.MULTILINE))
    assert {claim.name for claim in claims.CLAIMS} <= said


def test_no_result_is_typed_by_hand():
    """No decimal fraction stands in the text; lengths on the page have units."""
    for name in ("article.typ", "differs.typ"):
        words = re.sub(r"\d+(\.\d+)?(pt|em|cm|%)", "", (HERE / name).read_text())
        words = re.sub(r'("[^"]*"|@\w+|// .*)', "", words)
        assert not re.findall(r"\b0?\.\d\d+\b|\b\d\.\d+\b", words)


def said_by_failing(capsys) -> str:
    """The one line on standard error with which the command ends, with 2."""
    with pytest.raises(SystemExit) as ended:
        command(build.main)
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_a_damaged_record_is_one_line(monkeypatch, capsys, tmp_path):
    damaged = tmp_path / "cpu.csv"
    damaged.write_text("study,run\nx,1\n")
    monkeypatch.setattr("paper.summary.path_for", lambda study: damaged)
    assert said_by_failing(capsys).startswith(f"error: {damaged}: lacks the column")


def test_a_claim_without_a_study_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(studies, "CONF", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    name = claims.CLAIMS[0].name
    assert said_by_failing(capsys).startswith(f"error: the claim {name} has no study")


def test_a_record_without_its_figure_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    record = results.path_for(f"{claims.CLAIMS[0].name}/cpu")
    record.parent.mkdir(parents=True)
    record.touch()
    said = said_by_failing(capsys)
    assert said == f"error: {record.with_suffix('.svg')}: no such figure, and there is a record beside it"


def test_what_was_not_run_is_said_of_every_scale(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    every = len(claims.CLAIMS)
    assert studies.not_run("gpu") == f"At scale gpu none of the {every} studies was run."
    first, *others = (claim.name for claim in claims.CLAIMS)
    for name in others:
        results.path_for(f"{name}/gpu").parent.mkdir(parents=True)
        results.path_for(f"{name}/gpu").touch()
    assert studies.not_run("gpu") == f"At scale gpu 1 of the {every} studies was not run: {first}."
    results.path_for(f"{first}/gpu").parent.mkdir(parents=True)
    results.path_for(f"{first}/gpu").touch()
    assert studies.not_run("gpu") == f"At scale gpu each of the {every} studies was run."
