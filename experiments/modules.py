"""Finds this project's own files: modules at the top level, which a user's may hide, configuration, the checkout."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from experiments.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
CHECKOUT = (ROOT / "pyproject.toml").is_file()  # or a copy that pip made
NAMES = ("fields", "models", "synthetic", "hydra_plugins")


def check_place() -> None:
    """Raises ImportError, or ends a command with one line, if modules of ours are hidden or files are lacking."""
    if fault := _hidden() or _without_configuration():
        # Python has "-m" here while it looks for the module of a command, and `terrarium` is a command by itself.
        if sys.argv[:1] and Path(sys.argv[0]).name in ("-m", "terrarium"):
            sys.exit(f"error: {fault}")
        raise ImportError(fault)


def _hidden() -> str | None:
    """Returns which file of another is found in place of one of ours, in words, if any."""
    for name in NAMES:
        spec = find_spec(name)
        where = Path(spec.origin).resolve() if spec and spec.origin else None
        if where and not where.is_relative_to(ROOT):
            return f"{where} hides this project's {name}: rename it, or start the command in another folder"
    return None


def _without_configuration() -> str | None:
    """Returns that this install is a copy without conf/, in words, if it is."""
    if (ROOT / "conf" / "config.yaml").is_file():
        return None
    return f"{ROOT / 'conf'}: no such folder, which is part of this project; install it again"


def check_checkout(kept: str) -> None:
    """Raises ConfigError in a copy that pip made, where what is `kept` in the repository is not to be written."""
    if not CHECKOUT:
        raise ConfigError(f"{kept}: is kept in a checkout, and this is an installed copy, in {ROOT}")
