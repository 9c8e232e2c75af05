"""A scratchpad that makes the program harder hurts (RASP-L, arXiv:2310.16028, section 5): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match of the
whole answer, scratchpad and all, at the end of each run on words 10 longer than the longest in training; a run that
diverged scores 0.

- Not fitted: mode without a scratchpad, or with the one in order of counts, has a mean over seeds within the training
  lengths below 0.9.
- Effect: exact match without a scratchpad minus that with the scratchpad in order of counts, paired by seed.
- Reproduced: the effect's lower bound is at least 0.2. Not reproduced: its upper bound is below 0.2.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.

Measured but not judged: the second scratchpad, in order of first appearance.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import Claim, Fact, Judgement, Row
from experiments.judging.criteria import cells, contrast
from experiments.judging.wording import in_words
from experiments.studies.rasp.common import ARXIV, TITLE, TRAINED, WITHIN, by_length, draw_curves, trained_to

KEYS = [TRAINED, "task.scratchpad"]
LONGER = 10
LEAST = 0.2
NAMES = {"none": "no scratchpad", "by_count": "in order of counts", "by_appearance": "in order of appearance"}
OTHER = NAMES["by_appearance"]


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/mode_scratchpad; RecordError where it is a table of something else."""
    longer = trained_to(table) + LONGER
    within, test = (cells(table, condition, KEYS) for condition in (WITHIN, f"length_{longer}"))
    rows = [
        Row(
            NAMES[s[1]],
            {"none": "generalises", "by_count": "worse"}.get(s[1], ""),
            {f"length {longer}": test.mean(s), "within": within.mean(s)},
            len(test.scores[s]),
        )
        for s in test.scores
    ]
    plain, scratchpad = (test.where([s for s in test.scores if s[1] == kind]) for kind in ("none", "by_count"))
    what = f"Exact match at length {longer} without a scratchpad minus that with counts in order"
    judged = contrast(table, plain, scratchpad, within, least=LEAST, name="scratchpad {1}", rows=rows, what=what)
    judged = in_words(judged, {"scratchpad none": NAMES["none"], "scratchpad by_count": "counts in order"})
    other = [test.mean(s) for s in test.scores if s[1] == "by_appearance"]
    notes = [f"Exact match at length {longer} with the other scratchpad, {OTHER}: {i} (not judged)." for i in other]
    return replace(judged, notes=(*judged.notes, *notes))


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against length for every scratchpad."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    found = cells(table, WITHIN, KEYS).scores
    draw_curves(panel, by_length(table, KEYS), {s: NAMES[s[1]] for s in found})
    panel.axvline(trained_to(table), color="0.5", lw=0.8, ls=":")
    figures.legend_beside(panel, "mode")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/mode_scratchpad",
    question="Can a scratchpad hurt?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 5",
    text="Mode generalises to longer words worse with a scratchpad of counts in order, a harder program, than without.",
    setting="scratchpad",
    effect="exact match at training length + 10, without a scratchpad minus with counts in order",
    looked="Sizes were chosen by looking at seed 0. With the seeds reported, fewer steps did not fit counts in order.",
    criterion=criterion,
    figure=draw,
    facts=(Fact("With a poor scratchpad mode scores low.", "a summary of arXiv:2310.16028, Fig. 1a"),),
)
