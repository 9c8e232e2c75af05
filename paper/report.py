"""`python -m paper.report [--out FILE]`: writes the report, one HTML page that works from disk.

It has the table of claims and, of every study, its figure, table, criterion, configuration, command and data. All of
it comes from the record, and the same record makes the same bytes. The page holds figures and data compressed; the
browser unpacks those that the reader looks at.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
from html import escape
from pathlib import Path
from string import Template

import polars as pl

from experiments import recorded as studies
from experiments.errors import check_docstrings
from experiments.files import check_writable, write_whole
from experiments.judging import figures
from experiments.judging.chance import format_all
from experiments.modules import CHECKOUT
from experiments.printing import show_left_out
from experiments.studies import every as every_claim
from experiments.studies import faults
from experiments.studies import own as own_claims
from experiments.summary import Entry, among, entries, format_tested
from paper import conflicts, hover, page, prose
from paper.article.drawing import drawn
from paper.article.words import words
from paper.command import command
from paper.scales import scales

HERE = Path(__file__).parent
OUT = HERE / "build" / "report.html" if CHECKOUT else Path("report.html")


def main() -> None:
    """Runs the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m paper.report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", metavar="FILE", type=Path, default=OUT, help=f"default: {OUT}")
    arguments = parser.parse_args()
    check_docstrings()
    try:
        check_writable(arguments.out)
    except OSError as error:
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(arguments.out)) from None
    studies.check()
    write(every(), arguments.out)
    show_left_out(faults())


def every() -> dict[str, list[Entry]]:
    """Returns all claims at every scale, judged. Raises RecordError for a damaged record."""
    return {scale: entries(scale) for scale in studies.SCALES}


def write(by_scale: dict[str, list[Entry]], out: Path = OUT) -> None:
    """Writes the page on all claims, by scale."""
    written = report(by_scale).encode()
    write_whole(out, written)
    print(f"{out}: {len(written) / 1e6:.2f} MB")


def report(by_scale: dict[str, list[Entry]]) -> str:
    """Returns the whole page on all claims, by scale."""
    every_entry = [entry for judged in by_scale.values() for entry in judged]
    shown = {entry.study: _figure(entry) for entry in every_entry if entry.judgement}
    how = {study: figure for study, (_, figure) in shown.items()}
    texts = words(among(by_scale[studies.SCALES[0]], own_claims()))
    sections = []
    for family, first in page.families().items():
        sections.append(page.opening(family, texts["families"].get(family) or {"title": first.title, "intro": ""}))
        for claim in every_claim():
            if page.family(claim) == family:
                own = [entry for entry in every_entry if entry.claim is claim]
                sections.append(page.study(claim, own, how, texts["differs"].get(claim.name, "")))
    data = (_data(entry.study, entry.table) for entry in every_entry if entry.table is not None)
    payloads = [*(figure for figure, _ in shown.values()), *data]
    parts = {
        "summary": _summary(by_scale),
        "contents": page.contents(every_entry, texts["families"]),
        "filters": page.filters(),
        "claims": page.claims_table(every_entry),
        "introduction": prose.prose(texts["introduction"]),
        "conflicts": conflicts.html(every_entry),
        "frame": prose.frame(texts["frame"]),
        "limits": prose.prose(texts["limits"]),
        "references": prose.bibliography(),
        "studies": "\n".join(sections),
        "payloads": "\n".join(payloads),
        "style": (HERE / "page.css").read_text(),
        "script": (HERE / "page.js").read_text(),
    }
    return Template((HERE / "page.html").read_text()).substitute(parts)


def _summary(by_scale: dict[str, list[Entry]]) -> str:
    """Formats how many claims were tested at each scale, and how many would be expected to pass by chance."""
    tested = [format_tested(judged) for judged in by_scale.values()]
    simulated = format_all([claim.name for claim in every_claim()])
    return "\n".join(f"<p>{escape(text)}</p>" for text in (*tested, simulated))


def _figure(entry: Entry) -> tuple[str, page.Shown]:
    """Returns the payload of a study's figure, with the values behind its marks, and how it is shown."""
    figure, how = drawn(entry)
    svg = _tint(_slim(figures.content(figure, "svg", page=True).decode()))
    marks = [[mark.x, mark.y, *mark.lines] for mark in hover.marks(figure)]
    drawing = {"svg": svg, "marks": marks, "panels": scales(figure, hover.size(figure))}
    content = json.dumps(drawing, ensure_ascii=False).encode()
    return _payload(f"figure:{entry.study}", content), page.Shown(*hover.size(figure), how)


def _data(study: str, table: pl.DataFrame) -> str:
    """Returns the payload of a study's results, each row with the facts of its run: the cells of a CSV by column.

    Columns follow one another, with a NUL between them, and take half of what rows take: what all rows of a run have in
    common then lies side by side.
    """
    columns = [table.select(name).write_csv() for name in table.columns]
    return _payload(f"data:{study}", "\0".join(columns).encode())


def _payload(name: str, content: bytes) -> str:
    """Returns `content`, compressed, in an element that no browser shows or runs."""
    packed = base64.b85encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'<script type="application/gzip" id="{name}">{packed}</script>'


def _slim(svg: str) -> str:
    """Returns an SVG for a page: its element alone, without size, style, metadata and unused ids.

    Places are in hundredths of a point, which no eye tells apart.
    """
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.S)
    svg = re.sub(r'(<svg [^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(?<= )(?:d|x|y)="[^"]*"', lambda match: re.sub(r"\d+\.\d{3,}", _hundredths, match[0]), svg)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    return re.sub(r"\s*\n\s*", "\n", svg)


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _tint(svg: str) -> str:
    """Returns an SVG whose greys run from the page's ink to its ground, and whose colours the page can lighten."""
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: _colour(match[0]), svg)


def _colour(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if not red == green == blue:
        return f"color-mix(in srgb, {colour} var(--pure), white)"
    share = f"{100 - red / 2.55:.0f}%"
    ends = {"100%": "var(--ink)", "0%": "var(--ground)"}
    return ends.get(share) or f"color-mix(in srgb, var(--ink) {share}, var(--ground))"


if __name__ == "__main__":
    command(main)
