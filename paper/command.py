"""Runs commands that read the record, with one-line errors, also for a file that cannot be written."""

from __future__ import annotations

from collections.abc import Callable

from experiments import errors
from experiments.errors import ConfigError
from experiments.judging.results import RecordError
from experiments.studies import ClaimError


def command(main: Callable[[], int | None]) -> None:
    """Calls `main` and exits with its code, 0 for None. A RecordError, ClaimError or OSError is `error: ...` and 2."""

    def plain() -> int | None:
        try:
            return main()
        except (RecordError, ClaimError) as error:
            raise ConfigError(str(error)) from None

    errors.command(plain)()
