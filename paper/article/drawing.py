"""A study's figure as its claim draws it from the record, for who shows it in the write-up."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from experiments.judging import figures
from experiments.summary import Entry


def drawn(entry: Entry) -> tuple[Figure, str]:
    """The figure of a study that was run, without its title, and how to read its marks."""
    assert entry.table is not None
    assert entry.judgement is not None
    with figures.caught() as every:
        entry.claim.figure(entry.table, entry.judgement, Path(entry.scale))
    (figure,) = every
    how = figure.get_suptitle().partition("(")[2].removesuffix(")")
    figure.suptitle("")  # its study and verdict stand beside it
    return figure, how
