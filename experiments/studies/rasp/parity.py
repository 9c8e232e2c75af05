"""Parity with index hints and a scratchpad (RASP-L, arXiv:2310.16028, section 5.2): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match at the end
of each run, of the whole scratchpad or of the one label, at 1.25 times the longest training length; a run that diverged
scores 0. Chance is 0.5 for the one label and 0 for the scratchpad.

- Not fitted: with the scratchpad, the mean over seeds within the training lengths is below 0.9. Plain parity counts as
  it scores, fitted or not: that it cannot be fitted is part of the claim, and a note says whether it was.
- Effect: exact match with the scratchpad minus that of plain parity, paired by seed.
- Reproduced: the effect's lower bound is at least 0.25. Not reproduced: its upper bound is below 0.25.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import FITTED, Cells, cells, contrast
from experiments.judging.wording import in_words
from experiments.studies.rasp.common import ARXIV, TITLE, TRAINED, WITHIN, by_length, draw_curves, trained_to

KEYS = [TRAINED, "task.scratchpad"]
TIMES = 1.25
LEAST = 0.25
NAMES = {False: "plain", True: "hints and scratchpad"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/parity; RecordError where it is a table of something else."""
    longer = round(TIMES * trained_to(table))
    within, test = (cells(table, condition, KEYS) for condition in (WITHIN, f"length_{longer}"))
    rows = [
        Row(
            NAMES[s[1]],
            "generalises" if s[1] else "not fitted",
            {f"length {longer}": test.mean(s), "within": within.mean(s)},
            len(test.scores[s]),
        )
        for s in test.scores
    ]
    plain, scratchpad = (test.where([s for s in test.scores if s[1] is kind]) for kind in (False, True))
    what = f"Exact match at length {longer} with hints and scratchpad minus that of plain parity"
    needed = Cells({s: of if s[1] else dict.fromkeys(of, 1.0) for s, of in within.scores.items()}, within.examples)
    judged = contrast(table, scratchpad, plain, needed, least=LEAST, name="scratchpad {1}", rows=rows, what=what)
    judged = in_words(judged, {"scratchpad true": NAMES[True], "scratchpad false": NAMES[False]})
    fit = [within.mean(s) for s in plain.scores]
    notes = [f"Plain parity within its training lengths: {i}, {_fitted(i.estimate)}." for i in fit]
    return replace(judged, notes=(*judged.notes, *notes))


def _fitted(score: float) -> str:
    return "fitted" if score >= FITTED else "not fitted"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against length for both formats."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    draw_curves(panel, by_length(table, KEYS), {s: NAMES[s[1]] for s in cells(table, WITHIN, KEYS).scores})
    panel.axvline(trained_to(table), color="0.5", lw=0.8, ls=":")
    panel.axhline(0.5, color="0.7", lw=0.8)
    figures.legend_beside(panel, "parity")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/parity",
    question="Do index hints and a scratchpad let parity generalise to longer strings?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 5.2, App. C.1",
    text=(
        "Parity with index hints and a scratchpad that names the ones generalises to longer strings; plain parity does "
        "not, and is not even fitted."
    ),
    setting="format",
    effect="exact match at 1.25 times the training length, with hints and scratchpad minus plain",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(Fact("Plain parity does not fit its training set.", "arXiv:2310.16028, App. C.1, as cited by others"),),
)
