"""Sparse parity leaves its plateau sooner if other classes are trained with it (Kim et al., arXiv:2410.05448)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.judging import octaves
from experiments.judging.axes import Axis, Pick, Score
from experiments.judging.claim import PILOTS, Claim, Fact
from experiments.judging.conflict import Conflict
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import AgainstSteps, Drawing
from experiments.judging.grid import Grid
from experiments.judging.reached import steps_reached
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KINDS = {"mixing_1": "alone", "mixing_2": "2 classes", "mixing_4": "4 classes", "mixing_8": "8 classes"} | {
    "mixing_hard_2": "2 hard classes",
    "mixing_hard_4": "4 hard classes",
}
NAMES = _KINDS | {f"{name}_long": words for name, words in _KINDS.items()}
CONDITION, LEVEL = "sparse_2/seen", 0.62  # the best guess without the examples is right with 0.555
EASY = 0.75  # the level of other classes
NEIGHBOUR = {False: 0.65, True: 0.78}  # a nearest neighbour's accuracy at the last of 24 points, and of 120 (long)
CLASSES = {"conjunction": "conjunctions", "disjunction": "disjunctions", "sparse_3": "sparse parity of 3"}
MIX = Axis("task", "training", ("mixing_1", "mixing_4", "mixing_hard_4"), names=NAMES)


def _at(kind: str) -> Pick:
    """Returns the pick of a kind of training, at either number of points."""
    return MIX.at(kind, f"{kind}_long").named(_KINDS[kind])


ALONE, FOUR, HARD = _at("mixing_1"), _at("mixing_4"), _at("mixing_hard_4")
OCTAVES = Score(
    CONDITION, "octaves of steps until sparse parity leaves its plateau", octaves.NAME, measure=octaves.OF_STEPS
)
LEFT = Score(
    CONDITION,
    "the share of runs in which sparse parity leaves its plateau",
    octaves.REACHED_NAME,
    measure=octaves.REACHED,
)
ACCURACY = Score(CONDITION, "accuracy on sparse parity at the last point")
PAPER = {
    "mixing_1": "> 1,000k steps",
    "mixing_2": "12.2k steps",
    "mixing_4": "2.1k steps",
    "mixing_8": "1.5k steps",
}


def _others(grid: Grid) -> list[str]:
    """Returns notes on the steps until other classes are learnt, where every seed learns them."""
    conditions, notes = set(grid.table["condition"]), []
    for name, words in CLASSES.items():
        score = Score(f"{name}/seen")
        means = {
            setting: steps_reached(grid, score, EASY, MIX.at(grid.value(MIX, setting)))
            for setting in (grid.settings if score.condition in conditions else ())
            if setting in grid.cells(score).scores
        }
        steps = [f"{mean.estimate:,.0f} with {grid.format_setting(s)}" for s, mean in means.items() if mean]
        if steps:
            notes.append(f"Steps until {words} reach {EASY:g}: {'; '.join(steps)} (not judged).")
    return notes


def _mark(panel: Axes, grid: Grid) -> None:
    """Draws the accuracy of a nearest neighbour at the number of points of the runs."""
    long = any(grid.value(MIX, setting).endswith("_long") for setting in grid.settings)
    panel.axhline(NEIGHBOUR[long], color="0.4", ls=":", lw=1, label="nearest neighbour")


CLAIM = Claim(
    name="boolean/mixing",
    question="Does sparse parity leave its plateau in context sooner if easier classes are trained with it?",
    title="Task Diversity Shortens the In-Context Learning Plateau",
    arxiv="2410.05448",
    where="the table of steps by number of tasks",
    text=(
        "Alone, sparse parity of two of ten variables stays on its plateau; trained together with three easier classes "
        "of functions it leaves it much sooner, and sooner than with three classes that are no easier."
    ),
    setting="training",
    reading=(
        "Sparse parity leaves its plateau at the first check at which accuracy at the last point is "
        f"{LEVEL:g}; the best guess from that point alone, over all pairs of variables, is right with 0.555. A run "
        "that never comes up to it counts as if it had at its end, so that the true difference is that or more. An "
        "octave is a factor of two in steps."
    ),
    looked=PILOTS,
    differs=(
        "At cpu scale fewer points and a small model, and the runs that leave the plateau come no further than a "
        "nearest neighbour does: they learn to compare inputs, and none learns the parity itself. The classes trained "
        "beside sparse parity are Boolean ones, where the paper has linear regression too; that none of three may be "
        "easy is a control of ours."
    ),
    criterion=Criterion(
        axes=(MIX,),
        read=(Fitted(LEFT, exempt=(MIX.but("mixing_4", "mixing_4_long").named("any other training"),)),),
        bounds=(
            (OCTAVES.at(ALONE) - OCTAVES.at(FOUR)).at_least(1),
            (OCTAVES.at(HARD) - OCTAVES.at(FOUR)).at_least(1),
        ),
        view=octaves.BySteps(CONDITION, LEVEL),
    ),
    rows=Rows(
        {"octaves of steps": OCTAVES, "left": LEFT, "accuracy": ACCURACY},
        paper=lambda kind: PAPER.get(kind.removesuffix("_long"), ""),
    ),
    notes=(_others,),
    figure=Drawing(
        (
            AgainstSteps(
                score=ACCURACY,
                by=MIX,
                xlabel="steps",
                ylabel="accuracy on sparse parity",
                title="sparse parity of 2",
                mark=_mark,
            ),
        ),
        legend="trained",
        marks="lines: means over seeds",
    ),
    facts=(
        Fact(
            "Steps to leave the plateau with 1, 2, 4, 8 and 9 tasks: sparse parity of 2 more than 1,000k, 12.2k, 2.1k, "
            "1.5k, 1.6k; of 3 more than 1,000k, 22.4k, 2.9k, 2.1k, 2.2k; conjunctions 2.4k, 1.6k, 1.5k, 0.9k, 0.9k; "
            "disjunctions 2.5k, 1.3k, 1.2k, 1.0k, 0.9k.",
            "arXiv:2410.05448, a copy of its text",
        ),
        Fact("On the plateau accuracy on sparse parity is about 0.55.", "the same"),
        Fact(
            f"The label of the nearest earlier input is that of the last of 24 points in {NEIGHBOUR[False]} of "
            f"prompts, and that of the last of 120 in {NEIGHBOUR[True]}: to score as much no parity need be known.",
            "a computation of ours",
        ),
    ),
    contradicts=(
        Conflict(
            question="Can sparse parity be learnt in context?",
            first="Yes: alone it is on a plateau, and with three tasks more it leaves it after 2,100 steps.",
            other="No: sequence models stay at chance on sparse parity (10, 2).",
            arxiv="2310.03016",
            where="reviews of the paper",
            protocol=f"accuracy at the last point, seen parities (nearest neighbour of 24 points {NEIGHBOUR[False]})",
            numbers={_KINDS[kind]: ACCURACY.at(_at(kind)) for kind in ("mixing_1", "mixing_4", "mixing_hard_4")},
        ),
    ),
)
