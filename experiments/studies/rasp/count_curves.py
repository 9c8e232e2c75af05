"""Count, trained to several lengths (RASP-L, arXiv:2310.16028, Fig. 1b)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import lengths
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import AT_LONGEST, TRAINED, WITHIN, claim, curves, longer

MAXIMA = replace(TRAINED, tried=(20, 40), value="1 to {}", said="lengths {} in training", single=False)
REACH, HALF = 2.5, 0.5
PAPER_ENOUGH = 60  # training maximum from which the paper's models are near-perfect at REACH times it
BEYOND = longer(REACH, own=True)


def _reach(grid: Grid) -> list[str]:
    """Returns a note on the longest tested length that is still solved half of the time, for each training maximum."""
    by_length, parts = lengths(grid, Score("length_{}")), []
    for setting in grid.settings:
        end = max((length for length, cells in by_length.items() if cells.mean(setting).estimate >= HALF), default=0)
        parts.append(f"{end} ({end / setting[0]:.2g} times) from {MAXIMA.format_cell(setting[0])}")
    return [f"Longest tested length solved half of the time or more: {'; '.join(parts)} (not judged)."]


CLAIM = claim(
    name="rasp/count_curves",
    question="How far beyond its training lengths does counting go?",
    where="Fig. 1b",
    text="Count, trained to a long enough maximum, stays near-perfect at lengths up to 2.5 times that maximum.",
    setting="trained on lengths",
    reading="Runs are trained to several maxima; the criterion asks for what the paper calls near-perfect.",
    looked=PILOTS,
    differs="Maximal training lengths are shorter by the same factor as the model is smaller.",
    criterion=Criterion(
        axes=(MAXIMA,),
        read=(Fitted(AT_LONGEST, every=True),),
        bounds=(BEYOND.at(MAXIMA.most).at_least(0.9),),
        whole=True,
    ),
    rows=Rows(
        {"within": WITHIN, f"at {REACH:g} times": BEYOND},
        paper=lambda trained: "near-perfect to 2.5 times" if trained >= PAPER_ENOUGH else "",
    ),
    notes=(_reach,),
    figure=curves(MAXIMA, "trained on lengths"),
    facts=(
        Fact("Models trained to 60 or more are near-perfect to 150.", "a summary of arXiv:2310.16028, Fig. 1b"),
        Fact("All curves drop and some reach 0.", "a review of the submission of arXiv:2310.16028"),
    ),
)
