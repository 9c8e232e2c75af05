"""A transformer is no minimum-degree interpolator (RASP-L, arXiv:2310.16028, section 4, App. D): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Training holds the last bits at 1;
scores are exact match on strings of which half have their only 0 among those bits, at the end of each run; a run that
diverged scores 0. The interpolator of least degree profile is computed from the training points and scored on the same
strings.

- A setting (how many bits are held) is fitted where the mean over seeds on the training law is at least 0.9; the others
  are left out and named. Not fitted: none is.
- Effect: exact match of the transformer minus that of the interpolator, averaged over settings and paired by seed.
- Reproduced: the effect's lower bound is at least 0.4 (the interpolator can be right on half only). Not reproduced: its
  upper bound is below 0.4.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import cells, contrast
from experiments.studies.rasp.common import ARXIV, TITLE, WITHIN

KEYS = ["task.fixed"]
VARIED = "varied"
INTERPOLATOR = "min_degree"
LEAST = 0.4


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/and; RecordError where it is a table of something else."""
    within, model = (cells(table, condition, KEYS) for condition in (WITHIN, VARIED))
    interpolator = cells(table, VARIED, KEYS, learner=INTERPOLATOR)
    rows = [
        Row(
            str(s[0]),
            "1.00 / errs",
            {"transformer": model.mean(s), "interpolator": interpolator.mean(s)},
            len(model.scores[s]),
        )
        for s in model.scores
    ]
    what = "Exact match where held bits vary, transformer minus minimum-degree interpolator,"
    return contrast(table, model, interpolator, within, least=LEAST, name="{} held bits", rows=rows, what=what)


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw the transformer's and the interpolator's scores for every number of held bits."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    found = {
        "transformer": cells(table, VARIED, KEYS),
        "minimum-degree interpolator": cells(table, VARIED, KEYS, learner=INTERPOLATOR),
        "transformer, on the training law": cells(table, WITHIN, KEYS),
    }
    settings = list(found["transformer"].scores)
    series = {
        name: ([of.mean(s) for s in settings], [list(of.scores[s].values()) for s in settings])
        for name, of in found.items()
    }
    figures.bars(panel, [f"{s[0]} bits held at 1" for s in settings], series)
    figures.legend_beside(panel, "only 0 among the held bits")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/and",
    question="Does a transformer err where the minimum-degree interpolator does?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 4, App. D",
    text=(
        "Trained on the AND of 20 bits with the last five always 1, a transformer is right where those five vary; the "
        "interpolator of minimum degree profile ignores them and errs."
    ),
    setting="bits held at 1",
    effect="exact match where the held bits vary, transformer minus minimum-degree interpolator",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "The transformer is right on all of the varied test.",
            "arXiv:2310.16028, section 4, as formalised by others",
        ),
        Fact(
            "The interpolator cannot depend on a coordinate that training holds constant.",
            "arXiv:2310.16028, Lemma 4.1",
        ),
    ),
)
