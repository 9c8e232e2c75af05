"""The claims there are, each in a file of its own."""

from __future__ import annotations

from experiments.judging.claim import Claim
from experiments.studies.boolean.curves import CLAIM as BOOLEAN_CURVES
from experiments.studies.boolean.diversity import CLAIM as BOOLEAN_DIVERSITY
from experiments.studies.boolean.frozen import CLAIM as BOOLEAN_FROZEN
from experiments.studies.boolean.noise import CLAIM as BOOLEAN_NOISE
from experiments.studies.boolean.table import CLAIM as BOOLEAN_TABLE
from experiments.studies.boolean.teaching import CLAIM as BOOLEAN_TEACHING
from experiments.studies.boolean.two_algorithms import CLAIM as BOOLEAN_TWO_ALGORITHMS
from experiments.studies.markov.abstraction import CLAIM as MARKOV_ABSTRACTION
from experiments.studies.markov.algorithms import CLAIM as MARKOV_ALGORITHMS
from experiments.studies.markov.budget import CLAIM as MARKOV_BUDGET
from experiments.studies.markov.encrypted import CLAIM as MARKOV_ENCRYPTED
from experiments.studies.markov.families import CLAIM as MARKOV_FAMILIES
from experiments.studies.markov.long_tail import CLAIM as MARKOV_LONG_TAIL
from experiments.studies.markov.noop import CLAIM as MARKOV_NOOP
from experiments.studies.markov.occurrences import CLAIM as MARKOV_OCCURRENCES
from experiments.studies.markov.robustness import CLAIM as MARKOV_ROBUSTNESS
from experiments.studies.markov.threshold import CLAIM as MARKOV_THRESHOLD
from experiments.studies.rasp.addition import CLAIM as RASP_ADDITION
from experiments.studies.rasp.and_ import CLAIM as RASP_AND
from experiments.studies.rasp.count_curves import CLAIM as RASP_COUNT_CURVES
from experiments.studies.rasp.mode_scratchpad import CLAIM as RASP_MODE_SCRATCHPAD
from experiments.studies.rasp.parity import CLAIM as RASP_PARITY
from experiments.studies.rasp.positions import CLAIM as RASP_POSITIONS
from experiments.studies.rasp.table import CLAIM as RASP_TABLE
from experiments.studies.tint.contamination import CLAIM as TINT_CONTAMINATION
from experiments.studies.tint.cot_or_not import CLAIM as TINT_COT_OR_NOT
from experiments.studies.tint.finetune import CLAIM as TINT_FINETUNE
from experiments.studies.tint.line_noise import CLAIM as TINT_LINE_NOISE
from experiments.studies.tint.operations import CLAIM as TINT_OPERATIONS
from experiments.studies.tint.prompted import CLAIM as TINT_PROMPTED
from experiments.studies.tint.static_vs_dynamic import CLAIM as TINT_STATIC_VS_DYNAMIC
from experiments.studies.tint.why import CLAIM as TINT_WHY

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
