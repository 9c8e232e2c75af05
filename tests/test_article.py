"""The write-up: typeset from the records alone."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typst
import yaml
from matplotlib.image import imread

from experiments import recorded as studies
from experiments import studies as claims
from experiments.engine import config
from experiments.judging import results
from experiments.judging.claim import Judgement
from experiments.judging.results import RecordError
from experiments.settings import read_study
from experiments.summary import Entry
from paper import prose
from paper.article import build, settings, words
from paper.command import command
from tests import test_statistics
from tests.tables import made_up

HERE = Path(build.__file__).parent
WORDS = yaml.safe_load((HERE / "words.yml").read_text())


@pytest.fixture(scope="module", autouse=True)
def without_words():
    """The command is called without words, whatever pytest's own are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["paper.article.build"])
        yield


@pytest.fixture(scope="module")
def article() -> Path:
    build.main()
    return build.BUILD


@pytest.mark.slow
def test_the_article_is_a_pdf_of_every_claim(article):
    assert (article / "article.pdf").read_bytes().startswith(b"%PDF")
    found = json.loads((article / "article.json").read_text())
    assert [claim["name"] for claim in found["claims"]] == [claim.name for claim in claims.every()]
    assert {claim["family"] for claim in found["claims"]} == set(found["words"]["families"])
    for claim in found["claims"]:
        assert re.search(r"steps of .* runs with \d+ seeds\.$", claim["trained"])


def test_every_claim_names_its_paper_as_the_references_do():
    references = yaml.safe_load((HERE / "references.yml").read_text()).values()
    titles = {r["serial-number"]["arxiv"]: r["title"] for r in references if "arxiv" in r.get("serial-number", {})}
    wrong = [c.name for c in claims.own() if titles.get(c.arxiv, "").casefold() != c.title.casefold()]
    assert not wrong


def test_every_claim_states_its_differences_from_the_original_and_families_keep_their_order():
    assert not [claim.name for claim in claims.own() if not claim.differs]
    assert list(WORDS["families"]) == list(dict.fromkeys(claim.name.split("/")[0] for claim in claims.every()))


def test_the_words_of_the_article_hold_no_result_typed_by_hand():
    """No decimal fraction stands in the text; lengths on the page have units."""
    for name in ("article.typ", "words.yml"):
        words = re.sub(r"\d+(\.\d+)?(pt|em|cm|%)", "", (HERE / name).read_text())
        words = re.sub(r'("[^"]*"|@\w+|// .*)', "", words)
        assert not re.findall(r"\b0?\.\d\d+\b|\b\d\.\d+\b", words)


def test_the_coverage_that_the_text_states_is_what_a_test_demands():
    (stated,) = re.findall(r"at least (\d+) %", WORDS["frame"][3]["text"])
    assert hasattr(test_statistics, f"test_a_mean_is_covered_at_{stated}_percent_or_more")
    assert hasattr(test_statistics, f"test_a_difference_is_covered_at_{stated}_percent_or_more")


def test_citations_become_links_and_other_text_is_escaped():
    said = prose.prose("Less <than> @rasp says; 2 @ 3.")
    assert re.fullmatch(r'Less &lt;than&gt; <a href="#ref-rasp">\[\d\]</a> says; 2 @ 3\.', said)
    assert all(f'id="ref-{key}"' in prose.bibliography() for key in words.references())


def test_questions_of_ours_are_counted_apart():
    judgement = Judgement("reproduced", None, 3, "", ())
    mine = claims.claim_for("boolean/diversity")
    table = made_up("boolean/diversity/cpu", ["task.pool"], {(5,): {"unseen": (0.1, 0.2)}})
    found = [Entry(claim, "cpu", table, judgement) for claim in (mine, *claims.every()[:2])]
    said = words._format_trained(found)
    assert "Of the papers' findings 2 were measured: 2 came out as the papers say" in said
    assert "Of our own questions, which no paper answers, 1 was measured: 1 came out" in said


