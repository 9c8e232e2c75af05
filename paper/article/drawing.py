"""Draws a study's figure for the write-up, from the record."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.summary import Entry


def drawn(entry: Entry) -> tuple[Figure, str]:
    """Returns the figure of a study that was run, without a title, and how to read its marks."""
    assert entry.table is not None
    assert entry.judgement is not None
    drawing = entry.claim.figure
    return drawing.figure(entry.claim.criterion.grid(entry.table), entry.judgement), drawing.marks
