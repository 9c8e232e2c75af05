"""How often the pattern stands in the input (P1, arXiv:2402.10891, section 4.5, Table 1): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match on unseen
rules at the end of each run, on inputs in which the pattern stands any number of times that fits, each equally often
(the paper does not say what it tests on; that varied training was best at every number of rules, and one occurrence
worse than ten, speaks for a mix); only the leftmost is replaced. A run that diverged scores 0.

- A setting is fitted where the mean over seeds on the training set itself is at least 0.9; the others are left out
  and named. Not fitted: one side of a difference below has no setting left.
- Effect: exact match trained on mixed occurrences minus trained on a fixed number of them, averaged over the fixed
  numbers and over all numbers of rules but the fewest, paired by seed.
- Reproduced: the effect's lower bound is at least 0.1 (variety helps), and trained on mixed occurrences the score at
  the most rules minus that at the fewest has a lower bound of at least 0.5 (it does not replace rules).
- Not reproduced: one of the two upper bounds is below 0.1 or 0.5.
- Inconclusive: anything else; and where mixed or fixed occurrences, or a second number of rules, were not run, there
  is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Setting, cells
from experiments.studies.markov.common import MIXED, RULES, TITLE, TRAIN, Part, judge

KEYS = ["task", RULES]
VARIED = "markov_occurs_mixed"
FIXED = re.compile(r"markov_occurs_(\d+)")
HELPS = 0.1
RISE = 0.5
# Accuracy by occurrences in training (0: mixed) and number of rules; the rows for 5 and 15 could not be found.
PAPER = {
    1: {2000: 0.71, 1000: 0.41, 500: 0.0, 200: 0.0},
    10: {2000: 0.88, 1000: 0.71, 500: 0.0, 200: 0.0},
    20: {2000: 0.73, 1000: 0.28, 500: 0.07, 200: 0.0},
    0: {2000: 0.94, 1000: 0.94, 500: 0.62, 200: 0.0},
}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/occurrences; RecordError where it is a table of something else."""
    within, mixed = cells(table, TRAIN, KEYS), cells(table, MIXED, KEYS)
    order = sorted(mixed.scores, key=lambda s: (_occurrences(s), s[1]))
    rows = [
        Row(_name(s), _paper_says(s), {"unseen": mixed.mean(s), "train": within.mean(s)}, len(mixed.scores[s]))
        for s in order
    ]
    counts = sorted({rules for _, rules in order})
    varied, fixed = ([s for s in order if (s[0] == VARIED) is many] for many in (True, False))
    more = [s for s in varied if s[1] != counts[0]], [s for s in fixed if s[1] != counts[0]]
    if len(counts) < 2 or not all(more):
        why = "There must be mixed and fixed occurrences, each at two numbers of rules."
        return Judgement("inconclusive", None, 0, why, tuple(rows))
    parts = [
        Part(
            f"Exact match on unseen rules at more than {counts[0]:,} rules, trained on mixed occurrences minus fixed,",
            *(mixed.where(side) for side in more),
            least=HELPS,
        ),
        Part(
            f"Exact match on unseen rules trained on mixed occurrences, {counts[-1]:,} rules minus {counts[0]:,},",
            *(mixed.where([s for s in varied if s[1] == n]) for n in (counts[-1], counts[0])),
            least=RISE,
        ),
    ]
    return judge(table, parts, within, name="{}, {} rules", rows=rows)


def _occurrences(setting: Setting) -> int:
    """The number of occurrences in training, 0 where they are mixed."""
    found = FIXED.fullmatch(setting[0])
    return int(found[1]) if found else 0


def _name(setting: Setting) -> str:
    return f"{_law(_occurrences(setting))}, {setting[1]:,} rules"


def _law(occurrences: int) -> str:
    return f"{occurrences}" if occurrences else "mixed"


def _paper_says(setting: Setting) -> str:
    score = PAPER.get(_occurrences(setting), {}).get(setting[1])
    return "" if score is None else f"{score:.2f}"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against the number of rules, for mixed occurrences and up to three fixed numbers of them."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    titles = {MIXED: "unseen rules, any number of occurrences", TRAIN: "training set"}
    for panel, (condition, title) in zip(panels, titles.items(), strict=True):
        found = cells(table, condition, KEYS)
        fixed = sorted({_occurrences(s) for s in found.scores} - {0})
        for place, law in enumerate(dict.fromkeys((0, fixed[0], fixed[len(fixed) // 2], fixed[-1]))):
            of = [s for s in found.scores if _occurrences(s) == law]
            means, points = [found.mean(s) for s in of], [list(found.scores[s].values()) for s in of]
            figures.scores_with_seeds(panel, [s[1] for s in of], means, points, _law(law), place)
        panel.set(xlabel="number of rules", title=title)
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "occurrences\nin training")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/occurrences",
    question="Does it help to vary how often the pattern stands in the input?",
    title=TITLE,
    arxiv="2402.10891",
    where="section 4.5, Table 1 of its first version",
    text=(
        "Inputs in which the pattern stands a varied number of times help to apply unseen rules more than a fixed "
        "number does on average, but do not make up for too few rules."
    ),
    setting="occurrences in training",
    effect="exact match on unseen rules, mixed occurrences in training minus fixed, above the fewest rules",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Mixed occurrences score 0.94, 0.94, 0.62 and 0 at 2,000, 1,000, 500 and 200 rules; one occurrence 0.71, "
            "0.41, 0 and 0; ten 0.88, 0.71, 0 and 0; twenty 0.73, 0.28, 0.07 and 0.",
            "a course note quoting arXiv:2402.10891, Table 1",
        ),
        Fact("The mix is of 1, 5, 10, 15 and 20; what is tested on is not stated.", "the same"),
    ),
)
