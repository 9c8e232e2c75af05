"""Formats the help of `python -m experiments.run`: every group with its choices, each as it is typed."""

from __future__ import annotations

import textwrap

from experiments import settings
from experiments.engine import compose

GROUPS = ("task", "model", "optim", "hydra/launcher", "hydra/sweeper")
_WIDTH = 110
_USAGE = """\
usage: python -m experiments.run [-m] [GROUP=CHOICE ...] [KEY=VALUE ...]

  -m                    a sweep: give a key several values, as in seed=0,1,2 or 'seed=range(0,5)'; seeds=2 is seed=1,2
  name=NAME             the folder of a sweep's records below `out`, so that each sweep has its own
  --cfg job             print the configuration that the other words make, with every key, and run nothing
  --config-dir FOLDER   find files of your own in FOLDER too: FOLDER/model/mine.yaml is model=mine
  --hydra-help          the options of Hydra

Keys are described in docs/keys.md and docs/tasks.md.
"""


def format_help() -> str:
    """Returns the help: how to call, and each choice of each group as a word that can be copied."""
    parts = [_USAGE]
    for group in GROUPS:
        parts.append(_format_words(group, [f"{group}={choice}" for choice in compose.options(group)]))
    scales = [f"{scale}: {place}" for scale, place in _SCALES.items()]
    studies = [f"study={name}" for name in settings.studies() if name.endswith("/cpu")]
    parts.append(_format_words(f"study, at the scale cpu; its other scales are {'; '.join(scales)}", studies))
    for group, choices in settings.arms().items():
        if group not in settings.SECTIONS:
            parts.append(_format_words(f"{group}, an arm of studies", [f"{group}={choice}" for choice in choices]))
    return "\n".join(parts)


_SCALES = {"smoke": "a test of seconds", "gpu": "minutes on a GPU", "paper": "the paper's settings, hours on GPUs"}


def _format_words(title: str, words: list[str]) -> str:
    lines = textwrap.wrap(" ".join(words), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines), ""])
