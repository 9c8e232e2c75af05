"""The recorded report in a browser: at a desk, on a phone, in the dark, zoomed, and on paper."""

from __future__ import annotations

import json
import math
import re
import shutil

import pytest

from experiments import studies as claims
from experiments.judging import results
from paper import report
from tests.browser import chromium
from tests.recorded import STUDY
from tests.test_report import Page

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium on the PATH")]
MEGABYTE = 1_000_000
SECTION = "document.getElementById('markov/threshold')"
A4 = 688  # pixels between the margins of a page, at 96 an inch
WIDTH, HEIGHT = 648, 288  # of a figure, in its own units


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report.report(report.every()))
    assert path.stat().st_size <= 3 * MEGABYTE
    return path


@pytest.fixture(scope="module")
def browser(written):
    with chromium(written.parent) as page:
        yield page


@pytest.fixture
def page(browser, written):
    """A fresh page on the report, at a desk; at its end nothing has been thrown and the network was left alone."""
    browser.see(1280, 1000)
    browser.open(written)
    yield browser
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith("data:")} == {written.as_uri()}
    assert not [event for event in browser.events if event["method"] == "Runtime.exceptionThrown"]


@pytest.fixture(scope="module")
def marks(written):
    return json.loads(Page(written.read_text()).unpacked(f"figure:{STUDY}"))["marks"]


def show_figure(page, section=SECTION):
    """Scroll a study's figure into the window's middle; returns its left, top, width and height there."""
    page.run(f"{section}.querySelector('figure').scrollIntoView({{block: 'center'}})")
    page.wait(f"{section}.querySelector('figure').dataset.drawn === ''")
    return page.run(
        "(({left, top, width, height}) => [left, top, width, height])"
        f"({section}.querySelector('.stage').getBoundingClientRect())"
    )


def place_of(mark, stage):
    left, top, width, height = stage
    return left + mark[0] * width / WIDTH, top + mark[1] * height / HEIGHT


def test_the_page_opens_in_two_seconds(page, written):
    took = []
    for _ in range(3):
        page.open(written)
        took.append(page.run("performance.timing.loadEventEnd - performance.timing.navigationStart"))
    assert min(took) <= 2000, took


def test_the_pointer_shows_a_marks_values_and_a_dragged_box_is_zoomed_to(page, marks, tmp_path):
    stage = show_figure(page)
    assert page.run(f"{SECTION}.querySelectorAll('.stage svg use').length") > 20
    place = place_of(marks[0], stage)
    page.mouse("mouseMoved", *place)
    series = marks[0][2]
    assert series in page.wait(f"{SECTION}.querySelector('.tip:not([hidden])')?.innerText")
    page.screenshot(tmp_path / "hover.png")
    assert (tmp_path / "hover.png").stat().st_size > 20_000

    viewed = f"{SECTION}.querySelector('.stage svg').viewBox.baseVal.width"
    page.mouse("mousePressed", *place, button="left", clickCount=1)
    page.mouse("mouseMoved", place[0] + 200, place[1] - 100, button="left", buttons=1)
    page.mouse("mouseReleased", place[0] + 200, place[1] - 100, button="left", clickCount=1)
    assert page.run(viewed) < WIDTH / 2
    page.mouse("mouseWheel", *place, deltaX=0, deltaY=-100)
    page.press("0")
    page.wait(f"{viewed} === {WIDTH}")
    page.press("ArrowRight")
    assert series in page.run(f"{SECTION}.querySelector('.tip:not([hidden])').innerText")


def test_a_zoomed_figure_keeps_ticks_that_agree_with_its_marks(page, marks):
    show_figure(page)
    visible = "[...{}.querySelectorAll('.scale')].filter((bar) => bar.getBoundingClientRect().width).length"
    assert page.run(visible.format(SECTION)) == 0
    (mark,) = (mark for mark in marks if mark[2] == "unseen rules" and mark[3] == "number of rules 300")
    x, y = mark[:2]
    page.run(f"{SECTION}.querySelector('.stage').focus()")
    at = marks.index(mark) + 1
    for key in ("ArrowRight",) * at + ("+",) * 6:
        page.press(key)
    assert page.run(visible.format(SECTION)) == 2
    found = page.run(
        "(stage => { const box = stage.getBoundingClientRect();"
        "const view = stage.querySelector('svg').viewBox.baseVal;"
        "return [...stage.querySelectorAll('.scale')].map((bar) => [...bar.querySelectorAll('span')].map((tick) => {"
        "const at = tick.getBoundingClientRect(); return [tick.innerText,"
        "view.x + ((at.left + at.right) / 2 - box.left) / box.width * view.width,"
        "view.y + ((at.top + at.bottom) / 2 - box.top) / box.height * view.height]; })) })"
        f"({SECTION}.querySelector('.stage'))"
    )
    along = [(math.log(float(text.replace(",", ""))), left) for text, left, _ in found[0]]
    up = [(float(text), top) for text, _, top in found[1]]
    match = float(re.findall(r"[\d.]+", mark[4])[0])
    for ticks, place, value in ((along, x, math.log(300)), (up, y, match)):
        (low, start), (high, end) = ticks[0], ticks[-1]
        assert len(ticks) >= 2
        assert low + (place - start) / (end - start) * (high - low) == pytest.approx(value, abs=0.02)


