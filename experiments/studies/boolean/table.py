"""Architectures and classes of functions (arXiv:2310.03016, Table 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import BARS, Bars, Drawing
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import FAMILY, OPTIMUM, UNSEEN, claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONG = ("hyena", "mamba")  # the rivals that learn the class best; the best of them counts
MIXER = Axis("model.mixer", "layer", ("attention", *STRONG))
NEAREST, ATTENTION = FAMILY.at("nearest_neighbour"), MIXER.at("attention")
RIVALS = MIXER.but("attention").named("its rivals")


def _elsewhere(grid: Grid) -> list[str]:
    """Returns a note for every other class on the place of attention among its rivals."""
    notes, cells = [], grid.cells(UNSEEN)
    for family in dict.fromkeys(grid.value(FAMILY, s) for s in grid.where((FAMILY.but(*NEAREST.values),))):
        own, rivals = (
            [cells.mean(s).estimate for s in grid.where((FAMILY.at(family), p))] for p in (ATTENTION, RIVALS)
        )
        if own and rivals:
            above = f"{sum(mean > own[0] for mean in rivals)} of {len(rivals)} above"
            rest = f"{min(rivals):.3f} to {max(rivals):.3f} of its rivals, {above}"
            notes.append(f"On {FAMILY.format_value(family)}: {own[0]:.3f} of attention, {rest} (not judged).")
    return notes


def _narrow(panel: Axes, grid: Grid) -> None:
    panel.set(xlim=(0.4, 1.03), xticks=[0.5, 0.75, 1.0])


CLAIM = claim(
    name="boolean/table",
    question="Do other sequence layers learn in context what attention learns?",
    where="Table 1",
    text=(
        "Other sequence layers learn what attention learns, a little worse, but fall behind it where the label is "
        "that of the nearest neighbour."
    ),
    setting="class, layer",
    reading="Attention is compared with every rival, and so with the best; it must itself have learnt the class.",
    looked=PILOTS,
    differs=(
        "Eight variables, and at cpu scale one class and three layers that mix positions; the original has more, "
        "and DSS where we have S4D, its successor with the same diagonal state."
    ),
    criterion=Criterion(
        axes=(FAMILY, MIXER),
        bounds=tuple(
            (UNSEEN.at(NEAREST, ATTENTION) - UNSEEN.at(NEAREST, MIXER.at(rival))).at_least(0.05) for rival in STRONG
        ),
        then=(UNSEEN.at(NEAREST, ATTENTION).at_least(0.95),),
    ),
    rows=Rows({"model": UNSEEN, "optimum": OPTIMUM}),
    notes=(_elsewhere,),
    figure=Drawing(
        (Bars(scores={"": UNSEEN}, name="{1}", line=OPTIMUM, xlabel="accuracy", mark=_narrow),),
        by=(FAMILY,),
        marks=f"dashed: the optimum; {BARS}",
        share=False,
    ),
    facts=(
        Fact("Nearest neighbour: transformer 100 %, others about 90 % or lower.", "reviews of the paper"),
        Fact("The cells of Table 1 could not be found in a source that we could read.", "none"),
    ),
)
