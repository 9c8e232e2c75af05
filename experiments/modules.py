"""The names of this project's modules at the top level, which a file of the user's may hide."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("fields", "models", "synthetic", "hydra_plugins")


def check_hidden() -> None:
    """Raise ImportError, or end a command with one line, where another's file is found in place of one of ours."""
    for name in NAMES:
        spec = find_spec(name)
        where = Path(spec.origin).resolve() if spec and spec.origin else None
        if where and not where.is_relative_to(ROOT):
            said = f"{where} hides this project's {name}: rename it, or start the command in another folder"
            if sys.argv[:1] == ["-m"]:  # as it is while Python looks for the module of a command
                sys.exit(f"error: {said}")
            raise ImportError(said)
