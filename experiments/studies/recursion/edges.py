"""Rare carries fail, and more of them in training mend it (arXiv:2401.12947)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.rows import Rows
from experiments.studies.recursion.family import DEEP, DIFFERS, FIT, LENGTH, SHALLOW, WITHIN, by_depth, claim, shortcuts

EDGES = Axis("task.edge_share", "share of edge cases", (0.0, 0.25), ("smallest", "largest"), "{:g}", "{} edge cases")
NONE, SOME = EDGES.fewest, EDGES.most

CLAIM = claim(
    name="recursion/edges",
    question="Does a model that learnt the successor fail where carries are rare, and do more of them mend it?",
    where="the abstract: edge cases",
    text=(
        "Trained on uniform numbers, a model that says the successor of those without a carry fails at deep carries of "
        "the same length, which training hardly has; with a quarter of edge cases it does not."
    ),
    setting="edge cases",
    reading=(
        "The most significant bit is first, so that the first symbol of the answer hangs on all others. The depth of "
        "the carry is varied at one length, so that nothing is longer than in training."
    ),
    looked=(
        "Sizes were chosen by looking at seeds 0 to 3. A first criterion, carries of 12 bits alone, was left open by "
        "seeds 21 to 26: the difference was 0.81, with one seed of six in the other camp (0.91 of its carries were "
        "right, and none of 14 bits or more). They are therefore pilots; carries from half the length on were then "
        "chosen, and other seeds."
    ),
    differs=DIFFERS,
    criterion=Criterion(
        axes=(LENGTH, EDGES),
        read=(FIT,),
        bounds=(
            (SHALLOW.at(NONE) - DEEP.at(NONE)).at_least(0.4),
            (DEEP.at(SOME) - DEEP.at(NONE)).at_least(0.3),
        ),
    ),
    rows=Rows({"no carry": SHALLOW, "deep carry": DEEP, "within": WITHIN}),
    notes=(shortcuts,),
    figure=by_depth(EDGES, "edge cases"),
    facts=(
        Fact("Models fit shortcuts and fail on edge cases that training under-represents.", "the abstract"),
        Fact("A reconstructed shortcut predicts 91 % of the failures of one function.", "arXiv:2305.14699, abstract"),
        Fact("More edge cases in training mend some failures.", "a summary of the paper"),
    ),
)
