"""The claims there are, each in a file of its own."""

from __future__ import annotations

from paper.claims.claim import Claim
from paper.claims.markov_threshold import CLAIM as MARKOV_THRESHOLD

CLAIMS: tuple[Claim, ...] = (MARKOV_THRESHOLD,)


class ClaimError(ValueError):
    """A study that no claim belongs to; the message is one line and names the claims there are."""


def claim_for(study: str) -> Claim:
    """The claim that `study` (markov/threshold/cpu, or markov/threshold) measures; ClaimError without one."""
    name = "/".join(study.split("/")[:2])
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    known = ", ".join(claim.name for claim in CLAIMS)
    raise ClaimError(f"no claim belongs to the study '{study}': there are claims for {known}")
