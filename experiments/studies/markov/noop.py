"""Inputs to which the rule does not apply (Only-IF, arXiv:2410.04717, section 2.3.2, Fig. 2b)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, claim

SHARE = Axis("task.noop_rate", "no-op share", (0.1, 0.5), ("smallest", "largest"), "{:.0%}", "a no-op share of {}")
APPLIED = Score("unseen/applied", "exact match on unseen rules that apply")
NOOP = Score("unseen/noop", "exact match on no-op inputs of unseen rules")
PAPER_ENOUGH = 400  # rules from which the paper's models generalise with no-op inputs

CLAIM = claim(
    name="markov/noop",
    question="Do inputs to which no rule applies change how many rules are needed?",
    where="Fig. 2b, section 2.3.2",
    text=(
        "With inputs among the training examples to which the rule does not apply, unseen rules are applied from "
        "some number of training rules on, whatever the share of such inputs."
    ),
    setting="no-op share",
    reading="The no-op share is that of the training inputs; tests are all of one kind.",
    looked=(
        "The larger number of rules was chosen by looking at seeds 1 to 3, which fell on either side of the step "
        "at 1,000 rules, and at seeds 11 to 13 with 4,000 rules. Seeds 21 to 26 were reported first (commit "
        "c60fc8d): with learned positions training on 4,000 rules and half no-ops was right on 0.879, where 0.9 is "
        "asked, and nothing was read. The criterion is the same; positions are sinusoidal now, which were tried on "
        "seed 11 alone. None of these seeds is reported."
    ),
    differs=(
        "How the original draws inputs without the pattern is not stated; ours are random letters in which it "
        "does not occur. Patterns have two letters, so 4,000 rules hold all the search strings that training may "
        "have; those of a test rule are others."
    ),
    criterion=Criterion(
        axes=(SHARE, RULES),
        read=(FIT,),
        bounds=(
            (APPLIED.at(RULES.most) - APPLIED.at(RULES.fewest)).at_least(0.5),
            (APPLIED.at(RULES.most, SHARE.most) - APPLIED.at(RULES.most, SHARE.fewest)).near_zero(0.25),
        ),
    ),
    rows=Rows(
        {"applied": APPLIED, "no-op": NOOP},
        "{}, {} rules",
        lambda share, rules: "generalises" if rules >= PAPER_ENOUGH else "does not",
    ),
    figure=Drawing(
        tuple(
            Curves(x=RULES, scores={"": score}, by=SHARE, few=3, title=title, xlabel="number of rules")
            for score, title in ((APPLIED, "unseen rules, applied"), (NOOP, "unseen rules, no-op"))
        ),
        legend="no-op share\nin training",
        ylabel="exact match",
    ),
    facts=(
        Fact("With 10 to 50 % no-op inputs models generalise from about 400 rules.", "arXiv:2410.04717, section 2.3.2"),
        Fact("Past that the share of no-op inputs has no material effect.", "arXiv:2410.04717, section 2.3.2"),
        Fact("The accuracies behind Fig. 2b are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 2b"),
    ),
)
