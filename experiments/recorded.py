"""The studies that claims are measured by: their files, and that none is without a claim, nor a claim without one."""

from __future__ import annotations

from experiments import settings
from experiments import studies as claims
from experiments.errors import ConfigError
from experiments.judging import results
from experiments.judging.results import RecordError

SCALES = ("cpu", "gpu", "paper")  # smoke is for tests and proves nothing


def config(study: str) -> str:
    """Returns the settings of a study at a scale, as text. Raises RecordError if there are none."""
    try:
        return settings.text(study)
    except ConfigError as error:
        raise RecordError(f"the study {study} has no settings: {error}") from None


def recorded() -> str:
    """In a sentence: of how many studies there are records, by scale."""
    number = len(claims.every())
    counts = {scale: number - len(_missing(scale)) for scale in SCALES}
    said = ", ".join(f"{scale}: {count or 'none'} of {number}" for scale, count in counts.items())
    return f"Studies recorded, by scale: {said}. What is not recorded was not run."


def not_run(scale: str) -> str:
    """In a sentence: of how many studies, and which, there is no record at `scale`."""
    missing = _missing(scale)
    number = len(claims.every())
    if not missing:
        return f"At scale {scale} each of the {number} studies was run."
    if len(missing) == number:
        return f"At scale {scale} none of the {number} studies was run."
    were = "was" if len(missing) == 1 else "were"
    return f"At scale {scale} {len(missing)} of the {number} studies {were} not run: {', '.join(missing)}."


def _missing(scale: str) -> list[str]:
    return [claim.name for claim in claims.every() if not results.path_for(f"{claim.name}/{scale}").exists()]


def check() -> None:
    """Raises ClaimError where a study or a record has no claim, or a claim no study.

    RecordError for a record without a study, or without a figure beside it.
    """
    studies = {f"{family}/{study}" for family, files in settings.settings_files().items() for study in files}
    records = results.recorded()
    for study in (*sorted(studies), *records):
        claims.claim_for(study)
    for claim in claims.every():
        if claim.name not in studies:
            raise claims.ClaimError(
                f"the claim {claim.name} has no study: there is no file conf/study/{claim.name}.yaml"
            )
    for record in records:
        config(record)
        for kind in ("svg", "png"):
            figure = results.path_for(record).with_suffix(f".{kind}")
            if not figure.exists():
                raise RecordError(f"{figure}: no such figure, and there is a record beside it")
