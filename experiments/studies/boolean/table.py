"""Architectures and classes of functions (arXiv:2310.03016, Table 1): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of prompts of held-out functions, at the end of each run; a run that diverged scores 0.

- Effect: on the nearest-neighbour class, accuracy of attention minus the mean over its rivals, paired by seed.
- Reproduced: the effect's lower bound is at least 0.05. Not reproduced: its upper bound is below 0.05.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.

Measured but not judged: every architecture on every class, beside the optimum.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, cells, contrast
from experiments.judging.wording import in_words
from experiments.studies.boolean.common import ARXIV, FAMILY, TITLE, UNSEEN, optimum, spaced

KEYS = [FAMILY, "model.mixer"]
LEAST = 0.05
CLASS, ATTENTION = "nearest_neighbour", "attention"


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/table; RecordError where it is a table of something else."""
    model, (best, _) = cells(table, UNSEEN, KEYS), optimum(table, KEYS)
    rows = [
        Row(f"{spaced(s[0])}, {s[1]}", "", {"model": model.mean(s), "optimum": best.mean(s)}, len(of))
        for s, of in model.scores.items()
    ]
    attention = model.where([s for s in model.scores if s == (CLASS, ATTENTION)])
    rivals = model.where([s for s in model.scores if s[0] == CLASS and s[1] != ATTENTION])
    what = "Accuracy on nearest neighbour, attention minus the mean of its rivals,"
    judged = contrast(table, attention, rivals, None, least=LEAST, name="{0}, {1}", rows=rows, what=what)
    judged = in_words(judged, {"_": " "})
    return replace(judged, notes=(*judged.notes, *_elsewhere(model)))


def _elsewhere(model: Cells) -> list[str]:
    """A note for every other class on how attention stands among its rivals."""
    notes = []
    for family in dict.fromkeys(s[0] for s in model.scores if s[0] != CLASS):
        means = {s[1]: model.estimate(s) for s in model.scores if s[0] == family}
        own = means.pop(ATTENTION, None)
        if own is not None and means:
            above = sum(mean > own for mean in means.values())
            rest = (
                f"{min(means.values()):.3f} to {max(means.values()):.3f} of its rivals, {above} of {len(means)} above"
            )
            notes.append(f"On {spaced(family)}: {own:.3f} of attention, {rest} (not judged).")
    return notes


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw every architecture on every class, a panel for each class, with the optimum as a line."""
    from experiments.judging import figures

    model, (best, _) = cells(table, UNSEEN, KEYS), optimum(table, KEYS)
    families = list(dict.fromkeys(s[0] for s in model.scores))
    figure, panels = figures.canvas((1,) * len(families), share=False)
    for panel, family in zip(panels, families, strict=True):
        settings = [s for s in model.scores if s[0] == family]
        series = {"": ([model.mean(s) for s in settings], [list(model.scores[s].values()) for s in settings])}
        figures.bars(panel, [s[1] if panel is panels[0] else "" for s in settings], series)
        panel.axvline(best.mean(settings[0]).estimate, color="0.3", ls="--", lw=1)
        panel.set(title=family.replace("_", "\n"), xlabel="accuracy", xlim=(0.4, 1.03), xticks=[0.5, 0.75, 1.0])
    figures.title(figure, table, judgement, "dashed: the optimum; bars: 95 % intervals; hollow: single seeds")
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/table",
    question="Do other sequence layers learn in context what attention learns?",
    title=TITLE,
    arxiv=ARXIV,
    where="Table 1",
    text=(
        "Other sequence layers learn what attention learns, a little worse, but fall behind it where the label is "
        "that of the nearest neighbour."
    ),
    setting="class, layer",
    effect="accuracy at the last point on nearest neighbour, attention minus the mean of its rivals",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("Nearest neighbour: transformer 100 %, others about 90 % or lower.", "reviews of the paper"),
        Fact("The cells of Table 1 could not be found in a source that we could read.", "none"),
    ),
)
