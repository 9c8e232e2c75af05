"""Rules of restricted families (Only-IF, arXiv:2410.04717, section 2.3.4, Fig. 4): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match on unseen
rules without any constraint (k = 1; training has larger k alone) at the end of each run; a run that diverged scores 0.
Training is on rules of one family (repeated, periodic or mirrored patterns), of two or of all three.

- A setting is fitted where the mean over seeds on the training set itself is at least 0.9; the others are left out
  and named. Not fitted: one side of a difference below has no setting left.
- Effect: at the most rules, three families minus one or two, averaged over the mixtures and the ranges of k, paired by
  seed.
- Reproduced: the effect's lower bound is at least 0.1 (variety of kinds is needed), and of three families the score at
  the most rules minus that at the fewest has a lower bound of at least 0.1 (and so are many rules).
- Not reproduced: one of the two upper bounds is below 0.1.
- Inconclusive: anything else; and where three families and fewer, or a second number of rules, were not run, there is
  one seed, a run is missing, or runs ended at different steps.

Measured but not judged: one family and two families apart; and unseen rules of each family with k = 2, a step towards
no constraint where training has larger k alone.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, Setting, cells
from experiments.studies.markov.common import ARXIV, RULES, TITLE, TRAIN, UNSEEN, Part, judge

KEYS = ["task", "task.max_k", RULES]
FREE = "unseen/plain"
FAMILIES = ("repeated", "periodic", "mirrored")
ALL = "markov_three_families"
LEAST = 0.1
LOWER = 2  # the largest k that is tested apart, where training may have larger k alone
PAPER_TOO_FEW = 500  # rules up to which the paper's three families do not reach k below 3
COUNTED = {1: "one family", 2: "two families", 3: "three families"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/families; RecordError where it is a table of something else."""
    within, own, free = (cells(table, condition, KEYS) for condition in (TRAIN, UNSEEN, FREE))
    order = sorted(free.scores, key=lambda s: (_families(s), s))
    ranges = len({s[1] for s in order}) > 1
    rows = [
        Row(
            _name(s, ranges=ranges),
            _paper_says(s),
            {"unconstrained": free.mean(s), "own kinds": own.mean(s)},
            len(free.scores[s]),
        )
        for s in order
    ]
    counts = sorted({s[2] for s in order})
    three, fewer = ([s for s in order if (_families(s) == 3) is all_of_them] for all_of_them in (True, False))
    notes = [note for number in (1, 2) if (note := _mean(free, number, counts[-1]))]
    notes += _lower(table, counts[-1])
    if len(counts) < 2 or not three or not fewer:
        why = "There must be three families and fewer, and two numbers of rules."
        return Judgement("inconclusive", None, 0, why, tuple(rows), tuple(notes))
    what = "Exact match on unconstrained rules"
    parts = [
        Part(
            f"{what}, three families minus fewer at {counts[-1]:,} rules,",
            *(free.where([s for s in side if s[2] == counts[-1]]) for side in (three, fewer)),
            least=LEAST,
        ),
        Part(
            f"{what}, three families, {counts[-1]:,} rules minus {counts[0]:,},",
            *(free.where([s for s in three if s[2] == n]) for n in (counts[-1], counts[0])),
            least=LEAST,
        ),
    ]
    return judge(table, parts, within, name="{}, k to {}, {} rules", rows=rows, notes=notes)


def _families(setting: Setting) -> int:
    """How many families training is of."""
    return 3 if setting[0] == ALL else sum(name in setting[0] for name in FAMILIES)


def _name(setting: Setting, *, ranges: bool) -> str:
    """The families, the largest k where `ranges` of it differ, and the number of rules."""
    task, most, rules = setting
    families = "all three" if task == ALL else " + ".join(name for name in FAMILIES if name in task)
    return f"{families}{f', k to {most}' if ranges else ''}, {rules:,}"


def _paper_says(setting: Setting) -> str:
    return "reaches k < 3" if _families(setting) == 3 and setting[2] > PAPER_TOO_FEW else "does not"


def _mean(free: Cells, number: int, rules: int) -> str:
    """A note on the mean over the mixtures of `number` families at `rules` rules; empty where there is none."""
    of = [free.mean(s).estimate for s in free.scores if _families(s) == number and s[2] == rules]
    return f"Mean of {COUNTED[number]} at {rules:,} rules: {sum(of) / len(of):.3f} (not judged)." if of else ""


def _lower(table: pl.DataFrame, rules: int) -> list[str]:
    """A note on unseen rules of k = 2 at `rules` rules, of every number of families trained on larger k alone."""
    if not (table["task.max_k"] > LOWER).all():
        return []
    names = [f"unseen/{family}/k_2" for family in FAMILIES]
    found = [cells(table, name, KEYS) for name in names if name in set(table["condition"])]
    parts = []
    for number, words in COUNTED.items():
        of = [c.mean(s).estimate for c in found for s in c.scores if _families(s) == number and s[2] == rules]
        parts += [f"{sum(of) / len(of):.3f} of {words}"] if of else []
    return [f"Unseen rules of k = {LOWER} at {rules:,} rules: {', '.join(parts)} (not judged)."] if parts else []


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw unconstrained rules, and unseen rules of the training's own kinds, against the number of rules."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    titles = {FREE: "unseen rules, unconstrained", UNSEEN: "unseen rules of the kinds in training"}
    for panel, (condition, title) in zip(panels, titles.items(), strict=True):
        found = cells(table, condition, KEYS)
        x = sorted({s[2] for s in found.scores})
        for place, (number, label) in enumerate(COUNTED.items()):
            groups = [[s for s in found.scores if _families(s) == number and s[2] == rules] for rules in x]
            if not all(groups):
                continue
            means = [found.where(group).by_seed() for group in groups]
            points = [list(of.values()) for of in means]
            whole = [Cells({(n,): of}, found.examples).mean((n,)) for n, of in zip(x, means, strict=True)]
            figures.scores_with_seeds(panel, x, whole, points, label, place)
        panel.set(xlabel="number of rules", title=title)
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "in training\n(mean of all)")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/families",
    question="Do many rules of a few restricted kinds teach rules of any kind?",
    title=TITLE,
    arxiv=ARXIV,
    where="Fig. 4, section 2.3.4",
    text=(
        "Trained on rules of one restricted family, or of two, a model applies rules outside less than when trained on "
        "three, and there the more the more rules there are."
    ),
    setting="families, rules",
    effect="exact match on unconstrained rules at the most rules, three families minus one or two",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("One family does not transfer to lower k.", "arXiv:2402.10891, section 4.3"),
        Fact("Two families mixed do not either; three mixed do.", "reading notes on arXiv:2405.19787"),
        Fact(
            "Of three families 500 rules or fewer never reach k below 3, and more rules help.",
            "arXiv:2410.04717, Fig. 4",
        ),
        Fact("The accuracies behind Fig. 4 are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 4"),
    ),
)