def test_the_formatted_setting_of_a_study_has_its_files_values_and_its_records_runs():
    chosen = read_study("rasp/parity/cpu")
    found = settings.setting("rasp/parity/cpu")
    steps, batch = chosen["train"]["steps"], chosen["train"]["batch_size"]
    assert f"; {steps:,} steps of {batch} examples" in found.words
    seeds = chosen["sweep"]["seed"].split(",")
    assert found.line(None).endswith(f"{2 * len(seeds)} runs with {len(seeds)} seeds.")
    table = made_up("rasp/parity/cpu", ["task.scratchpad"], {(5,): {"unseen": (0.1, 0.2)}})
    assert found.line(table).endswith("; 2 runs with 2 seeds.")
    assert "positions: " not in found.words
    assert "; positions: rope; " in settings.setting("markov/algorithms/cpu").words


@pytest.mark.parametrize(
    ("overrides", "phrases"),
    [
        (["model=tiny"], ["2 layers of width 64"]),
        (["model=rope"], ["2 layers of width 64", "positions: rope"]),
        (["model=mlp"], ["mlp: 2 layers of width 128"]),
        (["model=linear"], ["linear"]),
        (["model=set", "model.depth=3"], ["set: 3 layers of width 64"]),
    ],
)
def test_a_model_that_is_no_transformer_is_named_in_its_setting(overrides, phrases):
    assert settings._shape(config.jobs([overrides])) == phrases


def test_a_study_that_does_not_compose_is_an_error_of_one_line():
    with pytest.raises(RecordError, match=r"^the study markov/threshold/tea does not compose: .*$"):
        settings.setting("markov/threshold/tea")


def said_by_failing(capsys) -> str:
    """The one line on standard error with which the command ends, with 2."""
    with pytest.raises(SystemExit) as ended:
        command(build.main)
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_a_damaged_record_is_an_error_of_one_line(monkeypatch, capsys, tmp_path):
    damaged = tmp_path / "cpu.csv"
    damaged.write_text("run,step\nx,1\n")
    results.runs_beside(damaged).touch()
    monkeypatch.setattr("experiments.summary.path_for", lambda study: damaged)
    assert said_by_failing(capsys).startswith(f"error: {damaged}: lacks the column")


def test_a_claim_without_a_study_is_an_error_of_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("experiments.settings.CONF", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    name = claims.every()[0].name
    assert said_by_failing(capsys).startswith(f"error: the claim {name} has no study")


def test_a_record_without_its_figure_is_an_error_of_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    record = results.path_for(f"{claims.every()[0].name}/cpu")
    record.parent.mkdir(parents=True)
    record.touch()
    said = said_by_failing(capsys)
    assert said == f"error: {record.with_suffix('.svg')}: no such figure, and there is a record beside it"


def test_studies_that_were_not_run_are_named_for_every_scale(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    number = len(claims.every())
    assert studies.format_not_run("gpu") == f"At scale gpu none of the {number} studies was run."
    first, *others = (claim.name for claim in claims.every())
    for name in others:
        results.path_for(f"{name}/gpu").parent.mkdir(parents=True)
        results.path_for(f"{name}/gpu").touch()
    assert studies.format_not_run("gpu") == f"At scale gpu 1 of the {number} studies was not run: {first}."
    results.path_for(f"{first}/gpu").parent.mkdir(parents=True)
    results.path_for(f"{first}/gpu").touch()
    assert studies.format_not_run("gpu") == f"At scale gpu each of the {number} studies was run."


@pytest.mark.slow
def test_sections_ask_the_claims_questions_and_no_two_captions_are_alike(article):
    layout = (HERE / "article.typ").read_text()
    assert "== #c.question" in layout
    assert all("#raw(c.name)" in caption for caption in re.findall(r"caption: \[(.*?)\],", layout)[1:])
    questions = [claim["question"] for claim in json.loads((article / "article.json").read_text())["claims"]]
    assert len(set(questions)) == len(questions)


@pytest.mark.slow
def test_no_page_of_the_article_but_the_last_is_half_empty(article):
    pages: Any = typst.compile(HERE / "article.typ", root=HERE.parent, format="png", ppi=18.0, ignore_system_fonts=True)
    fills = []
    for page in pages:
        assert isinstance(page, bytes)
        grey = imread(io.BytesIO(page))[:, :, :3].mean(axis=2)
        inked = np.flatnonzero((grey < 0.95).any(axis=1)) / len(grey)
        fills.append(max(inked[inked < 0.92]))  # below stands the page's number
    assert min(fills[:-1]) > 0.5, fills
