"""Lists the studies: each is the CLAIM of a module in a family's folder, or of a package outside.

A family's package names its studies in the order in which they are listed (`ORDER`); those that it does not name come
after. A package outside adds a claim by an entry point (`experiments.outside`).
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator

from experiments import outside
from experiments.judging.claim import Claim

# In the order in which they are listed; others come after.
FAMILIES = (
    "markov",
    "rasp",
    "boolean",
    "tint",
    "grokking",
    "mil",
    "pointer",
    "linear",
    "icl",
    "inference",
    "cot",
    "hints",
    "recursion",
    "composition",
)
_SHARED = ("family", "kinds")  # modules of a family that are no study


class ClaimError(ValueError):
    """A study without a claim; the message is one line and names the claims."""


@functools.cache
def own() -> tuple[Claim, ...]:
    """Returns the claims of this repository's studies, in order. Raises ClaimError for two of one name."""
    claims: dict[str, Claim] = {}
    for claim in _modules():
        if claim.name in claims:
            raise ClaimError(f"two claims have the name {claim.name}")
        claims[claim.name] = claim
    return tuple(claims.values())


def _modules() -> Iterator[Claim]:
    packages = [module_info.name for module_info in pkgutil.iter_modules(__path__) if module_info.ispkg]
    for family in [*FAMILIES, *(name for name in packages if name not in FAMILIES)]:
        package = importlib.import_module(f"{__name__}.{family}")
        names = [
            module_info.name
            for module_info in pkgutil.iter_modules(package.__path__)
            if module_info.name not in _SHARED
        ]
        order: tuple[str, ...] = getattr(package, "ORDER", ())
        for name in sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name)):
            module = importlib.import_module(f"{package.__name__}.{name}")
            if hasattr(module, "CLAIM"):
                yield module.CLAIM


def every() -> tuple[Claim, ...]:
    """Returns the claims of all studies: this repository's in order, then those of other packages that can be read."""
    others = (_read(study) for study in outside.studies().values())
    return (*own(), *(claim for claim in others if isinstance(claim, Claim)))


def faults() -> dict[str, str]:
    """Returns why studies of other packages have no claim that can be read, one line each, by the study's name."""
    others = {name: _read(study) for name, study in outside.studies().items()}
    return outside.faults() | {name: claim for name, claim in others.items() if isinstance(claim, str)}


@functools.cache
def _read(study: outside.Study) -> Claim | str:
    """Returns the claim of another package's study, or in one line why there is none."""
    try:
        claim = study.load()
    except outside.EntryError as error:
        return str(error)
    if not isinstance(claim, Claim):
        return outside.line(study.entry, f"gives no claim, and there are settings of it in {study.settings}")
    if claim.name != study.name:
        return outside.line(study.entry, f"gives the claim of another study, {claim.name}")
    return claim


def claim_for(study: str) -> Claim:
    """Returns the claim of `study` (markov/threshold/cpu, or markov/threshold). Raises ClaimError without one."""
    name = "/".join(study.split("/")[:2])
    for claim in every():
        if claim.name == name:
            return claim
    if fault := faults().get(name):
        raise ClaimError(fault)
    known = ", ".join(claim.name for claim in every())
    raise ClaimError(f"no claim belongs to the study '{study}': there are claims for {known}")
