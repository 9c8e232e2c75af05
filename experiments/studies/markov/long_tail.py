"""A long tail of rules (Only-IF, arXiv:2410.04717, section 2.3.3, Fig. 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.judging.axes import Axis, Setting
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.studies.markov.effective import BARELY_SEEN, effective_rules, rules_with_share
from experiments.studies.markov.family import FIT, RULES, TRAIN, UNSEEN, claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHAPE = Axis("task.rule_power", "shape", (0.1, 1.0), ("most peaked", "most even"), "{:g}", "shape {}")
EVEN, PEAKED = SHAPE.at(1.0), SHAPE.fewest
HALF = 0.5
PAPER_COLLAPSES = 0.2  # the shape below which the paper's 1,000 rules no longer suffice


def _paper(rules: int, shape: float) -> str:
    if rules >= 10_000:
        return "robust"
    return "" if rules != 1000 else "collapses" if shape < PAPER_COLLAPSES else "generalises"


def _in_effect(grid: Grid, setting: Setting) -> float:
    rules, shape = setting
    return effective_rules(shape, rules)


def _name(grid: Grid, setting: Setting) -> str:
    return "{}, shape {} ".format(*grid.format_cells(setting)) + f"({_in_effect(grid, setting):,.0f})"


def _barely_seen(grid: Grid) -> list[str]:
    """Returns a note on the rules that are barely seen at every setting."""
    parts = [f"{rules_with_share(shape, n):,} of {n:,} at shape {shape:g}" for n, shape in grid.settings]
    return [f"Rules with {BARELY_SEEN:.1%} of the examples or more: {'; '.join(parts)}."]


def _least(grid: Grid) -> list[str]:
    """Returns a note on the fewest effective rules that generalise, and the most that do not."""
    cells = grid.cells(UNSEEN)
    scores = {_in_effect(grid, s): cells.estimate(s) for s in cells.scores}
    above, below = ([n for n, mean in scores.items() if (mean >= HALF) is high] for high in (True, False))
    fewest = f"{min(above):,.0f}" if above else "none"
    most = f"{max(below):,.0f}" if below else "none"
    return [
        f"Effective rules (exponential of the entropy): fewest at which unseen rules reach {HALF}: {fewest}; most at "
        f"which they do not: {most} (not judged)."
    ]


def _decades(panel: Axes, grid: Grid) -> None:
    panel.set_xticks([10**n for n in range(1, 6)])
    panel.xaxis.set_major_formatter("{x:,.0f}")


def _shapes(panel: Axes, grid: Grid) -> None:
    panel.set_xticks(sorted({grid.value(SHAPE, s) for s in grid.settings}))


CLAIM = claim(
    name="markov/long_tail",
    question="What if a few rules have most of the examples?",
    where="Fig. 3, section 2.3.3",
    text=(
        "Where a few rules have most of the examples, a model trained on few rules no longer applies unseen ones, and "
        "one trained on many still does."
    ),
    setting="rules (in effect)",
    reading=(
        "The number of training examples is the same for every setting; their share of rule r of I is ((r+1)/I)^a - "
        "(r/I)^a for shape a, so 1 is even and less is peaked."
    ),
    looked=(
        "The least collapse (0.25; first 0.5) was chosen by looking at seed 0; fewer examples and more passes, with "
        "which the tail has rules that are barely seen, by looking at seeds 11 to 16. None of them is reported."
    ),
    differs=(
        "The law of the shares is the original's; the number of rules is scaled down with the threshold, and "
        "the effective number of rules, which the original does not give, stands beside every score."
    ),
    criterion=Criterion(
        axes=(RULES, SHAPE),
        read=(FIT,),
        bounds=(
            (UNSEEN.at(RULES.fewest, EVEN) - UNSEEN.at(RULES.fewest, PEAKED)).at_least(0.25),
            (UNSEEN.at(RULES.most, EVEN) - UNSEEN.at(RULES.most, PEAKED)).at_most(0.25),
        ),
    ),
    rows=Rows({"unseen": UNSEEN, "train": TRAIN}, _name, _paper),
    notes=(_barely_seen, _least),
    figure=Drawing(
        (
            Curves(x=SHAPE, scores={"": UNSEEN}, by=RULES, xlabel="shape of the power law (1: even)", mark=_shapes),
            Curves(x=_in_effect, scores={"": UNSEEN}, by=RULES, xlabel="effective number of rules", mark=_decades),
        ),
        legend="rules",
        ylabel="exact match on unseen rules",
    ),
    facts=(
        Fact("10,000 and 100,000 rules are robust at every shape down to 0.03.", "arXiv:2410.04717, section 2.3.3"),
        Fact("1,000 rules collapse where the shape is smaller than 0.2.", "arXiv:2410.04717, section 2.3.3"),
        Fact("Rules with less than 0.1 % of the examples are barely seen.", "arXiv:2402.10891, section 4.4"),
        Fact("The accuracies behind Fig. 3 are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 3"),
    ),
)
