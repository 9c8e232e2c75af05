"""One model, with and without a teaching sequence (arXiv:2310.03016, section 4, Fig. 3)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import BEST, Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import FAMILY, claim

FAMILIES = replace(FAMILY, tried=("conjunction", "sparse_parity"))
SHARE = Axis("task.teaching_share", "share", (0.0, 0.5), value="{:g}", said="share {}")
ALONE, BOTH = SHARE.at(0.0).named("training without any"), SHARE.between(0, 1).named("training on both kinds")
PREFIX = Score("unseen/prefix", "accuracy at the last point after a teaching sequence")
PLAIN = Score("unseen/plain", "accuracy at the last point without a teaching sequence")
CHANCE = 0.5


def _at_chance(grid: Grid) -> list[str]:
    """Returns a note on the classes that no run learns without a sequence, so that no run can lose on them."""
    at_chance: dict[str, bool] = {}
    for setting in grid.cells(PLAIN).scores:
        family, mean = grid.value(FAMILIES, setting), grid.cells(PLAIN).mean(setting)
        at_chance[family] = at_chance.get(family, True) and mean.lower <= CHANCE <= mean.upper
    named = ", ".join(FAMILIES.format_value(family) for family, lost in at_chance.items() if lost)
    return [f"Without a sequence at chance in every arm, where nothing can be lost: {named} (not judged)."] * bool(
        named
    )


CLAIM = claim(
    name="boolean/two_algorithms",
    question="Can one transformer use a teaching sequence and do without one?",
    where="section 4, Fig. 3",
    text=(
        "Trained on prompts with and without a teaching sequence, one transformer uses the sequence where there is one "
        "and learns from random examples as well as one that saw nothing else."
    ),
    setting="class, share with sequence",
    reading="The share is that of the training prompts that begin with a teaching sequence.",
    looked=PILOTS,
    differs=(
        "Twelve variables. The share of prompts with a teaching sequence is a knob; the original has one mixture."
    ),
    criterion=Criterion(
        axes=(FAMILIES, SHARE),
        bounds=(
            (PLAIN.at(ALONE) - PLAIN.at(BOTH)).at_most(0.05).each(FAMILIES),
            PREFIX.at(BOTH).at_least(0.95).each(FAMILIES),
        ),
        whole=True,
    ),
    rows=Rows({"with sequence": PREFIX, "without": PLAIN}),
    notes=(_at_chance,),
    figure=Drawing(
        (
            Bars(
                scores={
                    "with a teaching sequence": PREFIX,
                    "without": PLAIN,
                    "without, optimum": replace(PLAIN, learner=BEST),
                },
                name="{}, share {}",
                xlabel="accuracy at the last point",
            ),
        ),
        legend="tested",
    ),
    facts=(
        Fact("With the prefix the mixed model does well, without it about at chance (presumably parity).", "reviews"),
    ),
)
