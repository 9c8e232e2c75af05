"""Errors that the user must mend: one line each, naming the key and what is allowed, before any work is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps


class ConfigError(Exception):
    """Lists the faults of a configuration or a command, one line per fault."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = lines


def command(main: Callable[[], int | None]) -> Callable[[], None]:
    """Makes `main` a command: a `ConfigError` is printed as `error: ...` lines and exits 2, with no traceback."""

    @wraps(main)
    def run() -> None:
        try:
            code = main()
        except ConfigError as e:
            for line in e.lines:
                print(f"error: {line}", file=sys.stderr)
            code = 2
        sys.exit(code or 0)

    return run
