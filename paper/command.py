"""Runs commands that read the record, with one-line errors."""

from __future__ import annotations

import sys
from collections.abc import Callable

from experiments.judging.results import RecordError
from experiments.studies import ClaimError


def command(main: Callable[[], int | None]) -> None:
    """Calls `main` and exits with its code, 0 for None; a RecordError or ClaimError prints `error: ...` and gives 2."""
    try:
        code = main() or 0
    except (RecordError, ClaimError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)
