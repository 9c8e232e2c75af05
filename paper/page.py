"""Formats the parts of the report that a reader sees: the table of claims, and a section for each study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from experiments import recorded as studies
from experiments.judging.chance import false_positives
from experiments.judging.claim import Claim, Judgement
from experiments.judging.looks import format_look
from experiments.judging.statistics import Interval
from experiments.printing import POWERED, SECOND_LINE, format_interval, format_provenance, format_source
from experiments.studies import every
from experiments.summary import MARK, Entry
from paper.article.settings import setting
from paper.prose import prose

VERDICTS = ("reproduced", "not reproduced", "inconclusive", "not fitted", "not run")
_TOOLS = "".join(
    f'<button type="button" disabled data-zoom="{act}" aria-label="{label}" title="{label}">{sign}</button>'
    for act, sign, label in (
        ("in", "+", "zoom in (drag a box; then drag to move)"),
        ("out", "−", "zoom out"),
        ("reset", "reset", "show the whole figure (double-click)"),
    )
)
_WIDTH, _HEIGHT = 132, 14  # of the drawing of an interval, in pixels


@dataclass(frozen=True)
class Shown:
    """How a figure is shown: its width and height in the units of its SVG, and how its marks are read."""

    width: float
    height: float
    caption: str


def family(claim: Claim) -> str:
    """Returns the family of a claim, as in the study's name: markov, rasp, ..."""
    return claim.name.split("/")[0]


def families() -> dict[str, Claim]:
    """Returns every family in order, with its first claim."""
    firsts: dict[str, Claim] = {}
    for claim in every():
        firsts.setdefault(family(claim), claim)
    return firsts


