"""Rewriting expressions by identities with variables (Only-IF, arXiv:2410.04717, section 3)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.notes import each
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, claim

DIVERSE = Axis(
    "task.diverse_rules",
    "rules of diversification",
    (10, 1000),
    value=lambda number: f"{number:,}" if number else "none",
)
UNSEEN = Score("unseen", "exact match on unseen rules")
DEEPER = Score("seen/deeper", "exact match of the specialised rules in expressions deeper than their own in training")

CLAIM = claim(
    name="markov/abstraction",
    question="Do more identities with variables teach unseen ones, and a few of them in deeper expressions?",
    where="section 3",
    text=(
        "A model that rewrites expressions by identities with variables does better on unseen identities the more it "
        "was trained on, at a fixed number of examples; and one trained on a few of them in shallow expressions does "
        "better on deeper ones the more other identities are mixed in."
    ),
    setting="rules + diverse",
    reading=(
        "A setting is a number of (specialised) rules and a number of rules of diversification mixed in, which alone "
        "stand in expressions as deep as the deeper test's: a choice of ours, so that they teach both other rules and "
        "depth. The number of examples is the same in all."
    ),
    looked=PILOTS,
    differs=(
        "The original tunes a pretrained model on algebraic identities; ours are pairs of random pattern "
        "trees, so that there are as many as asked for and none can be known beforehand, and the model starts "
        "from scratch. Rules of diversification stand in expressions as deep as those of the test, which the "
        "original leaves open."
    ),
    criterion=Criterion(
        axes=(RULES, DIVERSE),
        read=(FIT,),
        bounds=(
            (UNSEEN.at(DIVERSE.fewest, RULES.most) - UNSEEN.at(DIVERSE.fewest, RULES.fewest)).at_least(0.3),
            (DEEPER.at(RULES.fewest, DIVERSE.most) - DEEPER.at(RULES.fewest, DIVERSE.fewest)).at_least(0.3),
        ),
    ),
    rows=Rows(
        {"unseen": UNSEEN, "deeper": DEEPER},
        "{} + {}",
        {
            (RULES.most, DIVERSE.fewest): "unseen gains",
            (RULES.fewest, DIVERSE.most): "deeper gains",
            (RULES.most, DIVERSE.most): "both gain",
        },
    ),
    notes=(each(Score("unseen/deeper"), "Unseen rules in deeper expressions"),),
    figure=Drawing(
        tuple(
            Curves(x=RULES, scores={"": score}, by=DIVERSE, xlabel="number of specialised rules", title=title)
            for score, title in (
                (UNSEEN, "unseen rules"),
                (DEEPER, "specialised rules,\ndeeper than in training"),
            )
        ),
        legend="rules of\ndiversification",
        ylabel="exact match",
    ),
    facts=(
        Fact(
            "50,000 examples, 10, 20 or 40 rules, expressions of depth 3 and 4: unseen rules rise with their number.",
            "arXiv:2410.04717, section 3",
        ),
        Fact(
            "Accuracies of 0.33 to 0.80 are printed; which belongs to which setting could not be read.",
            "arXiv:2410.04717, section 3, figure",
        ),
        Fact(
            "Specialised to diversifying examples 49:1, 45:5 and 40:10, with 20 or 40 rules of diversification: a peak "
            "between (labels 0.16 to 0.40).",
            "arXiv:2410.04717, section 3, figure",
        ),
        Fact("The model is Mistral-7B-v0.3, fine-tuned; ours is trained from scratch.", "arXiv:2410.04717, section 3"),
    ),
)
