"""How many functions must be seen before new ones are learnt in context? A claim of ours on arXiv:2310.03016's setting.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of prompts of held-out functions, at the end of each run; a run that diverged scores 0.

- A pool is fitted where the model's accuracy on its own functions is at least 0.9 on average; the others are left out
  and named. Not fitted: the smallest or the largest pool is not.
- Effect: accuracy with the largest pool (0 is unlimited) minus accuracy with the smallest, paired by seed.
- Reproduced: the effect's lower bound is at least 0.1. Not reproduced: its upper bound is below 0.1.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Judgement, Row
from experiments.judging.criteria import Cells, Setting, cells, contrast
from experiments.judging.wording import in_words
from experiments.studies.boolean.common import ARXIV, TITLE, UNSEEN

KEYS = ["task.pool"]
LEAST = 0.1
SEEN = "seen"


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/diversity; RecordError where it is a table of something else."""
    seen, unseen = cells(table, SEEN, KEYS), cells(table, UNSEEN, KEYS)
    order = _by_size(unseen)
    rows = [Row(_name(s), "", {"unseen": unseen.mean(s), "seen": seen.mean(s)}, len(unseen.scores[s])) for s in order]
    what = "Accuracy on held-out functions, largest pool minus smallest,"
    sides = unseen.where(order[-1:]), unseen.where(order[:1])
    judged = contrast(table, *sides, seen, least=LEAST, name="a pool of {}", rows=rows, what=what)
    return in_words(judged, {"a pool of 0": "an unlimited pool"})


def _by_size(found: Cells) -> list[Setting]:
    """Settings from the smallest pool to the largest; 0 is unlimited."""
    return sorted(found.scores, key=lambda s: s[0] or float("inf"))


def _name(setting: Setting) -> str:
    return f"{setting[0]:,}" if setting[0] else "unlimited"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy on the pool's own and on held-out functions against the size of the pool."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    order = _by_size(cells(table, UNSEEN, KEYS))
    x = [s[0] or 4 * max(s[0] for s in order) for s in order]
    for place, (label, condition) in enumerate({"held out": UNSEEN, "of the pool": SEEN}.items()):
        of = cells(table, condition, KEYS)
        points = [list(of.scores[s].values()) for s in order]
        figures.scores_with_seeds(panel, x, [of.mean(s) for s in order], points, label, place)
    panel.set_xticks(x, [_name(s) for s in order])
    panel.set(xlabel="functions in training", ylabel="accuracy at the last point")
    panel.legend(title="functions")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/diversity",
    question="How many functions must be seen before new ones are learnt in context?",
    title=TITLE,
    arxiv=ARXIV,
    where="not in the paper: a question of ours",
    text="Trained on few conjunctions a transformer knows these; trained on many it learns new ones in context.",
    setting="pool",
    effect="accuracy at the last point on held-out functions, largest pool minus smallest",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
)
