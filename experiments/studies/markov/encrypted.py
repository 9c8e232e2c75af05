"""Encrypted rewriting (arXiv:2402.10891, section 5; arXiv:2405.19787): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match on unseen
rules at the end of each run, apart for inputs that hold the pattern (applied) and that do not (no-op); a run that
diverged scores 0.

- A number of rules is fitted where the mean over seeds on the training set itself is at least 0.9. Not fitted: the
  fewest rules or the most are not.
- Effect: exact match on unseen rules that apply, most rules minus fewest, paired by seed.
- Reproduced: the effect's lower bound is at least 0.3 (unseen rules are applied and enciphered), and with the fewest
  rules no-op minus applied is at least 0.5 with its whole interval (only the no-op cases are solved), and no-op with
  the most rules minus with the fewest at least -0.25 (those still are).
- Not reproduced: the whole interval of one of these is below its bound.
- Inconclusive: anything else; and where there is one number of rules, there is one seed, a run is missing, or runs
  ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import cells
from experiments.studies.markov.common import RULES, TRAIN, UNSEEN, Part, judge

NOOP = "unseen/noop"
RISE = 0.3
GAP = 0.5
NEAR = 0.25


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/encrypted; RecordError where it is a table of something else."""
    within, applied, noop = (cells(table, condition, [RULES]) for condition in (TRAIN, UNSEEN, NOOP))
    fewest, most = min(applied.scores), max(applied.scores)
    paper = {fewest: "no-op only", most: "both"}
    rows = [
        Row(f"{s[0]:,}", paper.get(s, ""), {"applied": applied.mean(s), "no-op": noop.mean(s)}, len(of))
        for s, of in applied.scores.items()
    ]
    if fewest == most:
        return Judgement("inconclusive", None, 0, "There must be two numbers of rules.", tuple(rows))
    few, many = f"{fewest[0]:,} rules", f"{most[0]:,} rules"
    what = "Exact match on unseen rules"
    parts = [
        Part(f"{what} that apply, {many} minus {few},", applied.where([most]), applied.where([fewest]), least=RISE),
        Part(f"{what} with {few}, no-op minus applied,", noop.where([fewest]), applied.where([fewest]), least=GAP),
        Part(f"{what} in no-op cases, {many} minus {few},", noop.where([most]), noop.where([fewest]), least=-NEAR),
    ]
    return judge(table, parts, within, name="{} rules", rows=rows)


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against the number of rules, applied and no-op, on unseen rules and on seen ones."""
    from experiments.judging import figures

    figure, panels = figures.canvas((1, 1))
    for panel, rules in zip(panels, ("unseen", "seen"), strict=True):
        for place, (kind, label) in enumerate({"applied": "applied and\nenciphered", "noop": "no-op"}.items()):
            found = cells(table, f"{rules}/{kind}", [RULES])
            means, points = [found.mean(s) for s in found.scores], [list(of.values()) for of in found.scores.values()]
            figures.scores_with_seeds(panel, [s[0] for s in found.scores], means, points, label, place)
        panel.set(xlabel="number of rules", title=f"{rules} rules")
    panels[0].set(ylabel="exact match")
    figures.legend_beside(panels[1], "inputs")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/encrypted",
    question="Is it the same where the result must also be enciphered?",
    title="Instruction Diversity Drives Generalization To Unseen Tasks",
    arxiv="2402.10891",
    where="section 5",
    text=(
        "Where what is put in must also be enciphered, a model trained on few rules solves only the inputs that are to "
        "be copied; trained on more rules it also replaces and enciphers by rules that it has not seen."
    ),
    setting="rules",
    effect="exact match on unseen rules that apply, most rules minus fewest",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Few rules: only no-op cases are solved. More rules: both.", "notes on arXiv:2405.19787"),
        Fact("40,000 training sequences, 5,000 for testing, 40 % of them no-op.", "arXiv:2402.10891, section 5"),
        Fact(
            "The model is Llama-2-7B, fine-tuned by LoRA; ours is trained from scratch.", "arXiv:2402.10891, section 5"
        ),
        Fact("Cipher, rule counts and accuracies could not be found; the cipher is ours.", "none"),
    ),
)
