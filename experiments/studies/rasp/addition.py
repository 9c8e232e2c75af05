"""Addition: order of digits, index hints, carries (RASP-L, arXiv:2310.16028, sections 3 and 5): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match of the
whole answer at the end of each run on sums of one carry chain through all digits, at 1.5 times the longest training
length (the ratio for which the paper's result is cited); a run that diverged scores 0.

- A setting is fitted where the mean over seeds within the training lengths is at least 0.9; the others are left out
  and named. Not fitted: no reversed setting with hints, or no forward setting, is fitted.
- Effect: mean over the fitted settings that answer in reverse with index hints (of either carry law) minus mean over
  the fitted settings that answer forward, paired by seed.
- Reproduced: the effect's lower bound is at least 0.5. Not reproduced: its upper bound is below 0.5.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.

Measured but not judged: what balanced carries change, with hints and in reverse.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, Setting, cells, contrast, difference
from experiments.judging.wording import in_words
from experiments.studies.rasp.common import ARXIV, TITLE, TRAINED, WITHIN, trained_to

KEYS = [TRAINED, "task.order", "task.hints", "task.carries"]
TIMES = 1.5
LEAST = 0.5
WORDS = {
    "hints true": "hints",
    "hints false": "no hints",
    "balanced 1.0": "balanced",
    "balanced 0.0": "standard",
}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/addition; RecordError where it is a table of something else."""
    longer = round(TIMES * trained_to(table))
    within, hard = (cells(table, condition, KEYS) for condition in (WITHIN, f"hard/length_{longer}"))
    rows = [
        Row(_name(s), _paper_says(s), {f"hard, {longer} digits": hard.mean(s), "within": within.mean(s)}, len(of))
        for s, of in hard.scores.items()
    ]
    better = hard.where([s for s in hard.scores if s[1] == "reverse" and s[2]])
    worse = hard.where([s for s in hard.scores if s[1] == "forward"])
    what = f"Exact match on hard carries of {longer} digits, reversed with hints minus forward,"
    judged = contrast(
        table, better, worse, within, least=LEAST, name="{1}, hints {2}, balanced {3}", rows=rows, what=what
    )
    judged = in_words(judged, WORDS)
    return replace(judged, notes=(*judged.notes, *_balanced(better)))


def _name(setting: Setting) -> str:
    _, order, hints, carries = setting
    return f"{order}, {'hints' if hints else 'no hints'}, {'balanced' if carries else 'standard'}"


def _paper_says(setting: Setting) -> str:
    _, order, hints, _ = setting
    return "generalises" if order == "reverse" and hints else "does not" if order == "forward" and not hints else ""


def _balanced(better: Cells) -> list[str]:
    sides = [better.where([s for s in better.scores if bool(s[3]) is balanced]) for balanced in (True, False)]
    found = difference(*sides) if all(side.scores for side in sides) else None
    return [f"Balanced minus standard carries, reversed with hints: {found} (not judged)."] if found else []


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw every setting at 1.5 times the training length, on both kinds of carries, beside the fit."""
    from experiments.judging import figures

    longer = round(TIMES * trained_to(table))
    conditions = {f"hard/length_{longer}": "one carry chain", f"length_{longer}": "random carries", WITHIN: "within"}
    figure, (panel,) = figures.canvas((1,))
    found = {label: cells(table, condition, KEYS) for condition, label in conditions.items()}
    settings = list(found["within"].scores)
    series = {
        label: ([of.mean(s) for s in settings], [list(of.scores[s].values()) for s in settings])
        for label, of in found.items()
    }
    figures.bars(panel, [_name(s) for s in settings], series)
    figures.legend_beside(panel, f"sums of {longer} digits,\ntrained to {trained_to(table)}")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/addition",
    question="Do reversed answers and index hints let addition generalise to longer sums?",
    title=TITLE,
    arxiv=ARXIV,
    where="sections 3 and 5",
    text=(
        "Addition that answers in reverse with index hints generalises to longer sums, also where one carry runs "
        "through all digits; addition that answers forward does not."
    ),
    setting="setting",
    effect="exact match on hard carries at 1.5 times the training length, reversed with hints minus forward",
    looked="Sizes were chosen by looking at seed 0. With those reported four digits, and fewer steps, were not fitted.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Reversed with hints reaches 50 digits on hard carries; forward does not generalise.", "a survey citing it"
        ),
        Fact("It extends to 1.5 times the training length.", "Zhou Y. et al. 2024, Fig. 1, citing it"),
        Fact("Balanced carries are credited with unlocking generalisation in some settings.", "a re-implementation"),
    ),
)
