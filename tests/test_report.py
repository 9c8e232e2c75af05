"""The report and the README's table: all that is recorded is there, and what is wrong is one line."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from experiments import reproduce
from paper import claims, page, readme, report, results, studies, summary
from paper.article import words as words_of_article
from paper.article.settings import Setting
from paper.command import command
from paper.results import RecordError
from tests.browser import chromium
from tests.tables import made_up

RULES = (30, 100, 1000)
STUDY = "markov/threshold/cpu"
MEGABYTE = 1_000_000


class Page(HTMLParser):
    """What a page says: its text, the cells of its table of claims, and what its elements with an id hold."""

    def __init__(self, text: str):
        super().__init__()
        self.text, self.rows, self.held, self.open = "", [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.open.append((tag, given))
        if tag == "tr" and "data-verdict" in given:
            self.rows.append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tag, given = self.open[-1] if self.open else ("", {})
        if tag == "script":
            self.held[given.get("id", "program")] = data
        elif tag != "style":
            self.text += data
            if any(name == "tr" and "data-verdict" in of for name, of in self.open):
                self.rows[-1] += data

    def unpacked(self, name: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.held[name]))


def words(text: str) -> str:
    return " ".join(text.split())


@contextmanager
def one_record(folder: Path) -> Iterator[Path]:
    """A record of one study alone, made up, in place of the recorded ones, and every claim's study in conf/."""
    scores = {
        (rules,): {"unseen/applied": (0.0, 0.01 + rules / 2000, 0.02), "seen/applied": (1.0, 0.98, 0.99)}
        for rules in RULES
    }
    with pytest.MonkeyPatch.context() as patch:
        for claim in claims.CLAIMS:
            shutil.copytree(studies.CONF / claim.name, folder / "conf" / claim.name)
        patch.setattr(studies, "CONF", folder / "conf")
        patch.setattr(results, "RESULTS", folder / "results")
        for reader in (page, words_of_article):
            patch.setattr(reader, "setting", lambda study: Setting(f"the setting of {study}", (100_000,), 15, 3, False))
        results.write(made_up(STUDY, ["task.num_rules"], scores), results.path_for(STUDY))
        for kind in ("svg", "png"):
            results.path_for(STUDY).with_suffix(f".{kind}").touch()
        yield results.path_for(STUDY)


