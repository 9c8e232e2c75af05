"""Conjunctions are learnt in context, parities are not (arXiv:2310.03016, section 3, Table 1): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of prompts of held-out functions, at the end of each run; a run that diverged scores 0. The optimum is the exact
posterior of the sampler's own law, on the same prompts.

- Effect: the optimum minus the model, on conjunctions, paired by seed.
- Reproduced: the effect's upper bound is at most 0.03, and on parities the upper bound of the model's accuracy is at
  most 0.6 where the optimum's mean is at least 0.95.
- Not reproduced: the effect's lower bound is above 0.03, or on parities the lower bound of the model's accuracy is
  above 0.6.
- Inconclusive: anything else; and where there is one seed, a run is missing, runs ended at different steps, or parities
  cannot be solved from so few points.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row, Verdict
from experiments.judging.criteria import cells, difference, diverged, obstacle
from experiments.studies.boolean.common import ARXIV, FAMILY, TITLE, UNSEEN, draw_positions, optimum, spaced

KEYS = [FAMILY]
NEAR, CHANCE, SOLVABLE = 0.03, 0.6, 0.95
EASY, HARD = ("conjunction",), ("parity",)
PAPER = {"conjunction": "near-perfect", "majority": "above chance", "parity": "chance"}


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/curves; RecordError where it is a table of something else."""
    model = cells(table, UNSEEN, KEYS)
    best, names = optimum(table, KEYS)
    rows = [
        Row(spaced(s[0]), PAPER.get(s[0], ""), {"model": model.mean(s), "optimum": best.mean(s)}, len(of))
        for s, of in model.scores.items()
    ]
    notes = [f"Optimum: {', '.join(f'{name} for {s[0]}' for s, name in names.items())}.", *diverged(table, "{}")]
    missing = [s[0] for s in (EASY, HARD) if s not in model.scores]
    if missing:
        return Judgement(
            "inconclusive", None, 0, f"There are no runs of {', '.join(missing)}.", tuple(rows), tuple(notes)
        )
    effect = difference(best.where([EASY]), model.where([EASY]))
    seeds, parity = len(model.scores[EASY]), model.mean(HARD)
    bar = obstacle(table, model, "{}")
    if not bar and best.mean(HARD).estimate < SOLVABLE:
        bar = f"The optimum on parities is {best.mean(HARD).estimate:.3f}: too few points to solve them."
    if bar or effect is None:
        return Judgement("inconclusive", effect, seeds, bar, tuple(rows), tuple(notes))
    verdict: Verdict = "inconclusive"
    if effect.upper <= NEAR and parity.upper <= CHANCE:
        verdict = "reproduced"
    elif effect.lower > NEAR or parity.lower > CHANCE:
        verdict = "not reproduced"
    sentence = f"On conjunctions the model is {effect} below the optimum, on parities its accuracy is {parity}."
    return Judgement(verdict, effect, seeds, sentence, tuple(rows), tuple(notes))


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy by point for the model, the optimum and nearest neighbours, a panel for each family."""
    from experiments.judging import figures

    settings = list(cells(table, UNSEEN, KEYS).scores)
    _, names = optimum(table, KEYS)
    figure, panels = figures.canvas((1,) * len(settings))
    for panel, setting in zip(panels, settings, strict=True):
        learners = {"model": "model", names[setting]: "optimum", "nearest_neighbours": "nearest neighbours"}
        draw_positions(panel, table, KEYS, setting, learners)
    panels[0].set(ylabel="accuracy")
    panels[-1].legend(loc="lower right")
    figures.title(figure, table, judgement, "bars: 95 % intervals; thin: single seeds")
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/curves",
    question="Which classes of functions are learnt in context as well as can be?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 3, Table 1",
    text=(
        "A transformer learns to learn conjunctions in context nearly as well as the optimum, and does not learn "
        "parities at all, though the prompt determines them."
    ),
    setting="class",
    effect="accuracy at the last point on conjunctions, optimum minus model",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Near-perfect on conjunctions, disjunctions, CNF, DNF and nearest neighbour.", "reviews of the paper"),
        Fact("Above chance but imperfect on majority, 0-1 threshold and integer half-space.", "reviews of the paper"),
        Fact("At chance on parity of 20 variables and sparse parity (10, 2).", "reviews of the paper"),
    ),
)
