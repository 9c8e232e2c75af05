"""The write-up: typeset from the records alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from paper import claims
from paper.article import build

HERE = Path(build.__file__).parent


@pytest.fixture(scope="module")
def article(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        found = build.data()
        patch.setattr(build, "data", lambda: found)
        assert build.main() == 0
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


def test_a_damaged_record_is_one_line(monkeypatch, capsys, tmp_path):
    damaged = tmp_path / "cpu.csv"
    damaged.write_text("study,run\nx,1\n")
    monkeypatch.setattr("paper.summary.path_for", lambda study: damaged)
    assert build.main() == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"error: {damaged}: lacks the column")
    assert "\n" not in said
