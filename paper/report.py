"""`python -m paper.report [--out FILE]`: the report to look at, one HTML page that works from disk.

It has the table of claims and, of every study, its figure, table, criterion, configuration, command and data. All of
it comes from the record, and the same record makes the same bytes. Figures and data lie in the page compressed, and
the browser unpacks what is looked at.
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

from paper import figures, hover, page, studies
from paper.claims import CLAIMS
from paper.command import command
from paper.results import path_for, write_whole
from paper.summary import Entry, entries, tested

HERE = Path(__file__).parent
OUT = HERE / "build" / "report.html"


def main() -> None:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m paper.report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", metavar="FILE", type=Path, default=OUT, help=f"default: {OUT}")
    asked = parser.parse_args()
    written = report().encode()
    write_whole(asked.out, written)
    print(f"{asked.out}: {len(written) / 1e6:.2f} MB")


def report() -> str:
    """The whole page; RecordError for a damaged record, ClaimError where claims and studies do not match."""
    studies.check()
    by_scale = {scale: entries(scale) for scale in studies.SCALES}
    found = [entry for of in by_scale.values() for entry in of]
    drawn = {entry.study: _figure(entry) for entry in found if entry.judgement}
    captions = {study: how for study, (_, how) in drawn.items()}
    sections = [page.study(claim, [entry for entry in found if entry.claim is claim], captions) for claim in CLAIMS]
    payloads = [*(figure for figure, _ in drawn.values()), *(_data(study) for study in drawn)]
    parts = {
        "summary": _summary(by_scale),
        "filters": page.filters(),
        "claims": page.claims_table(found),
        "missing": _missing(by_scale),
        "studies": "\n".join(sections),
        "payloads": "\n".join(payloads),
        "style": (HERE / "page.css").read_text(),
        "script": (HERE / "page.js").read_text(),
    }
    return Template((HERE / "page.html").read_text()).substitute(parts)


def _summary(by_scale: dict[str, list[Entry]]) -> str:
    """How many claims were tested at each scale, and how many would be expected to pass by chance."""
    return "\n".join(f"<p>{escape(tested(of))}</p>" for of in by_scale.values())


def _missing(by_scale: dict[str, list[Entry]]) -> str:
    """What was not run, by scale."""
    lines = []
    for scale, of in by_scale.items():
        names = [entry.claim.name for entry in of if entry.judgement is None]
        if names:
            lines.append(f"<li>{scale}: {'nothing was run' if len(names) == len(of) else ', '.join(names)}</li>")
    return f"<h3>Not run</h3>\n<ul>{''.join(lines)}</ul>" if lines else ""


def _figure(entry: Entry) -> tuple[str, str]:
    """A study's figure as its claim draws it from the record, with the values behind its marks, and how to read it."""
    assert entry.table is not None
    assert entry.judgement is not None
    with figures.caught() as drawn:
        entry.claim.figure(entry.table, entry.judgement, Path(entry.scale))
    (figure,) = drawn
    how = figure.get_suptitle().partition("(")[2].removesuffix(")")
    figure.suptitle("")  # its study and verdict stand beside it in the page
    svg = _slim(figures.content(figure, "svg", page=True).decode())
    marks = [[mark.x, mark.y, *mark.says] for mark in hover.marks(figure)]
    content = json.dumps({"svg": svg, "marks": marks}, ensure_ascii=False).encode()
    return _payload(f"figure:{entry.study}", content), how


def _data(study: str) -> str:
    return _payload(f"data:{study}", path_for(study).read_bytes())


def _payload(name: str, content: bytes) -> str:
    """`content` in an element that no browser shows or runs, compressed."""
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'<script type="application/gzip" id="{name}">{packed}</script>'


def _slim(svg: str) -> str:
    """An SVG to stand in a page: its element alone, without size, style, metadata and ids that nothing refers to."""
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.S)
    svg = re.sub(r'(<svg [^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg, count=1)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    return re.sub(r"\s*\n\s*", "\n", svg)


if __name__ == "__main__":
    command(main)
