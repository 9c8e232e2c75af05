"""What the claims share that static noise leaves more right answers than dynamic noise of the same label share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from experiments.judging.claim import Judgement
from experiments.judging.criteria import Setting, difference
from experiments.studies.tint.common import NEAR, Measured, conclude, matched, measured, rows, shared, sides, sound


def pairs_in_words(found: Measured, pairs: Sequence[tuple[Setting, Setting]], *, kept: bool = False) -> str:
    """Each pair with its label shares, or shares of tokens kept, and the difference of its answers."""
    says, share = [], found.kept if kept else found.label
    for a, b in pairs:
        effect = difference(*sides(found, [(a, b)]))
        shares = f"{'kept' if kept else 'label'} shares {share[a].estimate:.2f} and {share[b].estimate:.2f}"
        says.append(f"{found.words(a)} and {found.words(b)} ({shares}): {effect}")
    return "; ".join(says)


def by_tokens(found: Measured, settings: Sequence[Setting]) -> list[str]:
    """A note on noises that keep as many tokens, by pair; none where there are none."""
    pairs = matched(found, settings, kept=True)
    return [f"At the same share of tokens kept: {pairs_in_words(found, pairs, kept=True)} (not judged)."] * bool(pairs)


def contrast(table: pl.DataFrame, keys: Sequence[str], least: float, says: Callable[[str], str]) -> Judgement:
    """Judge that static noise leaves at least `least` more right answers than dynamic noise of the same label share."""
    found = measured(table, keys)
    left = sound(found)
    pairs = matched(found, left.settings)
    more, less = sides(found, pairs)
    return conclude(
        found,
        left,
        difference(more, less),
        shared(more, less),
        what="Right answers under static noise minus dynamic noise of the same label share",
        rows=rows(found, lambda s: says(found.noise(s))),
        missing=f"No static and dynamic noise that can be read have label shares within {NEAR} of one another.",
        least=least,
        notes=[
            *([f"By pair: {pairs_in_words(found, pairs)}."] if pairs else []),
            *by_tokens(found, left.settings),
        ],
    )
