"""After a teaching sequence the function is known (arXiv:2310.03016, section 4, Fig. 2): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on held-out
functions at the first point after the longest teaching sequence that a conjunction can have (two points more than there
are variables), at the end of each run; a run that diverged scores 0.

- Effect: accuracy of runs whose prompts begin with a teaching sequence minus that of runs without, both averaged over
  the classes, paired by seed.
- Reproduced: the effect's lower bound is at least 0.05, and with teaching sequences every class has a lower bound of at
  least 0.95. Not reproduced: the effect's upper bound is below 0.05, or some class has an upper bound below 0.95.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, cells, contrast
from experiments.judging.results import RecordError
from experiments.judging.wording import in_words
from experiments.studies.boolean.common import ARXIV, FAMILY, TITLE, UNSEEN, draw_positions, spaced

KEYS = [FAMILY, "task.dimensions", "task.teaching"]
LEAST, PERFECT = 0.05, 0.95


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/teaching; RecordError where it is a table of something else."""
    found = _after(table)
    rows = [
        Row(
            f"{spaced(s[0])}, {'teaching' if s[2] else 'plain'}",
            "near-perfect" if s[2] else "",
            {"model": found.mean(s)},
            len(of),
        )
        for s, of in found.scores.items()
    ]
    taught, plain = (found.where([s for s in found.scores if s[2] is kind]) for kind in (True, False))
    what = "Accuracy right after the longest teaching sequence minus that at the same point without,"
    judged = contrast(table, taught, plain, None, least=LEAST, name="{0}, teaching {2}", rows=rows, what=what)
    judged = in_words(judged, {"teaching true": "teaching", "teaching false": "plain", "_": " "})
    if judged.verdict != "reproduced":
        return judged
    lowest = min((found.mean(s) for s in taught.scores), key=lambda interval: interval.lower)
    if lowest.lower >= PERFECT:
        return judged
    verdict = "not reproduced" if min(found.mean(s).upper for s in taught.scores) < PERFECT else "inconclusive"
    return replace(judged, verdict=verdict, sentence=f"With teaching sequences a class has {lowest}, not {PERFECT}.")


def _after(table: pl.DataFrame) -> Cells:
    dimensions = table["task.dimensions"].unique().to_list() if "task.dimensions" in table.columns else []
    if len(dimensions) != 1:
        raise RecordError("needs one number of task.dimensions for all runs")
    return cells(table, UNSEEN, KEYS, position=dimensions[0] + 2)


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy by point, a panel for each class and kind of prompt."""
    from experiments.judging import figures

    settings = list(cells(table, UNSEEN, KEYS).scores)
    figure, panels = figures.canvas((1,) * len(settings))
    learners = {"model": "model", "bayes": "optimum for\nplain prompts", "nearest_neighbours": "nearest\nneighbours"}
    for panel, setting in zip(panels, settings, strict=True):
        draw_positions(panel, table, KEYS, setting, learners)
        panel.set(title=f"{spaced(setting[0])},\n{'teaching' if setting[2] else 'plain'}")
    panels[0].set(ylabel="accuracy")
    panels[-1].legend(loc="lower right")
    figures.title(figure, table, judgement, "bars: 95 % intervals; thin: single seeds")
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/teaching",
    question="Is a teaching sequence enough to know the function?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 4, Fig. 2",
    text="Trained on prompts that begin with a teaching sequence, a transformer is near-perfect right after it.",
    setting="class, prompts",
    effect="accuracy right after the longest teaching sequence, minus that at the same point without",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(Fact("Near-perfect right after the prefix, with far fewer examples.", "reviews and abstract of the paper"),),
)
