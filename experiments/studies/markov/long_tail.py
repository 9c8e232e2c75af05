"""A long tail of rules (Only-IF, arXiv:2410.04717, section 2.3.3, Fig. 3): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match on unseen
rules (no no-op inputs) at the end of each run; a run that diverged scores 0. The number of training examples is the
same for every setting; their share of rule r of I is ((r+1)/I)^a - (r/I)^a for shape a, so 1 is even and less is
peaked.

- A setting is fitted where the mean over seeds on the training set itself is at least 0.9; the others are left out
  and named. Not fitted: one of the four settings below is not.
- Effect: with the fewest rules, the score at shape 1 minus that at the smallest shape, paired by seed.
- Reproduced: the effect's lower bound is at least 0.25 (few rules lose much), and with the most rules the upper bound
  of the same difference is at most 0.25 (many rules are robust).
- Not reproduced: the effect's upper bound is below 0.25, or with the most rules the lower bound is above 0.25.
- Inconclusive: anything else; and where shape 1 or a second number of rules was not run, there is one seed, a run is
  missing, or runs ended at different steps.

Measured but not judged: the effective number of rules (the exponential of the entropy of their shares) beside every
score, and the least of them at which unseen exact match is 0.5.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, Setting, cells
from experiments.studies.markov.common import ARXIV, RULES, TITLE, TRAIN, UNSEEN, Part, judge
from experiments.studies.markov.effective import BARELY_SEEN, effective_rules, rules_with_share

KEYS = [RULES, "task.rule_power"]
EVEN = 1.0
COLLAPSE = 0.25
ROBUST = 0.25
HALF = 0.5
PAPER_COLLAPSES = 0.2  # the shape below which the paper's 1,000 rules no longer suffice


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/long_tail; RecordError where it is a table of something else."""
    within, unseen = cells(table, TRAIN, KEYS), cells(table, UNSEEN, KEYS)
    rows = [
        Row(_name(s), _paper_says(s), {"unseen": unseen.mean(s), "train": within.mean(s)}, len(of))
        for s, of in unseen.scores.items()
    ]
    notes = [_effective(unseen), _least(unseen)]
    counts, peaked = sorted({s[0] for s in unseen.scores}), min(s[1] for s in unseen.scores)
    if len(counts) < 2 or peaked >= EVEN or any((n, a) not in unseen.scores for n in counts for a in (EVEN, peaked)):
        why = f"There must be two numbers of rules, each at shape {EVEN:g} and at a smaller one."
        return Judgement("inconclusive", None, 0, why, tuple(rows), tuple(notes))
    parts = [
        Part(
            f"Exact match on unseen rules lost from shape {EVEN:g} to {peaked:g} with {n:,} rules",
            unseen.where([(n, EVEN)]),
            unseen.where([(n, peaked)]),
            **bound,
        )
        for n, bound in ((counts[0], {"least": COLLAPSE}), (counts[-1], {"most": ROBUST}))
    ]
    return judge(table, parts, within, name="{} rules of shape {}", rows=rows, notes=notes)


def _name(setting: Setting) -> str:
    rules, shape = setting
    return f"{rules:,}, shape {shape:g} ({effective_rules(shape, rules):,.0f})"


def _paper_says(setting: Setting) -> str:
    rules, shape = setting
    if rules >= 10_000:
        return "robust"
    return "" if rules != 1000 else "collapses" if shape < PAPER_COLLAPSES else "generalises"


def _effective(found: Cells) -> str:
    """A note on the rules that are barely seen at every setting."""
    said = [f"{rules_with_share(a, n):,} of {n:,} at shape {a:g}" for n, a in found.scores]
    return f"Rules with {BARELY_SEEN:.1%} of the examples or more: {'; '.join(said)}."


def _least(found: Cells) -> str:
    """A note on the setting with the fewest effective rules that still generalises, and the most that does not."""
    score = {effective_rules(a, n): found.mean((n, a)).estimate for n, a in found.scores}
    above, below = ([n for n, mean in score.items() if (mean >= HALF) is high] for high in (True, False))
    fewest = f"{min(above):,.0f}" if above else "none"
    most = f"{max(below):,.0f}" if below else "none"
    return (
        f"Effective rules (exponential of the entropy): fewest at which unseen rules reach {HALF}: {fewest}; most at "
        f"which they do not: {most} (not judged)."
    )


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match on unseen rules against the shape and against the effective number of rules."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    unseen = cells(table, UNSEEN, KEYS)
    for place, rules in enumerate(sorted({s[0] for s in unseen.scores})[: len(figures.STYLES)]):
        of = [s for s in unseen.scores if s[0] == rules]
        means, points = [unseen.mean(s) for s in of], [list(unseen.scores[s].values()) for s in of]
        against = ([a for _, a in of], [effective_rules(a, n) for n, a in of])
        for panel, x in zip(panels, against, strict=True):
            figures.scores_with_seeds(panel, x, means, points, f"{rules:,}", place)
    panels[0].set_xticks(sorted({a for _, a in unseen.scores}))
    panels[0].xaxis.set_major_formatter("{x:g}")
    panels[0].set(xlabel="shape of the power law (1: even)", ylabel="exact match on unseen rules")
    panels[1].set_xticks([10**n for n in range(1, 6)])
    panels[1].set(xlabel="effective number of rules")
    figures.legend_beside(panels[1], "rules")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/long_tail",
    question="What if a few rules have most of the examples?",
    title=TITLE,
    arxiv=ARXIV,
    where="Fig. 3, section 2.3.3",
    text=(
        "Where a few rules have most of the examples, a model trained on few rules no longer applies unseen ones, and "
        "one trained on many still does."
    ),
    setting="rules (in effect)",
    effect="exact match on unseen rules with the fewest rules, even shares minus the most peaked",
    looked="Sizes and the least collapse (0.25; first 0.5) were chosen by looking at seed 0, which is not reported.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("10,000 and 100,000 rules are robust at every shape down to 0.03.", "arXiv:2410.04717, section 2.3.3"),
        Fact("1,000 rules collapse where the shape is smaller than 0.2.", "arXiv:2410.04717, section 2.3.3"),
        Fact("Rules with less than 0.1 % of the examples are barely seen.", "arXiv:2402.10891, section 4.4"),
        Fact("The accuracies behind Fig. 3 are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 3"),
    ),
)
