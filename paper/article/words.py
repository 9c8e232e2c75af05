"""The words of the write-up, with what the records say filled in, for the PDF and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from experiments import recorded as studies
from experiments.judging.claim import Claim
from experiments.judging.criterion import FITTED, RISE
from experiments.summary import Entry, tested
from paper.article.settings import setting

HERE = Path(__file__).parent
OPEN = ("inconclusive", "not fitted")


def words(found: Sequence[Entry]) -> dict[str, Any]:
    """What `words.yml` says, filled in from all claims at one scale."""
    said = {
        "claims": str(len(found)),
        "ran": _ran(found),
        "tested": tested(found),
        "parameters": _parameters(found),
        "seeds": " or ".join(map(str, sorted({e.table["seed"].n_unique() for e in found if e.table is not None}))),
        "not_run": " ".join(studies.not_run(scale) for scale in studies.SCALES),
        "rise": f"{RISE:g}",
        "fitted": f"{FITTED:g}",
    }
    return _filled(yaml.safe_load((HERE / "words.yml").read_text()), said)


def references() -> dict[str, dict[str, Any]]:
    """What is cited, by its key: the entries of `references.yml`, in order."""
    return yaml.safe_load((HERE / "references.yml").read_text())


def ours(claim: Claim) -> bool:
    """Whether the claim answers a question of ours, which its paper does not ask."""
    return claim.ours


def _filled(text: Any, said: dict[str, str]) -> Any:
    if isinstance(text, dict):
        return {key: _filled(value, said) for key, value in text.items()}
    if isinstance(text, list):
        return [_filled(value, said) for value in text]
    return text.format_map(said)


def _ran(found: Sequence[Entry]) -> str:
    """In sentences: what was trained on, and what came of the papers' findings and of our own questions."""
    ran = [entry for entry in found if entry.judgement]
    tables = [entry.table for entry in ran if entry.table is not None]
    if not tables:
        return tested(found)
    runs = sum(table["run"].n_unique() for table in tables)
    devices = sorted({device for table in tables for device in table["device"].unique()})
    theirs, own = ([e for e in ran if ours(e.claim) == mine] for mine in (False, True))
    parts = [f"We trained {runs:,} small models on {_joined(devices, 'and')}."]
    if theirs:
        yes, no, undecided = _counts(theirs)
        parts.append(
            f"Of the papers' findings {_measured(theirs)}: {yes} came out as the papers say, {no} did not, and "
            f"{undecided} could not be told apart or were not fitted."
        )
    if own:
        yes, no, undecided = _counts(own)
        parts.append(
            f"Of our own questions, which no paper answers, {_measured(own)}: {yes} came out as we had claimed, {no} "
            f"did not, and {undecided} could not be decided."
        )
    return " ".join(parts)


def _counts(entries: Sequence[Entry]) -> tuple[int, int, int]:
    verdicts = [entry.verdict for entry in entries]
    return verdicts.count("reproduced"), verdicts.count("not reproduced"), sum(v in OPEN for v in verdicts)


def _parameters(found: Sequence[Entry]) -> str:
    counts = {count for entry in found for count in setting(entry.study).parameters}
    return f"{min(counts):,} to {max(counts):,} parameters"


def _joined(names: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1])] * (len(names) > 1) + list(names[-1:]))


def _measured(some: Sequence[Entry]) -> str:
    return f"{len(some)} {'was' if len(some) == 1 else 'were'} measured"
