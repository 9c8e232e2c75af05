"""Inputs to which the rule does not apply (Only-IF, arXiv:2410.04717, section 2.3.2, Fig. 2b): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match at the end
of each run, apart for inputs that hold the pattern (applied) and that do not (no-op); a run that diverged scores 0.
The no-op share is that of the training inputs; tests are all of one kind.

- A setting is fitted where the mean over seeds on the training set itself is at least 0.9; the others are left out
  and named. Not fitted: no setting of the fewest rules, or of the most, is, or not the smallest or the largest share
  with the most rules.
- Effect: exact match on unseen rules that apply, most rules minus fewest, averaged over the shares, paired by seed.
- Reproduced: the effect's lower bound is at least 0.5 (the step is there), and with the most rules the difference
  between the largest and the smallest share lies within 0.25 of zero with its whole interval (the share does not
  matter).
- Not reproduced: the effect's upper bound is below 0.5, or that difference's whole interval is outside.
- Inconclusive: anything else; and where there is one number of rules or one share, there is one seed, a run is
  missing, or runs ended at different steps.

Measured but not judged: no-op inputs of unseen rules.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Setting, cells
from experiments.studies.markov.common import ARXIV, RULES, TITLE, TRAIN, UNSEEN, Part, judge

KEYS = ["task.noop_rate", RULES]
NOOP = "unseen/noop"
RISE = 0.5
NEAR = 0.25
PAPER_ENOUGH = 400  # rules from which the paper's models generalise with no-op inputs


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/noop; RecordError where it is a table of something else."""
    within, applied, noop = (cells(table, condition, KEYS) for condition in (TRAIN, UNSEEN, NOOP))
    rows = [
        Row(_name(s), _paper_says(s), {"applied": applied.mean(s), "no-op": noop.mean(s)}, len(of))
        for s, of in applied.scores.items()
    ]
    shares, counts = (sorted({s[i] for s in applied.scores}) for i in (0, 1))
    if len(shares) < 2 or len(counts) < 2:
        return Judgement(
            "inconclusive", None, 0, "There must be two no-op shares and two numbers of rules.", tuple(rows)
        )
    fewest, most = ([s for s in applied.scores if s[1] == n] for n in (counts[0], counts[-1]))
    what = "Exact match on unseen rules that apply"
    parts = [
        Part(
            f"{what}, {counts[-1]:,} rules minus {counts[0]:,},",
            applied.where(most),
            applied.where(fewest),
            least=RISE,
        ),
        Part(
            f"{what}, a no-op share of {shares[-1]:g} minus {shares[0]:g} with {counts[-1]:,} rules,",
            applied.where([s for s in most if s[0] == shares[-1]]),
            applied.where([s for s in most if s[0] == shares[0]]),
            least=-NEAR,
            most=NEAR,
        ),
    ]
    return judge(table, parts, within, name="no-op share {}, {} rules", rows=rows)


def _name(setting: Setting) -> str:
    share, rules = setting
    return f"{share:.0%}, {rules:,} rules"


def _paper_says(setting: Setting) -> str:
    return "generalises" if setting[1] >= PAPER_ENOUGH else "does not"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match on unseen rules against the number of rules for up to three no-op shares, each kind apart."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    for panel, condition, title in zip(
        panels, (UNSEEN, NOOP), ("unseen rules, applied", "unseen rules, no-op"), strict=True
    ):
        found = cells(table, condition, KEYS)
        shares = sorted({s[0] for s in found.scores})
        for place, share in enumerate(dict.fromkeys((shares[0], shares[len(shares) // 2], shares[-1]))):
            of = [s for s in found.scores if s[0] == share]
            means, points = [found.mean(s) for s in of], [list(found.scores[s].values()) for s in of]
            figures.scores_with_seeds(panel, [s[1] for s in of], means, points, f"{share:.0%}", place)
        panel.set(xlabel="number of rules", title=title)
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "no-op share\nin training")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/noop",
    question="Do inputs to which no rule applies change how many rules are needed?",
    title=TITLE,
    arxiv=ARXIV,
    where="Fig. 2b, section 2.3.2",
    text=(
        "With inputs among the training examples to which the rule does not apply, unseen rules are applied from "
        "some number of training rules on, whatever the share of such inputs."
    ),
    setting="no-op share",
    effect="exact match on unseen rules that apply, most rules minus fewest, averaged over no-op shares",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("With 10 to 50 % no-op inputs models generalise from about 400 rules.", "arXiv:2410.04717, section 2.3.2"),
        Fact("Past that the share of no-op inputs has no material effect.", "arXiv:2410.04717, section 2.3.2"),
        Fact("The accuracies behind Fig. 2b are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 2b"),
    ),
)
