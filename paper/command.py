"""Commands that read the record: what is wrong with it, or with a file to write, is said in one line."""

from __future__ import annotations

from collections.abc import Callable

from experiments import errors
from experiments.errors import ConfigError
from experiments.judging.results import RecordError
from experiments.studies import ClaimError


def command(main: Callable[[], int | None]) -> None:
    """Call `main` and exit with its code, 0 for None; a RecordError, ClaimError or OSError is `error: ...` and 2."""

    def plain() -> int | None:
        try:
            return main()
        except (RecordError, ClaimError) as error:
            raise ConfigError(str(error)) from None

    errors.command(plain)()
