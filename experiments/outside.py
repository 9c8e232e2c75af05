"""Studies of other packages, which entry points of the group `terrarium.studies` make known.

The entry point `zoo/feeding = "zoo.feeding"` means that the module zoo.feeding holds the study's claim as CLAIM, that
feeding.yaml beside it holds the settings, and that records are kept in results/ beside it. A family belongs to one
package. An entry that breaks these rules is a fault, said in one line; the studies of other entries work all the same.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

GROUP = "terrarium.studies"
_OWN = Path(__file__).resolve().parents[1] / "conf" / "study"  # its folders are the families of this repository


class EntryError(Exception):
    """A study that its entry point does not give; the message is one line and names the package and the entry."""


@dataclass(frozen=True)
class Study:
    """A study of another package: its name, as zoo/feeding, its entry point, and the file of its settings."""

    name: str
    entry: EntryPoint
    settings: Path

    @property
    def results(self) -> Path:
        """Returns the folder of its records."""
        return self.settings.parent / "results"

    def load(self) -> Any:
        """Returns what the entry point names, or a module's CLAIM. Raises EntryError where it cannot be imported."""
        try:
            value = self.entry.load()
        except Exception as error:  # a package's import may raise anything
            raise EntryError(line(self.entry, _failed(error))) from None
        return getattr(value, "CLAIM", value)


def line(entry: EntryPoint, why: str) -> str:
    """Returns, in one line, why an entry point gives no study."""
    return f"study: the entry point {entry.name} = {entry.value} of {package(entry)} {why}"


def package(entry: EntryPoint) -> str:
    """Returns the name of the package that an entry point is of."""
    return entry.dist.name if entry.dist else entry.module.partition(".")[0]


def studies() -> dict[str, Study]:
    """Returns the studies of other packages by name, in alphabetical order."""
    return _all(entry_points)[0]


def faults() -> dict[str, str]:
    """Returns what is wrong with entry points, one line each, by the entry's name."""
    return _all(entry_points)[1]


@functools.cache  # what is installed does not change while a command runs
def _all(find: Any) -> tuple[dict[str, Study], dict[str, str]]:
    studies: dict[str, Study] = {}
    wrong: dict[str, str] = {}
    for entry in sorted(find(group=GROUP), key=lambda entry: (entry.name, package(entry))):
        try:
            studies[entry.name] = _study(entry, studies.values())
        except EntryError as error:
            wrong[entry.name] = str(error)
    return studies, wrong


def _study(entry: EntryPoint, others: Iterable[Study]) -> Study:
    """Returns the study of an entry point. Raises EntryError if it breaks a rule of those in the module's docstring."""
    if not re.fullmatch(r"[\w-]+/[\w-]+", entry.name):
        raise EntryError(line(entry, "is not of the form <family>/<study> = <module>"))
    family = entry.name.partition("/")[0]
    if (_OWN / f"{entry.name}.yaml").exists():
        raise EntryError(line(entry, "has the name of a study that Terrarium has; choose another family"))
    if (_OWN / family).is_dir():
        raise EntryError(line(entry, f"is in the family {family}, which is Terrarium's; choose another family"))
    for other in others:
        if other.name.partition("/")[0] == family and package(other.entry) != package(entry):
            owner = package(other.entry)
            raise EntryError(line(entry, f"is in the family {family}, which is {owner}'s; choose another family"))
    try:
        spec = importlib.util.find_spec(entry.module)
    except Exception as error:  # of the packages that the module lies in
        raise EntryError(line(entry, _failed(error))) from None
    if spec is None or spec.origin is None:
        raise EntryError(line(entry, f"cannot be imported: there is no module {entry.module}"))
    settings = Path(spec.origin).resolve().with_suffix(".yaml")
    if not settings.exists():
        raise EntryError(line(entry, f"has no settings: there is no file {settings}"))
    return Study(entry.name, entry, settings)


def _failed(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"cannot be imported: {type(error).__name__}" + (f": {words}" if words else "")
