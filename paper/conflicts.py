"""Formats the findings that contradict one another, for the README and the report: two sides, and ours between."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from experiments.judging.conflict import Conflict
from experiments.printing import format_interval
from experiments.summary import Entry

TITLE = "Papers that contradict one another"


def between(entries: Sequence[Entry]) -> list[tuple[Entry, Conflict]]:
    """Returns the conflicts that claims name, each with its claim's entry.

    A claim has an entry for each scale at which its numbers were measured, and one if it was run at none.
    """
    ran = {entry.claim.name for entry in entries if entry.judgement}
    shown: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.judgement or (entry.claim.name not in ran and entry.claim.name not in shown):
            shown.setdefault(entry.claim.name, []).append(entry)
    pairs = [(entry, conflict) for some in shown.values() for entry in some for conflict in entry.claim.contradicts]
    return [(entry, conflict) for entry, conflict in pairs if _is_shown(entry, conflict)]


def _is_shown(entry: Entry, conflict: Conflict) -> bool:
    """Returns whether a study was not run, or has one of the numbers."""
    return entry.table is None or any(conflict.measured(entry.claim, entry.table).values())


def numbers(entry: Entry, conflict: Conflict) -> list[str]:
    """Formats our numbers with their intervals; says so where the study was not run."""
    if entry.table is None:
        return ["not run"]
    return [f"{name} {format_interval(one)}" for name, one in conflict.measured(entry.claim, entry.table).items()]


def markdown(entries: Sequence[Entry]) -> list[str]:
    """Returns the lines of a table of the conflicts; none if no claim names one."""
    rows = [
        f"| {conflict.question} | {_link(entry.claim.arxiv)}: {conflict.first} | {_link(conflict.arxiv)}: "
        f"{conflict.other} | {entry.claim.name}, {conflict.protocol}: {'; '.join(numbers(entry, conflict))} |"
        for entry, conflict in between(entries)
    ]
    if not rows:
        return []
    return [f"{TITLE}:", "", "| question | one finds | another finds | ours |", "|---|---|---|---|", *rows, ""]


def html(entries: Sequence[Entry]) -> str:
    """Returns a section on the conflicts; empty if no claim names one."""
    rows = [
        f'<tr><th scope="row">{escape(conflict.question)}</th>'
        f"<td>{escape(conflict.first)} <small>{_anchor(entry.claim.arxiv)}</small></td>"
        f"<td>{escape(conflict.other)} <small>{_anchor(conflict.arxiv)}, {escape(conflict.where)}</small></td>"
        f'<td>{"<br>".join(map(escape, numbers(entry, conflict)))}<br><small><a href="#{entry.claim.name}">'
        f"{entry.study}</a>, {escape(conflict.protocol)}</small></td></tr>"
        for entry, conflict in between(entries)
    ]
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("question", "one finds", "another finds", "ours"))
    return (
        f'<section aria-labelledby="conflicts">\n<h2 id="conflicts">{TITLE}</h2>\n'
        "<p>Each line has two findings that cannot both hold as they are stated, and numbers of ours that were "
        "measured by one protocol.</p>\n"
        f'<div class="wide"><table class="rows"><thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n'
        "</tbody></table></div>\n</section>"
    )


def _link(arxiv: str) -> str:
    return f"[{arxiv}](https://arxiv.org/abs/{arxiv})"


def _anchor(arxiv: str) -> str:
    return f'<a href="https://arxiv.org/abs/{arxiv}">arXiv:{arxiv}</a>'
