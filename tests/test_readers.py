"""What reads the records says what is wrong with them in one line; the README and its page have every study."""

from __future__ import annotations

import shutil

import pytest

from experiments import recorded as studies
from experiments import reproduce, summary
from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from paper import readme, report
from tests.recorded import STUDY, exit_of, one_record


@pytest.fixture
def record(tmp_path):
    with one_record(tmp_path) as path:
        yield path


def test_a_damaged_record_is_an_error_of_one_line(record, monkeypatch, tmp_path, capsys):
    runs = results.runs_beside(record)
    lines = runs.read_text().splitlines()
    runs.write_text("\n".join([*lines[:-1], lines[-1].replace(",finished,", ",lost,")]))
    assert exit_of(report.main, monkeypatch, "--out", str(tmp_path / "page.html")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {runs}: column status has 'lost'")
    assert said.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("main", [report.main, readme.main])
def test_a_study_without_a_claim_is_an_error_of_one_line(record, monkeypatch, tmp_path, capsys, main):
    (tmp_path / "conf" / "study" / "markov" / "orphan.yaml").touch()
    assert exit_of(main, monkeypatch) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: no claim belongs to the study 'markov/orphan'")
    assert said.count("\n") == 1


def test_all_studies_are_checked_before_they_are_judged_together(record, tmp_path):
    (tmp_path / "conf" / "study" / "markov" / "orphan.yaml").touch()
    with pytest.raises(claims.ClaimError, match="'markov/orphan'"):
        reproduce._check_all("cpu")


def test_a_record_without_its_figure_is_an_error(record):
    record.with_suffix(".png").unlink()
    with pytest.raises(RecordError, match=r"cpu\.png: no such figure, and there is a record beside it$"):
        studies.check()


def test_a_claim_without_a_study_is_an_error(record, tmp_path):
    (tmp_path / "conf" / "study" / "rasp" / "table.yaml").unlink()
    with pytest.raises(claims.ClaimError, match=r"^the claim rasp/table has no study: .*$"):
        studies.check()


def test_a_record_without_a_study_or_a_claim_is_an_error(record):
    other = record.rename(record.with_name("huge.csv"))
    results.runs_beside(record).rename(results.runs_beside(other))
    with pytest.raises(
        RecordError, match=r"^the study markov/threshold/huge has no settings: .*there is no scale huge.*$"
    ):
        studies.check()
    shutil.move(other.parent, other.parent.with_name("orphan"))
    with pytest.raises(claims.ClaimError, match="'markov/orphan/huge'"):
        studies.check()


def test_the_readme_names_every_study_in_its_papers_line_and_leaves_the_rest_as_it_is(record):
    found = summary.entries("cpu")
    text = f"above\n{readme.START}\nstale\n{readme.END}\nbelow\n"
    new = readme.renewed(text, found)
    assert new.startswith("above\n")
    assert new.endswith("\nbelow\n")
    assert "stale" not in new
    assert readme.renewed(new, found) == new
    number = len(claims.every())
    assert f"cpu: 1 of {number}, gpu: none of {number}, paper: none of {number}." in new
    for entry in found:
        family, name = entry.claim.name.split("/")
        starts = f"| `{family}`: [{entry.claim.title.split(':')[0]}](https://arxiv.org/abs/{entry.claim.arxiv}) |"
        (line,) = (line for line in new.splitlines() if line.startswith(starts))
        named = [{part.strip() for part in cell.split(",")} for cell in line.split("|")[2:-1]]
        if entry.study == STUDY:
            assert f"[{name}](paper/results/{entry.study}.png)" in line
        else:
            assert [name in cell for cell in named] == [False, False, True]
    with pytest.raises(RecordError, match="lacks the markers"):
        readme.renewed("above\nbelow\n", found)


def test_the_page_of_studies_has_a_line_for_every_study(record):
    found = summary.entries("cpu")
    lines = readme.page(found).splitlines()
    for entry in found:
        (line,) = (line for line in lines if f"`{entry.claim.name}`" in line and line.startswith("|"))
        assert entry.claim.question in line
        assert entry.verdict in line
        assert (f"](../paper/results/{entry.study}.png)" in line) == (entry.study == STUDY)


def test_a_readme_that_is_not_current_fails_with_one_line(record, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(readme, "README", tmp_path / "README.md")
    monkeypatch.setattr(readme, "PAGE", tmp_path / "studies.md")
    readme.README.write_text(f"above\n{readme.START}\n{readme.END}\n")
    assert exit_of(readme.main, monkeypatch, "--check") == 1
    assert capsys.readouterr().err == "README.md is not current: run `python -m paper.readme`\n"
    assert exit_of(readme.main, monkeypatch) == 0
    assert exit_of(readme.main, monkeypatch, "--check") == 0
