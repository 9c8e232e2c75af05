"""Fills the numbers of the records into the words of the write-up, for the PDF and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from experiments import recorded as studies
from experiments.judging.chance import format_all
from experiments.judging.claim import Claim
from experiments.judging.reading import FITTED, RISE
from experiments.summary import Entry, format_tested
from paper.article.settings import setting

HERE = Path(__file__).parent
OPEN = ("inconclusive", "not fitted")


def words(judged: Sequence[Entry]) -> dict[str, Any]:
    """Returns the texts of `words.yml`, filled in from all claims at one scale, and what differs in each study."""
    values = {
        "claims": str(len(judged)),
        "ran": _format_trained(judged),
        "tested": format_tested(judged),
        "simulated": format_all([entry.claim.name for entry in judged]),
        "parameters": _format_parameters(judged),
        "seeds": " or ".join(map(str, sorted({e.table["seed"].n_unique() for e in judged if e.table is not None}))),
        "not_run": " ".join(studies.format_not_run(scale) for scale in studies.SCALES),
        "rise": f"{RISE:g}",
        "fitted": f"{FITTED:g}",
    }
    texts = yaml.safe_load((HERE / "words.yml").read_text())
    return _fill(texts, values) | {"differs": {entry.claim.name: entry.claim.differs for entry in judged}}


def references() -> dict[str, dict[str, Any]]:
    """Returns the references by key: the entries of `references.yml`, in order."""
    return yaml.safe_load((HERE / "references.yml").read_text())


def ours(claim: Claim) -> bool:
    """Returns whether the claim answers a question of ours, which its paper does not ask."""
    return claim.ours


def _fill(text: Any, values: dict[str, str]) -> Any:
    if isinstance(text, dict):
        return {key: _fill(value, values) for key, value in text.items()}
    if isinstance(text, list):
        return [_fill(value, values) for value in text]
    return text.format_map(values)


def _format_trained(judged: Sequence[Entry]) -> str:
    """Formats the training and its results, for the papers' findings and for our own questions."""
    ran = [entry for entry in judged if entry.judgement]
    tables = [entry.table for entry in ran if entry.table is not None]
    if not tables:
        return format_tested(judged)
    runs = sum(table["run"].n_unique() for table in tables)
    devices = sorted({device for table in tables for device in table["device"].unique()})
    theirs, own = ([e for e in ran if ours(e.claim) == mine] for mine in (False, True))
    parts = [f"We trained {runs:,} small models on {_format_list(devices, 'and')}."]
    if theirs:
        yes, no, undecided = _counts(theirs)
        parts.append(
            f"Of the papers' findings {_format_measured(theirs)}: {yes} came out as the papers say, {no} did not, and "
            f"{undecided} could not be told apart or were not fitted."
        )
    if own:
        yes, no, undecided = _counts(own)
        parts.append(
            f"Of our own questions, which no paper answers, {_format_measured(own)}: {yes} came out as we had claimed, "
            f"{no} did not, and {undecided} could not be decided."
        )
    return " ".join(parts)


def _counts(entries: Sequence[Entry]) -> tuple[int, int, int]:
    verdicts = [entry.verdict for entry in entries]
    return verdicts.count("reproduced"), verdicts.count("not reproduced"), sum(v in OPEN for v in verdicts)


def _format_parameters(judged: Sequence[Entry]) -> str:
    counts = {count for entry in judged for count in setting(entry.study).parameters}
    return f"{min(counts):,} to {max(counts):,} parameters"


def _format_list(names: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1])] * (len(names) > 1) + list(names[-1:]))


def _format_measured(some: Sequence[Entry]) -> str:
    return f"{len(some)} {'was' if len(some) == 1 else 'were'} measured"
