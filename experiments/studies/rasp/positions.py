"""Does the contrast between tasks hinge on the position scheme? A claim of ours; arXiv:2310.16028 has none of it.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match of the
whole answer at the end of each run, on problems 1.5 times as long as the longest in training; a run that diverged
scores 0. A scheme is a position scheme together with a layout: samples packed and shifted as in the paper, or one a
row from position 0.

- A scheme counts where both tasks are fitted under it: a mean over seeds within the training lengths of at least 0.9.
  Not fitted: no scheme counts.
- Effect: exact match on sort (short program) minus copy with repeated tokens (none), paired by seed, under the scheme
  where it is smallest.
- Reproduced: under every scheme that counts the lower bound of that difference is at least 0.25. Not reproduced: under
  some scheme its upper bound is below 0.25.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Judgement, Row, Verdict
from experiments.judging.criteria import FITTED, Cells, cells, difference, diverged, obstacle, reaches
from experiments.judging.statistics import Interval
from experiments.studies.rasp.common import ARXIV, TASK, TITLE, TRAINED, WITHIN, trained_to

KEYS = [TASK, TRAINED, "model", "task.packing"]
TIMES = 1.5
LEAST = 0.25
SHORT, LONG = "rasp_sort", "rasp_copy_repeated"

Scheme = tuple[str, bool]


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/positions; RecordError where it is a table of something else."""
    within, test = _scores(table)
    rows, effects, weak = [], {}, []
    for scheme in _schemes(test):
        both = {task: [s for s in test.scores if s[0] == task and s[2:] == scheme] for task in (SHORT, LONG)}
        scores = {name: test.mean(both[task][0]) for task, name in ((SHORT, "sort"), (LONG, "copy, repeated"))}
        rows.append(Row(_name(scheme), "", scores, len(test.scores[both[SHORT][0]])))
        if all(within.estimate(s) >= FITTED for of in both.values() for s in of):
            effects[scheme] = difference(test.where(both[SHORT]), test.where(both[LONG]))
        else:
            weak.append(_name(scheme))
    notes = [f"Left out, as a task is below {FITTED} within: {'; '.join(weak)}."] if weak else []
    notes += diverged(table, "{0}, {2}, packing {3}")
    if not effects:
        why = f"Under no scheme are both tasks at {FITTED} or more within the training lengths."
        return Judgement("not fitted", None, 0, why, tuple(rows), tuple(notes))
    worst = min(effects, key=lambda scheme: _of(effects[scheme]).estimate)
    effect, seeds = effects[worst], min(row.seeds for row in rows)
    if bar := obstacle(table, test, "{0}, {2}, packing {3}"):
        return Judgement("inconclusive", effect, seeds, bar, tuple(rows), tuple(notes))
    found = [reaches(_of(effect), LEAST) for effect in effects.values()]
    verdict: Verdict = "reproduced"
    if "inconclusive" in found:
        verdict = "inconclusive"
    if "not reproduced" in found:
        verdict = "not reproduced"
    sentence = f"Smallest under {_name(worst)}, where sort minus copy is {effect}; {len(effects)} schemes counted."
    return Judgement(verdict, effect, seeds, sentence, tuple(rows), tuple(notes))


def _of(found: Interval | None) -> Interval:
    return found or Interval(0.0, -1.0, 1.0)  # no seed in both: nothing is known


def _scores(table: pl.DataFrame) -> tuple[Cells, Cells]:
    """Exact match within the training lengths, and at 1.5 times the longest."""
    return cells(table, WITHIN, KEYS), cells(table, f"length_{round(TIMES * trained_to(table))}", KEYS)


def _schemes(test: Cells) -> list[Scheme]:
    """The schemes under which both tasks were run."""
    by_task = [{s[2:] for s in test.scores if s[0] == task} for task in (SHORT, LONG)]
    return sorted(set.intersection(*by_task))


def _name(scheme: Scheme) -> str:
    model, packing = scheme
    return f"{model}, {'packed and shifted' if packing else 'one a row'}"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw both tasks at 1.5 times the training length for every scheme, and how well they were fitted."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1), share=False)
    within, test = _scores(table)
    schemes = _schemes(test)
    for panel, found, title in ((panels[0], test, "1.5 times the training length"), (panels[1], within, "within")):
        series = {}
        for task, name in ((SHORT, "sort"), (LONG, "copy, repeated")):
            settings = [next(s for s in found.scores if s[0] == task and s[2:] == scheme) for scheme in schemes]
            series[name] = ([found.mean(s) for s in settings], [list(found.scores[s].values()) for s in settings])
        figures.bars(
            panel, [_name(scheme) for scheme in schemes] if panel is panels[0] else [""] * len(schemes), series
        )
        panel.set(title=title)
    panels[1].legend(loc="lower left")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/positions",
    question="Does the contrast hold under every position scheme, packed or not?",
    title=TITLE,
    arxiv=ARXIV,
    where="not in the paper: a question of ours",
    text=(
        "That a task with a short RASP-L program generalises to longer problems and one without does not, holds under "
        "every position scheme that fits both, and with and without packed and shifted contexts."
    ),
    setting="scheme",
    effect="sort minus copy with repeated tokens at 1.5 times the training length, where it is smallest",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
)
