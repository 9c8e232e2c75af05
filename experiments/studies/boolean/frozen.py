"""A transformer whose blocks stay random (arXiv:2310.03016, section 5): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of prompts of held-out functions, at the end of each run; a run that diverged scores 0. The paper freezes a
pretrained GPT-2, with a random one as its control; this is the control.

- Effect: accuracy of trained blocks minus that of frozen random blocks, averaged over the classes and paired by seed.
- Reproduced: the effect's lower bound is at least 0.05. Not reproduced: its upper bound is below 0.05.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Setting, cells, contrast
from experiments.judging.wording import in_words
from experiments.studies.boolean.common import ARXIV, FAMILY, TITLE, UNSEEN, optimum, spaced

KEYS = [FAMILY, "model.frozen"]
LEAST = 0.05


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/frozen; RecordError where it is a table of something else."""
    model, (best, _) = cells(table, UNSEEN, KEYS), optimum(table, KEYS)
    rows = [
        Row(_name(s), "", {"model": model.mean(s), "optimum": best.mean(s)}, len(of)) for s, of in model.scores.items()
    ]
    trained, frozen = (model.where([s for s in model.scores if s[1] is kind]) for kind in (False, True))
    what = "Accuracy with trained blocks minus that with frozen random ones"
    judged = contrast(table, trained, frozen, None, least=LEAST, name="{0}, frozen {1}", rows=rows, what=what)
    return in_words(judged, {"frozen true": "frozen", "frozen false": "trained", "_": " "})


def _name(setting: Setting) -> str:
    return f"{spaced(setting[0])}, {'frozen' if setting[1] else 'trained'}"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy at the last point of trained and of frozen blocks, beside optimum and nearest neighbours."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    model = cells(table, UNSEEN, KEYS)
    neighbours = cells(table, UNSEEN, KEYS, learner="nearest_neighbours")
    settings = list(model.scores)
    series = {
        label: ([of.mean(s) for s in settings], [list(of.scores[s].values()) for s in settings])
        for label, of in {"model": model, "optimum": optimum(table, KEYS)[0], "nearest neighbours": neighbours}.items()
    }
    figures.bars(panel, [_name(s) for s in settings], series)
    panel.set(xlabel="accuracy at the last point")
    figures.legend_beside(panel, "")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/frozen",
    question="How much is learnt with blocks frozen at random weights?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 5",
    text="With its blocks frozen at random weights a transformer learns less in context than when trained whole.",
    setting="class, blocks",
    effect="accuracy at the last point, trained blocks minus frozen random blocks",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(Fact("A frozen pretrained GPT-2 does well, on nearest neighbour above all.", "reviews of the paper"),),
)