def contents(entries: Sequence[Entry], words: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the list of contents: each family with the questions of its studies and their verdicts."""
    verdicts: dict[str, Entry] = {}
    for entry in entries:
        if entry.claim.name not in verdicts or (entry.judgement and not verdicts[entry.claim.name].judgement):
            verdicts[entry.claim.name] = entry
    parts = []
    for name, first in families().items():
        items = "".join(
            f'<li><a href="#{claim.name}">{escape(claim.question)}</a> {verdict(verdicts[claim.name])}</li>'
            for claim in every()
            if family(claim) == name
        )
        title = words[name]["title"] if name in words else first.title
        parts.append(f'<li><a href="#{name}">{escape(title)}</a><ul>{items}</ul></li>')
    return "\n".join(parts)


def filters() -> str:
    """Returns two menus, of papers and of verdicts."""
    papers = [(name, claim.title.split(":")[0]) for name, claim in families().items()]
    menus = {"paper": papers, "verdict": [(verdict, verdict) for verdict in VERDICTS]}
    parts = []
    for name, choices in menus.items():
        options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choices)
        parts.append(f'<label>{name} <select name="{name}"><option value="">all</option>{options}</select></label>')
    return "\n".join(parts)


def claims_table(entries: Sequence[Entry]) -> str:
    """Returns a body of the table of claims for each paper: a row for each recorded scale, or one row for "not run"."""
    bodies, order = [], list(every())
    for name, first in families().items():
        here = [entry for entry in entries if family(entry.claim) == name]
        ran = {entry.claim.name for entry in here if entry.judgement}
        shown = [e for e in here if e.judgement or (e.claim.name not in ran and e.scale == studies.SCALES[0])]
        rows = "\n".join(_claim_row(entry) for entry in sorted(shown, key=lambda e: order.index(e.claim)))
        head = f'<tr><th colspan="8" scope="rowgroup"><span>{escape(first.title)} {arxiv(first)}</span></th></tr>'
        bodies.append(f'<tbody data-paper="{name}">\n{head}\n{rows}\n</tbody>')
    return "\n".join(bodies)


def _claim_row(entry: Entry) -> str:
    claim, judgement = entry.claim, entry.judgement
    cells = [
        f'<th scope="row"><a href="#{claim.name}">{escape(claim.question)}</a> <small>{entry.study}</small></th>',
        f"<td>{verdict(entry)}</td>",
    ]
    if judgement is None or entry.table is None or entry.p is None or entry.adjusted is None:
        cells.append('<td colspan="6"></td>')
    else:
        effect = judgement.effect
        devices, commits, dates = (
            ", ".join(sorted(entry.table[name].unique())) for name in ("device", "commit", "date")
        )
        cells += [
            f"<td>{_interval(effect)}</td>",
            f'<td aria-hidden="true" class="forest">{_forest(effect) if effect else ""}</td>',
            f'<td class="number">{judgement.seeds}</td>',
            f'<td class="number">{_p(entry.p)}</td><td class="number">{_p(entry.adjusted)}</td>',
            f'<td class="measured"><small>{entry.scale}: {escape(devices)}<br>'
            f"{escape(commits)}, {escape(dates)}</small></td>",
        ]
    return f'<tr data-verdict="{entry.verdict}">{"".join(cells)}</tr>'


def verdict(entry: Entry) -> str:
    """Formats the verdict with a sign of its own, so that its colour is not the only difference."""
    kind = entry.verdict.replace(" ", "-")
    camps = MARK if entry.judgement and entry.judgement.camps else ""
    return f'<span class="verdict {kind}">{entry.verdict}{camps}</span>'


def _interval(effect: Interval | None) -> str:
    """Formats an interval that does not break over lines, with its estimate apart."""
    if effect is None:
        return format_interval(None)
    estimate, bounds = format_interval(effect).split(" ", 1)
    return f'<span class="interval">{estimate} <small>{bounds}</small></span>'


def _p(value: float) -> str:
    return "&lt; 0.0001" if value < 1e-4 else f"{value:.2g}"


def _forest(effect: Interval) -> str:
    """Returns a drawing of an interval between -1 and 1; empty for an effect that is no difference of scores."""
    if effect.lower < -1 or effect.upper > 1:
        return ""
    low, at, high = (_WIDTH * (1 + value) / 2 for value in (effect.lower, effect.estimate, effect.upper))
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}"><path class="zero" d="M{_WIDTH / 2:g} 0V{_HEIGHT}"/>'
        f'<path d="M{low:.1f} {_HEIGHT / 2:g}H{high:.1f}"/><circle cx="{at:.1f}" cy="{_HEIGHT / 2:g}" r="3.5"/></svg>'
    )


def arxiv(claim: Claim) -> str:
    """Returns a link to the claim's paper; empty if there is none."""
    return f'<a href="https://arxiv.org/abs/{claim.arxiv}">arXiv:{claim.arxiv}</a>' if claim.arxiv else ""


def opening(name: str, words: Mapping[str, str]) -> str:
    """Returns the part above the studies of a family."""
    return (
        f'<section class="family" aria-labelledby="{name}">\n<h2 id="{name}">{escape(words["title"])}</h2>\n'
        + (f"<p>{prose(words['intro'])}</p>\n" if words["intro"] else "")
        + "</section>"
    )


def study(claim: Claim, entries: Sequence[Entry], figures: Mapping[str, Shown], differs: str) -> str:
    """Returns the section of a claim: the claim, its results at every recorded scale, and its criterion.

    figures: how each figure is shown, by study. differs: what differs from the original, and why; empty if not stated.
    """
    facts = "".join(
        f"<li>{escape(fact.text)} <small>{escape(format_source(fact))}</small></li>" for fact in claim.facts
    )
    ran = [entry for entry in entries if entry.judgement] or [entries[0]]
    parts_of_source = (escape(claim.title), arxiv(claim), escape(claim.where))
    parts = [
        f'<section class="study" id="{claim.name}" aria-labelledby="{claim.name}/title">',
        f'<h3 id="{claim.name}/title">{escape(claim.question)}</h3>',
        f'<p class="source"><code>{claim.name}</code> {", ".join(part for part in parts_of_source if part)} '
        '<a class="up" href="#claims">all claims</a></p>',
        f'<p class="claim">{escape(claim.text)}</p>',
        *(f"<p>arXiv:{one.arxiv} finds otherwise: {escape(one.other)}</p>" for one in claim.contradicts),
        *(_result(entry, figures.get(entry.study)) for entry in ran),
        f"<p><b>What differs from the original, and why.</b> {prose(differs)}</p>" if differs else "",
        f"<details><summary>Criterion</summary>{_criterion(claim)}"
        f"<p>Fixed before these results: this criterion. Before that, by looking at scale cpu: {escape(claim.looked)} "
        f"{escape(false_positives(claim.name))}</p></details>",
        f"<details><summary>What the paper states</summary><ul>{facts}</ul></details>" if facts else "",
        *(
            f'<details class="configuration"><summary>Configuration at {entry.scale} scale</summary>'
            f"<pre>{escape(studies.format_config(entry.study))}</pre></details>"
            for entry in ran
        ),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _result(entry: Entry, figure: Shown | None) -> str:
    """Returns the results at one scale: verdict, figure, table, notes, command and data."""
    claim, judgement = entry.claim, entry.judgement
    run = f"<code>python -m experiments.reproduce {entry.study}</code>"
    if judgement is None or entry.table is None or figure is None:
        trained = f"Setting at {entry.scale} scale: {setting(entry.study).line(None)}"
        return f"<h4>{verdict(entry)} at any scale</h4>\n<p>{escape(trained)}</p>\n<p>To run it: {run}</p>"
    effect = _interval(judgement.effect)
    how = escape(", ".join(["", *(text for text in (judgement.how, format_look(entry.table)) if text)]))
    power = "".join(f"<li>{escape(text)}</li>" for text in judgement.power)
    notes = "".join(f"<li>{escape(note)}</li>" for note in judgement.notes)
    label = f"Figure of {entry.study}: {judgement.sentence} The table below has the values."
    parts = [
        f"<h4>{verdict(entry)} at {entry.scale} scale</h4>",
        f"<p>Setting: {escape(setting(entry.study).line(entry.table))}</p>",
        f"<p>{escape(judgement.sentence)} <small>Effect: {escape(claim.effect)}: {effect}, "
        f"{judgement.seeds} seed{'s' * (judgement.seeds != 1)}{how}.</small></p>",
        *(f"<p><b>{escape(text)}</b></p>" for text in (judgement.caution,) if text),
        f'<figure data-figure="{entry.study}"><div class="stage" tabindex="0" role="img" aria-label="{escape(label)}" '
        f'style="aspect-ratio: {figure.width:g} / {figure.height:g}">'
        f"</div><figcaption><span>{escape(figure.caption)}</span>{_TOOLS}</figcaption></figure>",
        _rows(claim, judgement),
        *(f'<p class="notes">{escape(note)}</p>' for note in judgement.left()),
        f'<div class="notes">{escape(POWERED.capitalize())}:<ul>{power}</ul></div>' if power else "",
        f'<div class="notes">Also measured:<ul>{notes}</ul></div>' if notes else "",
        f'<p class="measured">{run} <button type="button" data-download="{entry.study}" hidden>data '
        f"(CSV, {len(entry.table):,} rows)</button><br><small>{escape(format_provenance(entry.table))}</small></p>",
    ]
    return "\n".join(part for part in parts if part)


def _rows(claim: Claim, judgement: Judgement) -> str:
    """Returns the judgement's table: the paper's words beside our scores with their intervals."""
    names = list(judgement.rows[0].scores) if judgement.rows else []
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (claim.setting, "paper", *names))
    rows = []
    for row in judgement.rows:
        scores = "".join(
            f"<td>{_interval(row.scores[name])}<br><small>{row.spread.get(name, '')}</small></td>" for name in names
        )
        rows.append(
            f'<tr><th scope="row">{escape(row.setting)}</th><td>{escape(row.theirs)}</td>{scores}'
            f'<td class="number">{row.seeds}</td></tr>'
        )
    return (
        f'<div class="wide"><table class="rows"><thead><tr>{head}<th scope="col" class="number">seeds</th></tr></thead>'
        f'<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>\n<p class="small">{SECOND_LINE.capitalize()}.</p>'
    )


def _criterion(claim: Claim) -> str:
    """Formats the criterion, with the reading that it needs."""
    rules = "".join(f"<li>{escape(rule)}</li>" for rule in claim.criterion.words())
    return (f"<p>{escape(claim.reading)}</p>" if claim.reading else "") + f"<ul>{rules}</ul>"
