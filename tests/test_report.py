"""The report and the README's table: all that is recorded is there, and what is wrong is one line."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from experiments import printing, summary
from experiments import recorded as studies
from experiments import studies as claims
from experiments.judging import looks, results
from experiments.judging.statistics import Interval
from paper import hover, report
from paper.article import words as words_of_article
from tests.recorded import RULES, STUDY, one_record


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
        return gzip.decompress(base64.b85decode(self.held[name]))


def words(text: str) -> str:
    return " ".join(text.split())


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
    page = Page(made[0])
    assert len(page.rows) == len(claims.every())
    for claim in claims.every():
        assert claim.question
        assert words(claim.text) in words(page.text)
        assert f"python -m experiments.reproduce {claim.name}/cpu" in page.text
        assert studies.format_config(f"{claim.name}/cpu") in page.text
        assert f"the setting of {claim.name}/cpu" in page.text
        assert words(claim.differs.partition("@")[0]) in words(page.text)
        (row,) = (row for row in page.rows if f"{claim.name}/cpu" in row)
        assert ("not run" in row) == (claim.name not in STUDY)


def test_a_study_that_was_run_has_its_numbers_where_it_was_measured_and_its_criterion(made, record):
    page, claim, table = Page(made[0]), claims.claim_for(STUDY), results.read(made[1])
    judgement = claim.judge(table, looks.level_for(STUDY))
    (row,) = (row for row in page.rows if STUDY in row)
    (entry,) = (entry for entry in summary.entries("cpu") if entry.judgement)
    effect = judgement.effect
    assert effect is not None
    for part in (judgement.verdict, str(effect), "2 cores", "abc+", "2025-01-01", f"{entry.adjusted:.2g}"):
        assert part in row
    for part in (judgement.sentence, *judgement.notes, *(str(row.scores["unseen"]) for row in judgement.rows)):
        assert words(part) in words(page.text)
    for rule in claim.criterion.words():
        assert words(rule) in words(page.text)
    assert f"1 claim tested at scale cpu, of {len(claims.every())} there are: " in page.text
    assert "Nothing was run at scale gpu." in page.text


def test_the_report_has_the_frame_and_the_limits_of_its_findings(made):
    text = words(Page(made[0]).text)
    for part in ("Introduction", "The frame", "Limits", "References", "the smallest one-sided level at which"):
        assert part in text
    assert all(of["title"] in text for of in words_of_article.references().values())
    assert set(re.findall(r'href="#(ref-\w+)"', made[0])) <= set(re.findall(r'id="(ref-\w+)"', made[0]))
    assert not re.search(r"@(onlyif|rasp|boolean|tint)|\{\w+\}", text.partition("python -m")[0])


def test_the_data_in_the_page_are_the_record_column_by_column(made):
    page, record = made
    table = results.read(record)
    columns = Page(page).unpacked(f"data:{STUDY}").decode().split("\0")
    assert columns == [table.select(name).write_csv() for name in table.columns]


def test_marks_of_the_report_stand_where_the_figure_draws_them_and_show_the_judged_values(made):
    found = json.loads(Page(made[0]).unpacked(f"figure:{STUDY}"))
    drawing = ElementTree.fromstring(found["svg"])
    drawn = {(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in drawing.iter() if "use" in use.tag}
    judgement = claims.claim_for(STUDY).judge(results.read(made[1]), looks.level_for(STUDY))
    means = [mark for mark in found["marks"] if mark[2] == "unseen rules" and "number of rules" in mark[3]]
    assert len(means) == len(RULES) == len(judgement.rows)
    for (x, y, _, rules, match), row in zip(means, judgement.rows, strict=True):
        assert min(abs(x - a) + abs(y - b) for a, b in drawn) < 0.2
        interval = row.interval("unseen")
        value, low, high = map(float, re.findall(r"[\d.]+", match))
        assert rules == f"number of rules {row.setting}"
        assert (value, low, high) == pytest.approx((interval.estimate, interval.lower, interval.upper), abs=6e-4)
    seeds = [mark for mark in found["marks"] if mark[2] == "unseen rules, one seed" and "number of rules" in mark[3]]
    assert [mark[3] for mark in seeds] == [f"number of rules {rules:,}" for rules in RULES for _ in range(6)]


def test_a_mean_that_was_not_measured_has_no_mark():
    figure = Figure()
    panel = figure.subplots()
    nan = float("nan")
    panel.errorbar([1, nan, 3], [0.5, 0.4, 0.2], xerr=[[0.1, nan, 0.2], [0.1, nan, 0.2]], label="a cell")
    figure.savefig(io.BytesIO(), format="svg")
    assert [mark.lines[0] for mark in hover.marks(figure)] == ["a cell", "a cell"]


def test_the_same_record_makes_the_same_page(made, record):
    assert report.report(report.every()) == made[0]


def test_the_page_asks_the_network_for_nothing(made):
    page = made[0]
    assert not re.search(r'(?:src|srcset|@import|url\()\s*=?\s*["\']?(?:https?:)?//', page)
    assert not re.search(r"<link|<iframe|fetch\(|import\(|XMLHttpRequest", page)


def test_an_interval_of_numbers_of_ten_and_more_is_shown_to_three_digits():
    assert printing.format_interval(Interval(164.636, 85.566, 316.772)) == "165 [86, 317]"
    assert printing.format_interval(Interval(12.345, 9.876, 14.321)) == "12.3 [9.9, 14.3]"
    assert printing.format_interval(Interval(0.9994, 0.98, 1.0)) == "0.999 [0.980, 1.000]"
