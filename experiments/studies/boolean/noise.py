"""Label noise in training (arXiv:2310.03016, appendix): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of noise-free prompts of held-out functions, at the end of each run; a run that diverged scores 0.

- Effect: accuracy without noise in training minus accuracy with one label in ten flipped, paired by seed.
- Reproduced: the effect's upper bound is at most 0.05. Not reproduced: its lower bound is above 0.05.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row, Verdict
from experiments.judging.criteria import cells, difference, diverged, obstacle
from experiments.studies.boolean.common import ARXIV, TITLE, UNSEEN, optimum

KEYS = ["task.noise_rate"]
NONE, SOME = (0.0,), (0.1,)
NEAR = 0.05


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/noise; RecordError where it is a table of something else."""
    model, (best, _) = cells(table, UNSEEN, KEYS), optimum(table, KEYS)
    rows = [
        Row(f"{s[0]:g}", "robust" if s[0] else "", {"model": model.mean(s), "optimum": best.mean(s)}, len(of))
        for s, of in model.scores.items()
    ]
    notes = diverged(table, "noise {}")
    if NONE not in model.scores or SOME not in model.scores:
        return Judgement("inconclusive", None, 0, "There must be runs at noise 0 and 0.1.", tuple(rows), tuple(notes))
    effect, seeds = difference(model.where([NONE]), model.where([SOME])), len(model.scores[SOME])
    bar = obstacle(table, model, "noise {}")
    if bar or effect is None:
        return Judgement("inconclusive", effect, seeds, bar, tuple(rows), tuple(notes))
    verdict: Verdict = "inconclusive"
    if effect.upper <= NEAR:
        verdict = "reproduced"
    elif effect.lower > NEAR:
        verdict = "not reproduced"
    sentence = f"One label in ten flipped in training costs {effect}; robust means {NEAR} or less."
    return Judgement(verdict, effect, seeds, sentence, tuple(rows), tuple(notes))


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy at the last point against the noise in training, beside the optimum."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    for place, (label, of) in enumerate(
        {"model": cells(table, UNSEEN, KEYS), "optimum": optimum(table, KEYS)[0]}.items()
    ):
        x = [s[0] for s in of.scores]
        points = [list(scores.values()) for scores in of.scores.values()]
        figures.scores_with_seeds(panel, x, [of.mean(s) for s in of.scores], points, label, place, log=False)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set(xlabel="share of labels flipped in training", ylabel="accuracy at the last point")
    panel.legend()
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/noise",
    question="Does learning in context survive flipped labels in training?",
    title=TITLE,
    arxiv=ARXIV,
    where="appendix",
    text="A transformer trained on prompts with flipped labels still learns conjunctions in context.",
    setting="noise",
    effect="accuracy at the last point, without noise in training minus with one label in ten flipped",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(Fact("Robust to label noise; the rates could not be found.", "a summary of the paper"),),
)
