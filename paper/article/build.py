"""`python -m paper.article.build`: the write-up as a PDF, typeset by Typst from the records alone.

Words are in `article.typ` and `differs.typ`; every number in them, every table and figure, comes from the JSON that is
made here of the recorded results.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst

from paper import studies
from paper.command import command
from paper.results import write_whole
from paper.statistics import Interval
from paper.summary import ALPHA, Entry, entries, tested
from paper.table import provenance

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"


def data(scale: str = "cpu") -> dict[str, Any]:
    """What the text refers to: each claim with its judgement at `scale`, and sums over all.

    RecordError for a damaged record, ClaimError where claims and studies do not match.
    """
    studies.check()
    found = entries(scale)
    ran = [entry for entry in found if entry.judgement]
    verdicts = {
        name: sum(e.verdict == name for e in found)
        for name in ("reproduced", "not reproduced", "inconclusive", "not fitted", "not run")
    }
    return {
        "scale": scale,
        "claims": [_claim(entry) for entry in found],
        "counts": {"claims": len(found), "ran": len(ran), **verdicts},
        "tested": tested(found),
        "alpha": f"{ALPHA:g}",
        "runs": sum(entry.table["run"].n_unique() for entry in ran if entry.table is not None),
        "devices": sorted({d for entry in ran if entry.table is not None for d in entry.table["device"].unique()}),
        "not_run": [studies.not_run(other) for other in studies.SCALES],
    }


def _claim(entry: Entry) -> dict[str, Any]:
    claim, judgement, table = entry.claim, entry.judgement, entry.table
    said = {
        "name": claim.name,
        "family": claim.name.split("/")[0],
        "arxiv": claim.arxiv,
        "where": claim.where,
        "text": claim.text,
        "effect_is": claim.effect,
        "setting": claim.setting,
        "looked": claim.looked,
        "facts": [{"text": fact.text, "source": fact.source} for fact in claim.facts],
        "verdict": entry.verdict,
    }
    if judgement is None or table is None:
        return said
    return said | {
        "effect": _interval(judgement.effect),
        "seeds": judgement.seeds,
        "p": f"{entry.p:.2g}",
        "holm": f"{entry.adjusted:.2g}",
        "sentence": judgement.sentence,
        "notes": list(judgement.notes),
        "columns": list(judgement.rows[0].scores),
        "rows": [
            {
                "setting": row.setting,
                "paper": row.paper,
                "seeds": row.seeds,
                "scores": [_interval(i) for i in row.scores.values()],
            }
            for row in judgement.rows
        ],
        "figure": f"/results/{entry.study}.svg",
        "measured": provenance(table),
    }


def _interval(interval: Interval | None) -> str:
    return str(interval) if interval else "not measured"


def main() -> None:
    """Write paper/build/article.pdf."""
    write_whole(BUILD / "article.json", json.dumps(data(), indent=1).encode())
    pdf = typst.compile(HERE / "article.typ", root=HERE.parent, format="pdf", ignore_system_fonts=True)
    assert isinstance(pdf, bytes)
    write_whole(BUILD / "article.pdf", pdf)
    print(f"paper: {BUILD / 'article.pdf'}")


if __name__ == "__main__":
    command(main)
