"""Formats errors of overrides in one line, for which Hydra and OmegaConf take several."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

import fields
from experiments import settings
from experiments.errors import ConfigError

GROUPS = (*settings.SECTIONS, "study", "hydra/launcher", "hydra/sweeper")


def format_unknown(key: str, config: Any) -> str:
    """Formats the error of an override whose key the configuration lacks."""
    above, _, last = key.rpartition(".")
    inside = OmegaConf.select(config, above) if above else config
    while above and not isinstance(inside, DictConfig):
        above, _, last = above.rpartition(".")
        inside = OmegaConf.select(config, above) if above else config
    left_out = ("name", "rule") if above else ("hydra",)  # a section's class is chosen, and not set
    known = [str(k) for k in inside if k not in left_out] if isinstance(inside, DictConfig) else []
    return f"{above + '.' if above else ''}{last}: {fields.unknown(last, dict.fromkeys(known))}"


def format_error(error: Exception, options: Callable[[str], list[str]], base: Callable[[], DictConfig]) -> str:
    """Formats an error of Hydra or OmegaConf, which has several lines, as one line that names the key.

    options: returns the options of a group. base: composes the configuration with only its groups chosen.
    """
    causes: list[Any] = [error]
    while causes[-1].__cause__ is not None or causes[-1].__context__ is not None:
        causes.append(causes[-1].__cause__ or causes[-1].__context__)
    text = " ".join(str(error).split())
    if missing := re.search(r"Could not find '([^']+)'", text):
        # A group of studies, such as tint/noise, has no further folders; those of `study` and of Hydra do.
        above = missing.group(1).rpartition("/")[0]
        group = max((g for g in GROUPS if missing.group(1).startswith(g + "/")), key=len, default=above)
        choice = missing.group(1)[len(group) + 1 :]
        try:
            settings.check()  # an arm may be missing because its file cannot be read
            if group == "study":
                settings.read_study(choice)
        except ConfigError as wrong:
            return str(wrong)
        allowed = options(group)
        return f"{group}: there is no {choice}{settings.near(choice, allowed)}; allowed: {', '.join(allowed)}"
    for cause in causes:
        key = getattr(cause, "full_key", None)
        if key and "not in struct" in str(cause):
            return format_unknown(key, base())
        if key:
            return f"{key}: {str(cause).splitlines()[0]}"
    if refused := re.search(r"Could not override '([^']+)'", text):
        return format_unknown(refused.group(1), base())
    return text
