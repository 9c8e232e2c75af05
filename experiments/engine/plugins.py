"""Finds the plug-ins of Hydra; one that cannot be imported is one line."""

from __future__ import annotations

import re
import sys
import traceback
import warnings
from pathlib import Path

from hydra.core.plugins import Plugins

from experiments.errors import ConfigError


def find_plugins() -> None:
    """Lets Hydra find its plug-ins, and prints a line for each that lacks something to import; the others work.

    Raises ConfigError, one line, for any other error of a plug-in, which leaves Hydra without all of them.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            Plugins.instance()
        except Exception as e:  # a plug-in's import may raise anything
            files = [Path(frame.filename) for frame in traceback.extract_tb(e.__traceback__)]
            names = [path.stem for path in files if "hydra_plugins" in path.parts]
            why = " ".join(f"{type(e).__name__}: {e}".split())
            raise ConfigError(
                f"hydra_plugins: {names[-1] if names else 'a module'} cannot be imported: {why}"
            ) from None
    for warning in caught:
        if module := re.search(r"Error importing '([^']+)'", str(warning.message)):
            why = str(warning.message).strip().splitlines()[-1].strip().replace(" : ", ": ")
            print(f"ignored: Hydra's plug-in {module[1]}, which cannot be imported: {why}", file=sys.stderr)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
