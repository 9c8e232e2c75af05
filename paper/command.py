"""Commands that read the record: what is wrong with it, or with a file to write, is said in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from experiments.judging.results import RecordError
from experiments.studies import ClaimError


def command(main: Callable[[], int | None]) -> None:
    """Call `main` and exit with its code, 0 for None; a RecordError, ClaimError or OSError is `error: ...` and 2."""
    try:
        code = main() or 0
    except (RecordError, ClaimError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except OSError as error:
        print(f"error: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        code = 2
    sys.exit(code)
