"""Count, trained to several lengths (RASP-L, arXiv:2310.16028, Fig. 1b): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match of the
whole answer at the end of each run; a run that diverged scores 0.

- Not fitted: at some training maximum the mean over seeds within the training lengths is below 0.9.
- Effect: exact match at 2.5 times the longest training maximum, of the runs that were trained to it.
- Reproduced: the effect's lower bound is at least 0.9 (the paper: near-perfect). Not reproduced: its upper bound is
  below 0.9. Inconclusive: anything else; and where there is one seed, a run is missing, runs ended at different steps,
  or 2.5 times the longest maximum was not tested.

Measured but not judged: how far each training maximum reaches, as the longest tested length with a mean of 0.5 or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import FITTED, Cells, Setting, cells, diverged, medians, obstacle, reaches
from experiments.studies.rasp.common import ARXIV, TITLE, TRAINED, WITHIN, by_length, draw_curves

REACH = 2.5
NEAR_PERFECT = 0.9
HALF = 0.5


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/count_curves; RecordError where it is a table of something else."""
    within, curves = cells(table, WITHIN, [TRAINED]), by_length(table, [TRAINED])
    rows = []
    for (trained,), of in within.scores.items():
        scores = {"within": within.mean((trained,))}
        if (at := round(REACH * trained)) in curves:
            scores[f"at {REACH:g} times"] = curves[at].mean((trained,))
        rows.append(Row(f"1 to {trained}", "near-perfect to 2.5 times" if trained >= 60 else "", scores, len(of)))
    names = list(dict.fromkeys(name for row in rows for name in row.scores))
    complete = [name for name in names if all(name in row.scores for row in rows)]
    longest = max(trained for (trained,) in within.scores)
    notes = [*_reach(within.scores, curves), *diverged(table, "maximum {}")]
    end = round(REACH * longest)
    notes += [f"At length {end}. {medians(curves[end], 'maximum {}')}"] if end in curves else []
    shown = tuple(Row(row.setting, row.paper, {n: row.scores[n] for n in complete}, row.seeds) for row in rows)
    weak = [row for row in rows if row.scores["within"].estimate < FITTED]
    if weak:
        where = ", ".join(f"{row.scores['within'].estimate:.3f} at {row.setting}" for row in weak)
        return Judgement("not fitted", None, 0, f"Exact match within is below {FITTED}: {where}.", shown, tuple(notes))
    if end not in curves:
        why = f"Length {end}, which is {REACH} times the longest training maximum, was not tested."
        return Judgement("inconclusive", None, 0, why, shown, tuple(notes))
    seeds = len(curves[end].scores[(longest,)])
    effect = curves[end].mean((longest,))
    if bar := obstacle(table, within, "maximum {}"):
        return Judgement("inconclusive", effect, seeds, bar, shown, tuple(notes))
    verdict = reaches(effect, NEAR_PERFECT)
    sentence = f"Trained to {longest}, exact match at {end} is {effect}; near-perfect means {NEAR_PERFECT} or more."
    return Judgement(verdict, effect, seeds, sentence, shown, tuple(notes))


def _reach(maxima: Iterable[Setting], curves: Mapping[int, Cells]) -> list[str]:
    """The longest tested length that is still solved half of the time, for each training maximum."""
    parts = []
    for setting in maxima:
        end = max((length for length, of in curves.items() if of.estimate(setting) >= HALF), default=0)
        parts.append(f"{end} ({end / setting[0]:.2g} times) from 1 to {setting[0]}")
    return [f"Longest tested length solved half of the time or more: {'; '.join(parts)} (not judged)."]


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against length, a curve for each training maximum, with the maxima marked."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    curves = by_length(table, [TRAINED])
    maxima = list(cells(table, WITHIN, [TRAINED]).scores)
    draw_curves(panel, curves, {setting: f"1 to {setting[0]}" for setting in maxima})
    for place, (trained,) in enumerate(maxima):
        panel.axvline(trained, color=figures.STYLES[place]["color"], lw=0.8, ls=":")
    figures.legend_beside(panel, "trained on lengths")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/count_curves",
    question="How far beyond its training lengths does counting go?",
    title=TITLE,
    arxiv=ARXIV,
    where="Fig. 1b",
    text="Count, trained to a long enough maximum, stays near-perfect at lengths up to 2.5 times that maximum.",
    setting="trained on lengths",
    effect="exact match at 2.5 times the longest training maximum",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Models trained to 60 or more are near-perfect to 150.", "a summary of arXiv:2310.16028, Fig. 1b"),
        Fact("All curves drop and some reach 0.", "a review of the submission of arXiv:2310.16028"),
    ),
)