def test_the_data_that_a_reader_saves_are_the_record_row_by_row(page):
    for study in (STUDY, "grokking/stablemax/cpu"):  # the second has quoted cells and empty ones
        saved = page.run(f"unpack('data:{study}').then((held) => held.text()).then(transpose)")
        assert saved == results.read(results.path_for(study)).write_csv()


def test_the_menu_of_papers_leaves_the_claims_of_one(page):
    rows = "[...document.querySelectorAll('tr[data-verdict]')].filter((row) => !row.hidden).length"
    assert page.run(rows) >= len(claims.every())
    page.run(
        "const menu = document.querySelector('select[name=paper]'); menu.value = 'rasp';"
        "menu.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    assert page.run(rows) == page.run("document.querySelectorAll('tbody[data-paper=rasp] tr[data-verdict]').length")


@pytest.mark.parametrize("phone", [False, True])
def test_a_line_of_contents_leads_to_its_heading(page, written, phone):
    """Drawing the figures that are passed on the way moves no heading."""
    if phone:
        page.see(390, 844, phone=True)
        page.open(written)
    assert page.run("document.querySelector('#contents details').open") is not phone
    page.run("document.querySelector('#contents details').open = true")
    titles = page.run("[...document.querySelectorAll('#contents li li a')].map((link) => link.hash.slice(1))")
    assert titles == [claim.name for claim in claims.every()]
    for name in (titles[2], titles[-1], titles[len(titles) // 2]):
        page.run(f"document.querySelector('#contents a[href=\"#{name}\"]').click()")
        page.wait(f"document.getElementById('{name}').querySelector('figure').dataset.drawn === ''")
        assert 0 <= page.run(f"document.getElementById('{name}/title').getBoundingClientRect().top") <= 60


def test_a_tap_on_a_phone_shows_a_marks_values_inside_the_window(page, written, marks):
    page.see(390, 844, phone=True)
    page.open(written)
    stage = show_figure(page)
    tip = f"{SECTION}.querySelector('.tip:not([hidden])')"
    for mark in (marks[0], next(mark for mark in marks if place_of(mark, stage)[0] > 300)):
        page.tap(*place_of(mark, stage))
        assert mark[2] in page.wait(f"{tip}?.innerText")
        left, right = page.run(f"(({{left, right}}) => [left, right])({tip}.getBoundingClientRect())")
        assert left >= 0
        assert right <= 390
    page.tap(stage[0] + 2, stage[1] + 2)
    page.wait(f"!{tip}")


def test_a_phones_window_holds_every_verdict_and_nothing_moves_it_sideways(page, written):
    page.see(390, 844, phone=True)
    page.open(written)
    edges = page.run(
        "[...document.querySelectorAll('.claims td .verdict')].map((v) => v.getBoundingClientRect().right)"
    )
    assert max(edges) <= 390
    assert page.run("document.documentElement.scrollWidth") <= 390


def test_every_colour_of_a_dark_figure_stands_out_from_the_ground(page, written):
    """The contrast of each mark is 3 or more (WCAG 2.2, 1.4.11)."""
    page.see(1280, 1000, "dark")
    page.open(written)
    section = "document.getElementById('markov/budget')"
    show_figure(page, section)
    colours = page.run(
        f"[...{section}.querySelectorAll('.stage svg use')].map((mark) => {{"
        "const style = getComputedStyle(mark); return [style.fill, style.stroke] })"
    )
    ground = luminance(page.run("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) > 50
    for pair in colours:
        assert max((luminance(colour) + 0.05) / (ground + 0.05) for colour in pair if colour != "none") >= 3, pair


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour as a browser writes it: rgb(...) or color(srgb ...)."""
    channels = [float(number) / (1 if "srgb" in colour else 255) for number in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_printed_report_has_every_figure_and_cuts_nothing_off(page, tmp_path):
    page.wait("document.documentElement.dataset.unpacked === ''")
    drawn = "document.querySelectorAll('figure[data-drawn]').length"
    every = page.run("document.querySelectorAll('figure').length")
    assert page.run(drawn) < every
    page.print(tmp_path / "report.pdf")
    assert page.run(drawn) == every
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert not page.run("document.querySelectorAll('details[open] pre, .study details[open]').length")

    page.see(A4, 1000, media="print")
    wide = page.run(
        "[...document.querySelectorAll('main *')].filter((part) => !part.closest('svg') && part.getClientRects().length"
        f" && part.getBoundingClientRect().right > {A4} + 1).map((part) => part.outerHTML.slice(0, 80))"
    )
    assert wide == []
