"""Rewriting expressions by identities with variables (Only-IF, arXiv:2410.04717, section 3): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match at the end
of each run; a run that diverged scores 0. A setting is a number of (specialised) rules and a number of rules of
diversification mixed in, which alone stand in expressions as deep as the deeper test's; the number of examples is the
same in all.

- A setting is fitted where the mean over seeds on the training set itself is at least 0.9; others are left out and
  named. Not fitted: one that a part below needs is not.
- Effect: exact match on unseen rules in expressions of the specialised rules' depth, most rules minus fewest, with the
  fewest rules of diversification (or none), paired by seed: the generalist.
- Reproduced: the effect's lower bound is at least 0.3, and so is that of the difference, with the fewest specialised
  rules, between the most rules of diversification and the fewest on those specialised rules in expressions deeper than
  they were trained in: the specialist.
- Not reproduced: the upper bound of one of the two is below 0.3.
- Inconclusive: anything else; and where there is one number of rules, or one of rules of diversification, there is one
  seed, a run is missing, or runs ended at different steps.

That the rules of diversification alone stand at the deeper test's depth in training is a choice of ours: what they
teach is both other rules and depth.

Measured but not judged: unseen rules in deeper expressions.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Setting, cells
from experiments.studies.markov.common import ARXIV, RULES, TITLE, TRAIN, Part, judge

KEYS = [RULES, "task.diverse_rules"]
UNSEEN, DEEPER = "unseen", "seen/deeper"
RISE = 0.3


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/abstraction; RecordError where it is a table of something else."""
    within, unseen, deeper = (cells(table, condition, KEYS) for condition in (TRAIN, UNSEEN, DEEPER))
    counts, diverse = (sorted({s[i] for s in unseen.scores}) for i in (0, 1))
    few, many, least, most = counts[0], counts[-1], diverse[0], diverse[-1]
    paper = {(many, least): "unseen gains", (few, most): "deeper gains", (many, most): "both gain"}
    rows = [
        Row(_name(s), paper.get(s, ""), {"unseen": unseen.mean(s), "deeper": deeper.mean(s)}, len(of))
        for s, of in unseen.scores.items()
    ]
    if few == many or least == most:
        why = "There must be two numbers of rules and two of rules of diversification."
        return Judgement("inconclusive", None, 0, why, tuple(rows))
    parts = [
        Part(
            f"Exact match on unseen rules, {many:,} rules minus {few:,} with {least:,} of diversification,",
            *(unseen.where([(n, least)]) for n in (many, few)),
            least=RISE,
        ),
        Part(
            f"Exact match of {few:,} rules in deeper expressions, {most:,} rules of diversification minus {least:,},",
            *(deeper.where([(few, n)]) for n in (most, least)),
            least=RISE,
        ),
    ]
    also = cells(table, "unseen/deeper", KEYS)
    found = "; ".join(f"{also.mean(s)} with {_name(s)}" for s in also.scores)
    notes = [f"Unseen rules in deeper expressions: {found} (not judged)."]
    return judge(table, parts, within, name="{} rules, {} of diversification", rows=rows, notes=notes)


def _name(setting: Setting) -> str:
    return f"{setting[0]:,} + {setting[1]:,}"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw unseen rules, and specialised rules in deeper expressions, for every setting."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    shown = {UNSEEN: "unseen rules", DEEPER: "specialised rules,\ndeeper than in training"}
    for panel, (condition, title) in zip(panels, shown.items(), strict=True):
        found = cells(table, condition, KEYS)
        for place, diverse in enumerate(sorted({s[1] for s in found.scores})[: len(figures.STYLES)]):
            of = [s for s in found.scores if s[1] == diverse]
            means, points = [found.mean(s) for s in of], [list(found.scores[s].values()) for s in of]
            figures.scores_with_seeds(
                panel, [s[0] for s in of], means, points, f"{diverse:,}" if diverse else "none", place
            )
        panel.set(xlabel="number of specialised rules", title=title)
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "rules of\ndiversification")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/abstraction",
    question="Do more identities with variables teach unseen ones, and a few of them in deeper expressions?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 3",
    text=(
        "A model that rewrites expressions by identities with variables does better on unseen identities the more it "
        "was trained on, at a fixed number of examples; and one trained on a few of them in shallow expressions does "
        "better on deeper ones the more other identities are mixed in."
    ),
    setting="rules + diverse",
    effect="exact match on unseen rules, most rules minus fewest, with the fewest rules of diversification",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "50,000 examples, 10, 20 or 40 rules, expressions of depth 3 and 4: unseen rules rise with their number.",
            "arXiv:2410.04717, section 3",
        ),
        Fact(
            "Accuracies of 0.33 to 0.80 are printed; which belongs to which setting could not be read.",
            "arXiv:2410.04717, section 3, figure",
        ),
        Fact(
            "Specialised to diversifying examples 49:1, 45:5 and 40:10, with 20 or 40 rules of diversification: a peak "
            "between (labels 0.16 to 0.40).",
            "arXiv:2410.04717, section 3, figure",
        ),
        Fact("The model is Mistral-7B-v0.3, fine-tuned; ours is trained from scratch.", "arXiv:2410.04717, section 3"),
    ),
)
