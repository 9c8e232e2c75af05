"""Parity with index hints and a scratchpad (RASP-L, arXiv:2310.16028, section 5.2)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.claim import Fact
from experiments.judging.conflict import Conflict
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.judging.reading import FITTED, Fitted
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import SCRATCHPAD, TRAINED, WITHIN, claim, curves, longer

FORMAT = replace(SCRATCHPAD, tried=(False, True), names={False: "plain", True: "hints and scratchpad"})
PLAIN, HELPED = FORMAT.at(False).named("plain parity"), FORMAT.at(True)
LONGER = longer(1.25)


def _fit(grid: Grid) -> list[str]:
    """Returns a note on whether plain parity was fitted."""
    means = [grid.cells(WITHIN).mean(setting) for setting in grid.where((PLAIN,))]
    fitted = ["fitted" if mean.estimate >= FITTED else "not fitted" for mean in means]
    return [f"Plain parity within its training lengths: {m}, {f}." for m, f in zip(means, fitted, strict=True)]


CLAIM = claim(
    name="rasp/parity",
    question="Do index hints and a scratchpad let parity generalise to longer strings?",
    where="section 5.2, App. C.1",
    text=(
        "Parity with index hints and a scratchpad that names the ones generalises to longer strings; plain parity does "
        "not, and is not even fitted."
    ),
    setting="format",
    reading=(
        "Exact match is of the whole scratchpad, where chance is 0, or of the one label, where it is 0.5. That plain "
        "parity cannot be fitted is part of the claim: it counts as it scores."
    ),
    differs="Shorter words, and fewer steps.",
    criterion=Criterion(
        axes=(TRAINED, FORMAT),
        read=(Fitted(WITHIN, exempt=(PLAIN,)),),
        bounds=((LONGER.at(HELPED) - LONGER.at(PLAIN)).at_least(0.25),),
    ),
    rows=Rows(
        {"length {}": LONGER, "within": WITHIN},
        paper={(HELPED,): "generalises", (PLAIN,): "not fitted"},
    ),
    notes=(_fit,),
    figure=curves(FORMAT, "parity", half=True),
    facts=(Fact("Plain parity does not fit its training set.", "arXiv:2310.16028, App. C.1, as cited by others"),),
    contradicts=(
        Conflict(
            question="Is parity with one label fitted within its training lengths?",
            first="It is not even fitted (App. C.1, as cited by others).",
            other=(
                "Four layers fit lengths up to 50 exactly in 5 of 7 runs, where the number of ones is uniform, and "
                "score 0.83 at 51 to 100."
            ),
            arxiv="2410.02140",
            where="result files in its repository",
            protocol="fair bits, the same steps for both formats",
            numbers={"plain within": WITHIN.at(PLAIN), "plain, 1.25 times": LONGER.at(PLAIN)},
        ),
    ),
)
