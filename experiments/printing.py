"""Prints results: the paper's values beside ours, the verdict, and a fresh run beside the record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.judging.chance import false_positives
from experiments.judging.claim import Claim, Fact, Judgement
from experiments.judging.looks import format_look
from experiments.judging.statistics import HALF, LEVEL, POWER, Interval
from experiments.summary import MARK, Entry, format_marked, format_tested

_STYLES = {"reproduced": "bold green", "not reproduced": "bold red"}
_UNDECIDED = "bold yellow"
SECOND_LINE = f"second line: median of the seeds (range), and how many of them are above {HALF:g}"
POWERED = f"power: true effects that as many seeds of this scatter would decide with probability {POWER:g}"
_INTERVAL = len("0.000 [0.000, 0.000]")


def show(claim: Claim, judgement: Judgement, table: pl.DataFrame, console: Console) -> None:
    """Prints the claim, the paper's values beside ours, and the verdict with effect, interval and seeds."""
    paper = f" (arXiv:{claim.arxiv})" if claim.arxiv else ""
    console.print(
        Text.assemble((claim.name, "bold"), f": {claim.title}{paper}{f', {claim.where}' if claim.where else ''}")
    )
    console.print(Text(claim.text))
    console.print()
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    names = list(judgement.rows[0].scores)
    rows.add_column(claim.setting, justify="right")
    rows.add_column("paper")
    for name in names:
        rows.add_column(Text(f"{name} [95 % interval]"), min_width=_INTERVAL)
    rows.add_column("seeds", justify="right", min_width=len("seeds"))
    for row in judgement.rows:
        cells = [f"{format_interval(row.scores[name])}\n{row.spread.get(name, '')}" for name in names]
        rows.add_row(row.setting, row.theirs, *cells, str(row.seeds))
    console.print(rows)
    console.print(Text(SECOND_LINE, style="dim"))
    console.print()
    style = _STYLES.get(judgement.verdict, _UNDECIDED)
    effect = format_interval(judgement.effect)
    console.print(Text.assemble((judgement.verdict, style), f": {judgement.sentence}"))
    if judgement.caution:
        console.print(Text(judgement.caution, _UNDECIDED))
    how = f", {judgement.how}" if judgement.how else ""
    console.print(Text(f"effect: {claim.effect}: {effect}, {_format_count(judgement.seeds, 'seed')}{how}"))
    if judgement.power:
        console.print(Text(f"{POWERED}:"))
    for power in judgement.power:
        console.print(Text(f"  {power}"))
    if judgement.level != LEVEL:
        console.print(Text(f"looks: {format_look(table)}"))
    for note in (*judgement.left(), *(f"also: {note}" for note in judgement.notes)):
        console.print(Text(note))
    if since := format_changed(claim, table):
        console.print(Text(since, _UNDECIDED))
    console.print(
        Text(f"fixed before these results: the criterion; before that, by looking at scale cpu: {claim.looked}")
    )
    console.print(Text(false_positives(claim.name)))
    console.print(Text(f"measured: {table['study'][0]}; {format_provenance(table)}"), style="dim")


def format_interval(effect: Interval | None, digits: int = 3) -> str:
    """Formats an estimate with its interval; no zero has a sign. Numbers of 10 and more have three digits or fewer."""
    if effect is None:
        return "not measured"
    digits = min(digits if effect.digits == 3 else effect.digits, decimals(max(abs(effect.lower), abs(effect.upper))))
    estimate, lower, upper = (f"{value:z.{digits}f}" for value in (effect.estimate, effect.lower, effect.upper))
    return f"{estimate} [{lower}, {upper}]"


def decimals(value: float) -> int:
    """Returns how many decimals of a number are shown: three of a score, fewer of a number of 10 or more."""
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3


def format_changed(claim: Claim, table: pl.DataFrame) -> str:
    """Formats in a sentence how many runs another criterion than today's recorded; empty if none was."""
    runs = table.select("run", "criterion").unique() if "criterion" in table.columns else table.clear()
    others = runs.filter(pl.col("criterion") != claim.criterion.hash()) if len(runs) else runs
    if others.is_empty():
        return ""
    return f"The criterion has changed since {len(others)} of {_format_count(len(runs), 'run')} were recorded."


def format_source(fact: Fact) -> str:
    """Formats the place where a paper states a fact; says so if there is no source."""
    return "no source found" if fact.source == "none" else fact.source


def format_provenance(table: pl.DataFrame) -> str:
    """Formats the devices, versions, commits and dates of a results table in one line."""
    parts = [", ".join(sorted(table[name].unique())) for name in ("device", "versions")]
    commits = ", ".join(sorted(table["commit"].unique()))
    days = sorted(date[:10] for date in table["date"].unique())
    parts += [f"commit {commits}", days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"]
    return "; ".join(parts)


def show_comparison(comparison: pl.DataFrame, console: Console) -> None:
    """Prints how many fresh means of `comparison.compare` lie in the recorded intervals, and each that does not."""
    known = comparison.filter(pl.col("inside").is_not_null())
    outside = known.filter(~pl.col("inside"))
    unknown = len(comparison) - len(known)
    inside = len(known) - len(outside)
    line = f"against the record: {inside} of {_format_count(len(known), 'mean')} inside its 95 % intervals"
    console.print(Text(line + (f", {unknown} not recorded" if unknown else "")))
    keys = comparison.columns[: comparison.columns.index("condition")]
    for row in outside.iter_rows(named=True):
        setting = ", ".join(f"{key}={row[key]}" for key in keys)
        recorded = Interval(row["record"], row["lower"], row["upper"], digits=row["digits"])
        fresh = f"{row['fresh']:.{row['digits']}f}"
        console.print(Text(f"  outside: {row['condition']} at {setting}: {fresh}, recorded {recorded}"))


def show_summary(entries: Sequence[Entry], console: Console) -> None:
    """Prints every claim's verdict with its effect, the cost of testing many claims, and the studies not run."""
    rows = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("study", "verdict", "effect [interval]"):
        rows.add_column(name, no_wrap=True)
    for name in ("seeds", "p", "Holm"):
        rows.add_column(name, justify="right", no_wrap=True)
    ran = [entry for entry in entries if entry.judgement]
    for entry in ran:
        assert entry.judgement
        camps = MARK if entry.judgement.camps else ""
        verdict = Text(entry.verdict + camps, _STYLES.get(entry.verdict, _UNDECIDED))
        short = format_interval(entry.judgement.effect, 2)
        rows.add_row(
            entry.claim.name, verdict, short, str(entry.judgement.seeds), f"{entry.p:.2g}", f"{entry.adjusted:.2g}"
        )
    if ran:
        console.print(rows)
        console.print()
        if marked := format_marked(ran):
            console.print(Text(marked))
    console.print(Text(format_tested(entries)))
    if ran and len(ran) < len(entries):
        console.print(Text(f"not run: {', '.join(entry.claim.name for entry in entries if not entry.judgement)}"))


def show_left_out(faults: Mapping[str, str]) -> int:
    """Prints the faults of the studies that were left out, to standard error. Returns exit code 1 if there are any."""
    for fault in faults.values():
        print(f"left out: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _format_count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
