"""Conjunctions are learnt in context, parities are not (arXiv:2310.03016, section 3, Table 1)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import BEST
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import THIN, ByPosition, Drawing
from experiments.judging.grid import MODEL
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import FAMILY, NEIGHBOURS, OPTIMUM, UNSEEN, claim, optima

FAMILIES = replace(FAMILY, tried=("conjunction", "majority", "parity"))
EASY, HARD = FAMILIES.at("conjunction"), FAMILIES.at("parity")
PAPER = {"conjunction": "near-perfect", "majority": "above chance", "parity": "chance"}

CLAIM = claim(
    name="boolean/curves",
    question="Which classes of functions are learnt in context as well as can be?",
    where="section 3, Table 1",
    text=(
        "A transformer learns to learn conjunctions in context nearly as well as the optimum, and does not learn "
        "parities at all, though the prompt determines them."
    ),
    setting="class",
    reading="Prompts are of held-out functions; the optimum is the exact posterior of the sampler's own law on them.",
    looked=PILOTS,
    differs=(
        "Eight variables and two dozen points in place of 28 and 70, so that the Bayes optimum can be computed exactly."
    ),
    criterion=Criterion(
        axes=(FAMILIES,),
        bounds=((OPTIMUM.at(EASY) - UNSEEN.at(EASY)).at_most(0.03), UNSEEN.at(HARD).at_most(0.6)),
        given=(OPTIMUM.at(HARD).at_least(0.95),),
        whole=True,
    ),
    rows=Rows({"model": UNSEEN, "optimum": OPTIMUM}, paper=lambda family: PAPER.get(family, "")),
    notes=(optima,),
    figure=Drawing(
        (
            ByPosition(
                score=UNSEEN,
                learners={MODEL: "model", BEST: "optimum", NEIGHBOURS: "nearest neighbours"},
                late=(NEIGHBOURS,),
                xlabel="examples before",
            ),
        ),
        by=(FAMILIES,),
        ylabel="accuracy",
        inside="lower right",
        marks=THIN,
    ),
    facts=(
        Fact("Near-perfect on conjunctions, disjunctions, CNF, DNF and nearest neighbour.", "reviews of the paper"),
        Fact("Above chance but imperfect on majority, 0-1 threshold and integer half-space.", "reviews of the paper"),
        Fact("At chance on parity of 20 variables and sparse parity (10, 2).", "reviews of the paper"),
    ),
)
