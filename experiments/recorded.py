"""Checks that every study has a claim and every claim a study, and formats which studies are recorded."""

from __future__ import annotations

from experiments import outside, settings
from experiments import studies as claims
from experiments.errors import ConfigError
from experiments.judging import results
from experiments.judging.results import RecordError

SCALES = ("cpu", "gpu", "paper")  # smoke is for tests and proves nothing


def format_config(study: str) -> str:
    """Formats the settings of a study at a scale. Raises RecordError if there are none."""
    try:
        return settings.format_study(study)
    except ConfigError as error:
        raise RecordError(f"the study {study} has no settings: {error}") from None


def format_recorded() -> str:
    """Formats in a sentence how many of this repository's studies have records, by scale."""
    number = len(claims.own())
    counts = {scale: number - len(_missing(scale)) for scale in SCALES}
    shares = ", ".join(f"{scale}: {count or 'none'} of {number}" for scale, count in counts.items())
    return f"Studies recorded, by scale: {shares}. What is not recorded was not run."


def format_not_run(scale: str) -> str:
    """Formats in a sentence how many of this repository's studies, and which, have no record at `scale`."""
    missing = _missing(scale)
    number = len(claims.own())
    if not missing:
        return f"At scale {scale} each of the {number} studies was run."
    if len(missing) == number:
        return f"At scale {scale} none of the {number} studies was run."
    were = "was" if len(missing) == 1 else "were"
    return f"At scale {scale} {len(missing)} of the {number} studies {were} not run: {', '.join(missing)}."


def _missing(scale: str) -> list[str]:
    return [claim.name for claim in claims.own() if not results.path_for(f"{claim.name}/{scale}").exists()]


def check() -> None:
    """Raises ClaimError if a study or a record of this repository has no claim, or a claim no study.

    Raises RecordError if a record has no study, or no figure beside it. Studies of other packages do not count.
    """
    files = settings.settings_files()
    studies = {f"{family}/{study}" for family, names in files.items() for study in names} - {*outside.studies()}
    records = [study for study in results.recorded() if results.folder_for(study) == results.RESULTS]
    for study in (*sorted(studies), *records):
        claims.claim_for(study)
    for claim in claims.own():
        if claim.name not in studies:
            raise claims.ClaimError(
                f"the claim {claim.name} has no study: there is no file conf/study/{claim.name}.yaml"
            )
    for record in records:
        format_config(record)
        for kind in ("svg", "png"):
            figure = results.path_for(record).with_suffix(f".{kind}")
            if not figure.exists():
                raise RecordError(f"{figure}: no such figure, and there is a record beside it")
