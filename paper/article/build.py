"""`python -m paper.article.build`: writes the write-up as a PDF, typeset by Typst from the records alone.

Words are in `words.yml`, layout in `article.typ`. Every number, table and figure comes from a JSON file, which this
module makes of the recorded results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst

from experiments import recorded as studies
from experiments.errors import check_no_words
from experiments.files import write_whole
from experiments.judging.chance import false_positives
from experiments.judging.looks import format_look
from experiments.modules import check_checkout
from experiments.printing import POWERED, SECOND_LINE, format_interval, format_provenance, format_source
from experiments.studies import own
from experiments.summary import MARK, Entry, entries
from paper.article.drawing import drawn
from paper.article.settings import setting
from paper.article.words import references, words
from paper.command import command

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"


def data(judged: Sequence[Entry]) -> dict[str, Any]:
    """Returns the values for the text: the filled-in words, and each claim with its judgement at one scale."""
    return {
        "scale": judged[0].scale,
        "second_line": SECOND_LINE,
        "powered": POWERED,
        "words": words(judged),
        "keys": list(references()),
        "claims": [_claim(entry) for entry in judged],
    }


def _claim(entry: Entry) -> dict[str, Any]:
    claim, judgement, table = entry.claim, entry.judgement, entry.table
    facts = {
        "name": claim.name,
        "question": claim.question,
        "family": claim.name.split("/")[0],
        "arxiv": claim.arxiv,
        "where": claim.where,
        "text": claim.text,
        "effect_is": claim.effect,
        "setting": claim.setting,
        "looked": claim.looked,
        "chance": false_positives(claim.name),
        "facts": [{"text": fact.text, "source": format_source(fact)} for fact in claim.facts],
        "trained": setting(entry.study).line(table),
        "verdict": entry.verdict,
        "mark": MARK if judgement and judgement.camps else "",
    }
    if judgement is None or table is None:
        return facts
    return facts | {
        "effect": format_interval(judgement.effect),
        "seeds": judgement.seeds,
        "p": f"{entry.p:.2g}",
        "holm": f"{entry.adjusted:.2g}",
        "sentence": " ".join(text for text in (judgement.sentence, judgement.caution) if text),
        "how": ", ".join(text for text in (judgement.how, format_look(table)) if text),
        "power": list(judgement.power),
        "left_out": judgement.left(),
        "notes": list(judgement.notes),
        "columns": list(judgement.rows[0].scores),
        "rows": [
            {
                "setting": row.setting,
                "paper": row.theirs,
                "seeds": row.seeds,
                "scores": [format_interval(i) for i in row.scores.values()],
                "spread": [str(row.spread.get(name, "")) for name in row.scores],
            }
            for row in judgement.rows
        ],
        "figure": f"/results/{entry.study}.svg",
        "marks": drawn(entry)[1],
        "measured": format_provenance(table),
    }


def write(judged: Sequence[Entry]) -> None:
    """Writes paper/build/article.pdf on all claims at one scale."""
    write_whole(BUILD / "article.json", json.dumps(data(judged), indent=1).encode())
    pdf = typst.compile(HERE / "article.typ", root=HERE.parent, format="pdf", ignore_system_fonts=True)
    assert isinstance(pdf, bytes)
    write_whole(BUILD / "article.pdf", pdf)
    print(f"paper: {BUILD / 'article.pdf'}")


def main() -> None:
    """Checks the records and writes the PDF. Raises RecordError for a damaged record, ClaimError for a lone study."""
    check_no_words("paper.article.build", __doc__)
    check_checkout("the write-up")
    studies.check()
    write(entries(studies.SCALES[0], own()))


if __name__ == "__main__":
    command(main)
