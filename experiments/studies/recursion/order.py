"""Rare carries with the least or the most significant bit first (arXiv:2401.12947)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.rows import Rows
from experiments.studies.recursion.family import DEEP, DIFFERS, FIT, LENGTH, SHALLOW, WITHIN, by_depth, claim, shortcuts

_NAMES = {"least": "least significant first", "most": "most significant first"}
BITS = Axis("task.order", "order", tried=("least", "most"), names=_NAMES)

CLAIM = claim(
    name="recursion/order",
    question="Are rare carries easier where the recursion follows the order of the symbols?",
    where="natural and non-natural order",
    text=(
        "With the least significant bit first, where each symbol hangs on the one before, deep carries that training "
        "hardly has are right far more often than with the most significant bit first."
    ),
    setting="order",
    reading="Both orders have the same numbers and steps.",
    looked="Sizes, steps and the deep carries were chosen by looking at seeds 0 to 3, and 21 to 26 of recursion/edges.",
    differs=DIFFERS,
    criterion=Criterion(
        axes=(LENGTH, BITS),
        read=(FIT,),
        bounds=((DEEP.at(BITS.at("least")) - DEEP.at(BITS.at("most"))).at_least(0.2),),
    ),
    rows=Rows({"no carry": SHALLOW, "deep carry": DEEP, "within": WITHIN}),
    notes=(shortcuts,),
    figure=by_depth(BITS, "order"),
    facts=(Fact("Data in natural and in non-natural order are compared.", "a reader's note on the forerunner"),),
)
