"""Lists the studies: each is the CLAIM of a module in a family's folder, or of a package outside.

A family's package names its studies in the order in which they are listed (`ORDER`); other studies come after these. A
package outside adds a claim by the entry-point group `terrarium.studies`: an object, or a module's CLAIM.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points

from experiments.judging.claim import Claim

GROUP = "terrarium.studies"
FAMILIES = ("markov", "rasp", "boolean", "tint")  # in the order in which they are listed; others come after
_SHARED = ("family", "kinds")  # modules of a family that are no study


class ClaimError(ValueError):
    """A study without a claim; the message is one line and names the claims."""


def _own() -> Iterator[Claim]:
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


def _outside() -> Iterator[Claim]:
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        claim = entry.load()
        claim = getattr(claim, "CLAIM", claim)
        if not isinstance(claim, Claim):
            raise ClaimError(f"the entry point {entry.name} of {GROUP} is no claim: {entry.value}")
        yield claim


@functools.cache
def every() -> tuple[Claim, ...]:
    """Returns the claims of all studies, in order. Raises ClaimError if two have one name."""
    claims: dict[str, Claim] = {}
    for claim in (*_own(), *_outside()):
        if claim.name in claims:
            raise ClaimError(f"two claims have the name {claim.name}")
        claims[claim.name] = claim
    return tuple(claims.values())


def claim_for(study: str) -> Claim:
    """Returns the claim of `study` (markov/threshold/cpu, or markov/threshold). Raises ClaimError without one."""
    name = "/".join(study.split("/")[:2])
    for claim in every():
        if claim.name == name:
            return claim
    known = ", ".join(claim.name for claim in every())
    raise ClaimError(f"no claim belongs to the study '{study}': there are claims for {known}")
