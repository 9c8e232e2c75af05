"""The claims there are, each in a file of its own."""

from __future__ import annotations

from paper.claims.boolean_curves import CLAIM as BOOLEAN_CURVES
from paper.claims.boolean_diversity import CLAIM as BOOLEAN_DIVERSITY
from paper.claims.boolean_frozen import CLAIM as BOOLEAN_FROZEN
from paper.claims.boolean_noise import CLAIM as BOOLEAN_NOISE
from paper.claims.boolean_table import CLAIM as BOOLEAN_TABLE
from paper.claims.boolean_teaching import CLAIM as BOOLEAN_TEACHING
from paper.claims.boolean_two_algorithms import CLAIM as BOOLEAN_TWO_ALGORITHMS
from paper.claims.claim import Claim
from paper.claims.markov_abstraction import CLAIM as MARKOV_ABSTRACTION
from paper.claims.markov_algorithms import CLAIM as MARKOV_ALGORITHMS
from paper.claims.markov_budget import CLAIM as MARKOV_BUDGET
from paper.claims.markov_encrypted import CLAIM as MARKOV_ENCRYPTED
from paper.claims.markov_families import CLAIM as MARKOV_FAMILIES
from paper.claims.markov_long_tail import CLAIM as MARKOV_LONG_TAIL
from paper.claims.markov_noop import CLAIM as MARKOV_NOOP
from paper.claims.markov_occurrences import CLAIM as MARKOV_OCCURRENCES
from paper.claims.markov_robustness import CLAIM as MARKOV_ROBUSTNESS
from paper.claims.markov_threshold import CLAIM as MARKOV_THRESHOLD
from paper.claims.rasp_addition import CLAIM as RASP_ADDITION
from paper.claims.rasp_and import CLAIM as RASP_AND
from paper.claims.rasp_count_curves import CLAIM as RASP_COUNT_CURVES
from paper.claims.rasp_mode_scratchpad import CLAIM as RASP_MODE_SCRATCHPAD
from paper.claims.rasp_parity import CLAIM as RASP_PARITY
from paper.claims.rasp_positions import CLAIM as RASP_POSITIONS
from paper.claims.rasp_table import CLAIM as RASP_TABLE
from paper.claims.tint_contamination import CLAIM as TINT_CONTAMINATION
from paper.claims.tint_cot_or_not import CLAIM as TINT_COT_OR_NOT
from paper.claims.tint_finetune import CLAIM as TINT_FINETUNE
from paper.claims.tint_line_noise import CLAIM as TINT_LINE_NOISE
from paper.claims.tint_operations import CLAIM as TINT_OPERATIONS
from paper.claims.tint_prompted import CLAIM as TINT_PROMPTED
from paper.claims.tint_static_vs_dynamic import CLAIM as TINT_STATIC_VS_DYNAMIC
from paper.claims.tint_why import CLAIM as TINT_WHY

CLAIMS: tuple[Claim, ...] = (
    MARKOV_THRESHOLD,
    MARKOV_BUDGET,
    MARKOV_ALGORITHMS,
    MARKOV_FAMILIES,
    MARKOV_LONG_TAIL,
    MARKOV_NOOP,
    MARKOV_OCCURRENCES,
    MARKOV_ROBUSTNESS,
    MARKOV_ENCRYPTED,
    MARKOV_ABSTRACTION,
    RASP_TABLE,
    RASP_COUNT_CURVES,
    RASP_ADDITION,
    RASP_PARITY,
    RASP_MODE_SCRATCHPAD,
    RASP_AND,
    RASP_POSITIONS,
    BOOLEAN_TABLE,
    BOOLEAN_CURVES,
    BOOLEAN_TEACHING,
    BOOLEAN_TWO_ALGORITHMS,
    BOOLEAN_NOISE,
    BOOLEAN_DIVERSITY,
    BOOLEAN_FROZEN,
    TINT_STATIC_VS_DYNAMIC,
    TINT_CONTAMINATION,
    TINT_COT_OR_NOT,
    TINT_OPERATIONS,
    TINT_LINE_NOISE,
    TINT_PROMPTED,
    TINT_FINETUNE,
    TINT_WHY,
)


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