@pytest.fixture
def record(tmp_path):
    with one_record(tmp_path) as path:
        yield path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The text of the report on one record, and that record."""
    with one_record(tmp_path_factory.mktemp("one")) as path:
        text = report.report(report.every())
    return text, path


def test_every_claim_is_in_the_report_with_its_study_and_its_verdict(made):
    page, said = Page(made[0]), yaml.safe_load((words_of_article.HERE / "words.yml").read_text())
    assert len(page.rows) == len(claims.CLAIMS)
    for claim in claims.CLAIMS:
        assert claim.question
        assert words(claim.text) in words(page.text)
        assert f"python -m experiments.reproduce {claim.name}/cpu" in page.text
        assert studies.config(f"{claim.name}/cpu") in page.text
        assert f"the setting of {claim.name}/cpu" in page.text
        assert said["differs"][claim.name].partition("@")[0] in page.text
        (row,) = (row for row in page.rows if f"{claim.name}/cpu" in row)
        assert ("not run" in row) == (claim.name not in STUDY)


def test_a_study_that_was_run_has_its_numbers_where_it_was_measured_and_its_criterion(made, record):
    page, claim, table = Page(made[0]), claims.claim_for(STUDY), results.read(made[1])
    judgement = claim.criterion(table)
    (row,) = (row for row in page.rows if STUDY in row)
    (entry,) = (entry for entry in summary.entries("cpu") if entry.judgement)
    effect = judgement.effect
    assert effect is not None
    for part in (judgement.verdict, str(effect), "2 cores", "abc+", "2025-01-01", f"{entry.adjusted:.2g}"):
        assert part in row
    for part in (judgement.sentence, *judgement.notes, *(str(row.scores["unseen"]) for row in judgement.rows)):
        assert words(part) in words(page.text)
    criterion = (sys.modules[claim.criterion.__module__].__doc__ or "").split("Reproduced: ")[1].split("\n- ")[0]
    assert words(criterion) in words(page.text)
    assert f"1 claim tested at scale cpu, of {len(claims.CLAIMS)} there are: " in page.text
    assert "Nothing was run at scale gpu." in page.text


def test_the_report_frames_its_findings_and_says_where_they_end(made):
    text = words(Page(made[0]).text)
    for part in ("Introduction", "The frame", "Limits", "References", "the smallest one-sided level at which"):
        assert part in text
    assert all(of["title"] in text for of in words_of_article.references().values())
    assert set(re.findall(r'href="#(ref-\w+)"', made[0])) <= set(re.findall(r'id="(ref-\w+)"', made[0]))
    assert not re.search(r"@(onlyif|rasp|boolean|tint)|\{\w+\}", text.partition("python -m")[0])


def test_the_data_in_the_page_are_the_record(made):
    page, record = made
    assert Page(page).unpacked(f"data:{STUDY}") == record.read_bytes()


def test_marks_stand_where_the_figure_shows_them_and_say_what_was_judged(made):
    found = json.loads(Page(made[0]).unpacked(f"figure:{STUDY}"))
    drawing = ElementTree.fromstring(found["svg"])
    drawn = {(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in drawing.iter() if "use" in use.tag}
    judgement = claims.claim_for(STUDY).criterion(results.read(made[1]))
    means = [mark for mark in found["marks"] if mark[2] == "unseen rules" and "while training" not in mark[3]]
    assert len(means) == len(RULES) == len(judgement.rows)
    for (x, y, _, rules, match), row in zip(means, judgement.rows, strict=True):
        assert min(abs(x - a) + abs(y - b) for a, b in drawn) < 0.2
        interval = row.scores["unseen"]
        value, low, high = map(float, re.findall(r"[\d.]+", match))
        assert rules == f"number of rules {row.setting}"
        assert (value, low, high) == pytest.approx((interval.estimate, interval.lower, interval.upper), abs=6e-4)
    seeds = [mark for mark in found["marks"] if mark[2] == "unseen rules, one seed"]
    assert [mark[3] for mark in seeds] == [f"number of rules {rules:,}" for rules in RULES for _ in range(3)]


def test_the_same_record_makes_the_same_page(made, record):
    assert report.report(report.every()) == made[0]


def test_the_page_asks_the_network_for_nothing(made):
    page = made[0]
    assert not re.search(r'(?:src|srcset|@import|url\()\s*=?\s*["\']?(?:https?:)?//', page)
    assert not re.search(r"<link|<iframe|fetch\(|import\(|XMLHttpRequest", page)


def exit_of(main, monkeypatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["report", *words])
    with pytest.raises(SystemExit) as ended:
        command(main)
    return int(ended.value.code or 0)


def test_a_damaged_record_is_one_line(record, monkeypatch, tmp_path, capsys):
    lines = record.read_text().splitlines()
    record.write_text("\n".join([*lines[:-1], lines[-1].replace(",finished,", ",lost,")]))
    assert exit_of(report.main, monkeypatch, "--out", str(tmp_path / "page.html")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {record}: column status has 'lost'")
    assert said.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("main", [report.main, readme.main])
def test_a_study_without_a_claim_is_one_line(record, monkeypatch, tmp_path, capsys, main):
    (tmp_path / "conf" / "markov" / "orphan").mkdir()
    assert exit_of(main, monkeypatch) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: no claim belongs to the study 'markov/orphan'")
    assert said.count("\n") == 1


def test_all_are_checked_before_they_are_judged_together(record, tmp_path):
    (tmp_path / "conf" / "markov" / "orphan").mkdir()
    with pytest.raises(claims.ClaimError, match="'markov/orphan'"):
        reproduce._check_all("cpu")


def test_a_record_without_its_figure_is_an_error(record):
    record.with_suffix(".png").unlink()
    with pytest.raises(RecordError, match=r"cpu\.png: no such figure, and there is a record beside it$"):
        studies.check()


def test_a_claim_without_a_study_is_an_error(record, tmp_path):
    shutil.rmtree(tmp_path / "conf" / "rasp" / "table")
    with pytest.raises(claims.ClaimError, match=r"^the claim rasp/table has no study: .*$"):
        studies.check()


def test_a_record_without_a_study_or_a_claim_is_an_error(record):
    other = record.rename(record.with_name("huge.csv"))
    with pytest.raises(RecordError, match=r"^the study markov/threshold/huge has no file that can be read: .*$"):
        studies.check()
    shutil.move(other.parent, other.parent.with_name("orphan"))
    with pytest.raises(claims.ClaimError, match="'markov/orphan/huge'"):
        studies.check()


def test_the_readme_has_a_line_for_every_study_and_leaves_the_rest_as_it_is(record):
    found = summary.entries("cpu")
    text = f"above\n{readme.START}\nstale\n{readme.END}\nbelow\n"
    new = readme.renewed(text, found)
    assert new.startswith("above\n")
    assert new.endswith("\nbelow\n")
    assert "stale" not in new
    assert readme.renewed(new, found) == new
    every = len(claims.CLAIMS)
    assert f"cpu: 1 of {every}, gpu: none of {every}, paper: none of {every}." in new
    for entry in found:
        (line,) = (line for line in new.splitlines() if f"`{entry.claim.name}`" in line)
        assert entry.claim.question in line
        assert entry.verdict in line
        assert (f"](paper/results/{entry.study}.png)" in line) == (entry.study == STUDY)
    with pytest.raises(RecordError, match="lacks the markers"):
        readme.renewed("above\nbelow\n", found)


def test_a_readme_that_is_not_current_is_one_line_and_no_success(record, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(readme, "README", tmp_path / "README.md")
    readme.README.write_text(f"above\n{readme.START}\n{readme.END}\n")
    assert exit_of(readme.main, monkeypatch, "--check") == 1
    assert capsys.readouterr().err == "README.md is not current: run `python -m paper.readme`\n"
    assert exit_of(readme.main, monkeypatch) == 0
    assert exit_of(readme.main, monkeypatch, "--check") == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium on the PATH")
def test_the_recorded_page_opens_in_a_browser_and_answers_the_pointer(tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report.report(report.every()))
    assert path.stat().st_size <= 3 * MEGABYTE
    with chromium(tmp_path) as page:
        page.see(1280, 1000)
        took = []
        for _ in range(3):
            page.open(path)
            took.append(page.run("performance.timing.loadEventEnd - performance.timing.navigationStart"))
        assert min(took) <= 2000, took

        page.run("document.getElementById('markov/threshold').scrollIntoView({behavior: 'instant'})")
        section = "document.getElementById('markov/threshold')"
        page.wait(f"{section}.querySelector('figure').dataset.drawn === ''")
        assert page.run(f"{section}.querySelectorAll('.stage svg use').length") > 20

        marks = json.loads(Page(path.read_text()).unpacked(f"figure:{STUDY}"))["marks"]
        x, y, series, *_ = marks[0]
        left, top, width, height = page.run(
            f"(({{left, top, width, height}}) => [left, top, width, height])"
            f"({section}.querySelector('.stage').getBoundingClientRect())"
        )
        place = left + x * width / 648, top + y * height / 288
        page.mouse("mouseMoved", *place)
        tip = page.wait(f"{section}.querySelector('.tip:not([hidden])')?.innerText")
        assert series in tip
        page.screenshot(tmp_path / "hover.png")
        assert (tmp_path / "hover.png").stat().st_size > 20_000

        viewed = f"{section}.querySelector('.stage svg').viewBox.baseVal.width"
        page.mouse("mousePressed", *place, button="left", clickCount=1)
        page.mouse("mouseMoved", place[0] + 200, place[1] - 100, button="left", buttons=1)
        page.mouse("mouseReleased", place[0] + 200, place[1] - 100, button="left", clickCount=1)
        assert page.run(viewed) < 648 / 2
        page.mouse("mouseWheel", *place, deltaX=0, deltaY=-100)
        page.press("0")
        page.wait(f"{viewed} === 648")
        page.press("ArrowRight")
        assert series in page.run(f"{section}.querySelector('.tip:not([hidden])').innerText")

        rows = "[...document.querySelectorAll('tr[data-verdict]')].filter((row) => !row.hidden).length"
        assert page.run(rows) >= len(claims.CLAIMS)
        page.run(
            "const menu = document.querySelector('select[name=paper]'); menu.value = 'rasp';"
            "menu.dispatchEvent(new Event('change', {bubbles: true}))"
        )
        assert page.run(rows) == page.run("document.querySelectorAll('tbody[data-paper=rasp] tr[data-verdict]').length")

        asked = [e["params"]["request"]["url"] for e in page.events if e["method"] == "Network.requestWillBeSent"]
        assert set(asked) == {path.as_uri()}
        assert not [event for event in page.events if event["method"] == "Runtime.exceptionThrown"]
