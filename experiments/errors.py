"""Errors that the user must mend: one line each, naming the key and what is allowed, before any work is done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import wraps

from experiments import streams


class ConfigError(Exception):
    """Lists the faults of a configuration or a command, one line per fault."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = lines


def check_docstrings() -> None:
    """Raises ConfigError if Python keeps no docstrings, of which some pages are made."""
    if check_docstrings.__doc__ is None:
        raise ConfigError("PYTHONOPTIMIZE: this page is made of docstrings, which level 2 (-OO) drops; use 0 or 1")


def check_no_words(module: str, doc: str | None) -> None:
    """Ends a command that takes no words where it is given one: --help prints its docstring, others are refused."""
    lines = (doc or "").strip().partition("\n")
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=lines[0].rpartition("`: ")[2],
        epilog=lines[2].strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()


def command(main: Callable[[], int | None], *, trains: bool = False) -> Callable[[], None]:
    """Makes `main` a command: a `ConfigError` is printed as `error: ...` lines and exits 2, with no traceback.

    Nothing that cannot be shown on standard error stops it. A command that `trains` goes on where standard output
    cannot be written either, and exits 1 at its end; any other stops there.
    """

    @wraps(main)
    def run() -> None:
        streams.make_harmless("stderr")
        if trains:
            streams.make_harmless("stdout")
        streams.replace_letters("stdout")
        streams.ignore_impossible_sizes()
        try:
            code = main() or 0
        except ConfigError as e:
            for line in e.lines:
                print(f"error: {line}", file=sys.stderr)
            code = 2
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            streams.discard("stdout")
            code = 0
        except OSError as e:
            print(f"error: {e.filename or 'output'}: {e.strerror or e}", file=sys.stderr)
            code = 2
        if why := streams.failure("stdout"):
            print(f"error: standard output: {why}", file=sys.stderr)
            streams.discard("stdout")
            code = code or 1
        sys.exit(code)

    return run
