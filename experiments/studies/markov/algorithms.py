"""Whole Markov algorithms and the number of rule lists seen (ours, after arXiv:2410.04717): claim and criterion.

The papers motivate their single rewriting step by Markov algorithms and run none; the question is ours. The criterion
was fixed before the results that it judges, and holds at every scale. Scores are exact match of the whole trace, up to
the end of the algorithm, at the end of each training run; one that diverged scores 0.

- A setting is fitted where the mean over seeds on fresh inputs to training's own lists is at least 0.9; one that is not
  is left out and named. Not fitted: the fewest lists or the most are not fitted.
- Effect: exact match on unseen lists (of rules whose sides are all unseen) and inputs to which a rule applies, at the
  most lists minus at the fewest, paired by seed.
- Reproduced: the effect's lower bound is at least 0.5. Not reproduced: its upper bound is below 0.5.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.

Measured but not judged: exact match of the first k steps of long runs, on seen and on unseen lists, also beyond the
steps of training; and the share of it that is kept from one step to the next.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import cells, contrast, spelt
from experiments.judging.frame import MODEL
from experiments.judging.statistics import Interval

KEYS = ["task.lists"]
SEEN, UNSEEN = "seen", "unseen"
APPLIED = "unseen/applied"
LEAST = 0.5


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/algorithms; RecordError where it is a table of something else."""
    seen, unseen = (cells(table, condition, KEYS) for condition in (SEEN, APPLIED))
    settings = sorted(unseen.scores)
    rows = [
        Row(spelt(s[0]), "not studied", {"unseen": unseen.mean(s), "seen": seen.mean(s)}, len(unseen.scores[s]))
        for s in settings
    ]
    what = f"Exact match on unseen lists, {spelt(settings[-1][0])} training lists minus {spelt(settings[0][0])},"
    judged = contrast(
        table,
        unseen.where(settings[-1:]),
        unseen.where(settings[:1]),
        seen,
        least=LEAST,
        name="{} lists",
        rows=rows,
        what=what,
    )
    return replace(judged, notes=(*judged.notes, *_kept(table, settings[-1])))


def steps_of(table: pl.DataFrame) -> list[int]:
    """The numbers of steps k for which the first k steps were scored."""
    found = (re.fullmatch(rf"{UNSEEN}/steps_(\d+)", name) for name in table.filter(learner=MODEL)["condition"].unique())
    return sorted(int(match.group(1)) for match in found if match)


def first_steps(table: pl.DataFrame, lists: str, setting: tuple) -> dict[int, tuple[Interval, list[float]]]:
    """Steps k to exact match of the first k on `lists` (seen, unseen): the mean with its interval, and each seed."""
    found = {k: cells(table, f"{lists}/steps_{k}", KEYS) for k in steps_of(table)}
    return {k: (of.mean(setting), list(of.scores[setting].values())) for k, of in found.items()}


def _kept(table: pl.DataFrame, most: tuple) -> list[str]:
    """How exact match falls from step to step at the most lists."""
    notes = []
    for lists in (SEEN, UNSEEN):
        found = {k: of.estimate for k, (of, _) in first_steps(table, lists, most).items()}
        falls = ", ".join(f"{score:.3f} at {k}" for k, score in found.items())
        (first, last), steps = (found[min(found)], found[max(found)]), max(found) - min(found)
        kept = f", {(last / first) ** (1 / steps):.3f} a step" if steps and first else ""
        notes.append(f"First k steps on {lists} lists, {spelt(most[0])} in training: {falls}{kept} (not judged).")
    return notes


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against the number of lists, and against steps at the most lists."""
    from experiments.judging import figures

    figure, (left, right) = figures.canvas((3, 2))
    seen, unseen = (cells(table, condition, KEYS) for condition in (SEEN, APPLIED))
    settings = sorted(unseen.scores)
    for place, (label, of) in enumerate({"unseen lists": unseen, "seen lists": seen}.items()):
        points = [list(of.scores[s].values()) for s in settings]
        means = [of.mean(s) for s in settings]
        figures.scores_with_seeds(left, [s[0] for s in settings], means, points, label, place)
    left.set(xlabel="rule lists in training", ylabel="exact match")
    left.legend()
    for place, lists in enumerate((UNSEEN, SEEN)):
        found = first_steps(table, lists, settings[-1])
        means, points = zip(*found.values(), strict=True)
        figures.scores_with_seeds(right, list(found), means, points, f"{lists} lists", place, log=False)
    right.set(xlabel="steps", title=f"first steps of long runs, {spelt(settings[-1][0])} lists")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/algorithms",
    question="How many rule lists must be seen before an unseen Markov algorithm is run, step by step?",
    title="Only-IF: Revealing the Decisive Effect of Instruction Diversity on Generalization",
    arxiv="2410.04717",
    where="motivated in section 2.1 and App. A; the question is ours",
    text=(
        "A model that has seen many rule lists runs an unseen one to its end, writing down each step; one "
        "that has seen few fits them as well and does not."
    ),
    setting="lists",
    effect="exact match of the whole trace on unseen lists, most training lists minus fewest",
    looked=(
        f"{SIZES} But those of the cpu scale were changed after three runs of the seeds reported, with longer traces, "
        "had not fitted training's own lists or had by a hair (to 0.84, 0.89 and 0.90 after 7,200, 10,000 and 12,000 "
        "steps); traces were shortened by looking at seeds 0 and 100. The criterion stayed."
    ),
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Markov algorithms, ordered lists of rules applied leftmost first until none applies or a stopping rule "
            "fires, are the motivation; the experiments apply one rule once.",
            "arXiv:2410.04717, section 2.1 and App. A",
        ),
        Fact("No experiment of the papers rewrites in several steps.", "our reading of arXiv:2410.04717"),
    ),
)
