"""Writes and checks the generated pages of docs/, and formats their tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from experiments.engine import devices
from experiments.errors import ConfigError, check_docstrings
from experiments.files import write_whole
from experiments.modules import ROOT, check_checkout


def keep(path: Path, make: Callable[[], str], module: str, *, computes: bool = False) -> int:
    """Runs a page's command: writes what `make` returns to `path`, or with --check exits 1 if that is another page.

    computes: whether a device is needed.
    """
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Write {where}.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is current; exit 1 if not")
    args = parser.parse_args()
    check_checkout(str(where))
    check_docstrings()
    devices.pin()
    if computes:
        devices.check_platform()
    text = make()
    if args.check:
        if path.is_file() and path.read_text() == text:
            return 0
        print(f"{where} is not current: run `python -m {module}`", file=sys.stderr)
        return 1
    try:
        write_whole(path, text.encode())
    except OSError as e:
        raise ConfigError(f"cannot write {path}: {e.strerror or e}") from None
    print(f"wrote {where}: {text.count(chr(10))} lines")
    return 0


def format_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Formats a table in Markdown."""
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_default(value: object) -> str:
    """Formats a default as it is written in a configuration."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
