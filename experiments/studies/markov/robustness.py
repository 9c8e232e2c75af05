"""Longer inputs and patterns (Only-IF, arXiv:2410.04717, App. B.2): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match on unseen
rules (no no-op inputs) at the end of each run; a run that diverged scores 0. A size is a pair of input length and
pattern length.

- A size counts where it is fitted at its fewest and at its most rules: the mean over seeds on the training set itself
  is at least 0.9. Settings that are not are left out and named. Not fitted: fewer than two sizes count.
- Effect: exact match on unseen rules, most rules minus fewest, paired by seed, at the size where it is smallest.
- Reproduced: at every size that counts the lower bound of that difference is at least 0.5. Not reproduced: at one its
  upper bound is below 0.5.
- Inconclusive: anything else; and where there is one number of rules or one size, there is one seed, a run is missing,
  or runs ended at different steps.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Setting, cells
from experiments.judging.results import RecordError
from experiments.studies.markov.common import ARXIV, RULES, TITLE, TRAIN, UNSEEN, Part, judge

KEYS = ["task", RULES]
SIZE = re.compile(r"markov_(\d+)_(\d+)")
RISE = 0.5
SHAPES = 2


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/robustness; RecordError where it is a table of something else."""
    within, unseen = cells(table, TRAIN, KEYS), cells(table, UNSEEN, KEYS)
    order = sorted(unseen.scores, key=lambda s: (_size(s[0]), s[1]))
    rows = [
        Row(_name(s), _paper_says(s), {"unseen": unseen.mean(s), "train": within.mean(s)}, len(unseen.scores[s]))
        for s in order
    ]
    tasks, counts = list(dict.fromkeys(task for task, _ in order)), sorted({rules for _, rules in order})
    if len(tasks) < SHAPES or len(counts) < 2:
        return Judgement("inconclusive", None, 0, "There must be two sizes and two numbers of rules.", tuple(rows))
    parts = [
        Part(
            f"Exact match on unseen rules at {_said(task)}, {counts[-1]:,} rules minus {counts[0]:,},",
            *(unseen.where([s for s in order if s == (task, n)]) for n in (counts[-1], counts[0])),
            least=RISE,
        )
        for task in tasks
    ]
    parts.sort(key=lambda part: effect.estimate if (effect := part.effect()) else 0.0)
    return judge(table, parts, within, name="{}, {} rules", rows=rows, need=SHAPES)


def _size(task: str) -> tuple[int, int]:
    """(input length, pattern length) of a task's name."""
    found = SIZE.fullmatch(task)
    if not found:
        raise RecordError(f"has the task {task} where markov_<input length>_<pattern length> is wanted")
    return int(found[1]), int(found[2])


def _said(task: str) -> str:
    return "({}, {})".format(*_size(task))


def _name(setting: Setting) -> str:
    return f"{_said(setting[0])}, {setting[1]:,} rules"


def _paper_says(setting: Setting) -> str:
    if setting[1] < 300:
        return "does not"
    return "generalises" if setting[1] >= 1000 else ""


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match on unseen rules, and on the training set, against the number of rules for every size."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    for panel, (condition, title) in zip(panels, {UNSEEN: "unseen rules", TRAIN: "training set"}.items(), strict=True):
        found = cells(table, condition, KEYS)
        for place, task in enumerate(sorted({s[0] for s in found.scores}, key=_size)[: len(figures.STYLES)]):
            of = [s for s in found.scores if s[0] == task]
            means, points = [found.mean(s) for s in of], [list(found.scores[s].values()) for s in of]
            figures.scores_with_seeds(panel, [s[1] for s in of], means, points, _said(task), place)
        panel.set(xlabel="number of rules", title=title)
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "lengths of\n(input, pattern)")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/robustness",
    question="Is the step there for longer inputs and patterns too?",
    title=TITLE,
    arxiv=ARXIV,
    where="App. B.2",
    text="The step from few rules to many is there for longer inputs and longer patterns too.",
    setting="(input, pattern)",
    effect="exact match on unseen rules, most rules minus fewest, at the size where it is smallest",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Inputs of 50, 100 and 200 letters with patterns of 20, 40 and 50.", "arXiv:2410.04717, App. B.2"),
        Fact("How the accuracies differ between them could not be found.", "none"),
    ),
)
