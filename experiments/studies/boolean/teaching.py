"""After a teaching sequence the function is known (arXiv:2310.03016, section 4, Fig. 2)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import POSTERIOR, Axis, Number, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import THIN, ByPosition, Drawing
from experiments.judging.grid import MODEL
from experiments.judging.rows import Rows
from experiments.studies.boolean.family import FAMILY, NEIGHBOURS, UNSEEN, claim

FAMILIES = replace(FAMILY, tried=("conjunction", "monotone_conjunction"))
VARIABLES = Axis("task.dimensions", "number of variables", (8,), single=True)
PROMPTS = Axis("task.teaching", "prompts", (False, True), names={True: "teaching", False: "plain"})
TAUGHT, PLAIN = PROMPTS.at(True).named("prompts that begin with one"), PROMPTS.at(False).named("prompts without")
LONGEST = Number(VARIABLES, plus=2, said="point {}")  # of the teaching sequences that a conjunction can have
AFTER = Score("unseen", "accuracy right after the longest teaching sequence (at {})", number=LONGEST, positional=True)

CLAIM = claim(
    name="boolean/teaching",
    question="Is a teaching sequence enough to know the function?",
    where="section 4, Fig. 2",
    text="Trained on prompts that begin with a teaching sequence, a transformer is near-perfect right after it.",
    setting="class, prompts",
    reading=(
        "The point is the first after the longest teaching sequence that a conjunction can have, two points more than "
        "there are variables; prompts without one are scored at the same point. Functions are held out."
    ),
    looked=PILOTS,
    differs=(
        "Eight variables; the score right after the prefix is compared with that at the same point of a plain prompt."
    ),
    criterion=Criterion(
        axes=(FAMILIES, VARIABLES, PROMPTS),
        bounds=((AFTER.at(TAUGHT) - AFTER.at(PLAIN)).at_least(0.05),),
        then=(AFTER.at(TAUGHT).at_least(0.95).each(FAMILIES),),
    ),
    rows=Rows({"model": AFTER}, paper={(TAUGHT,): "near-perfect"}),
    figure=Drawing(
        (
            ByPosition(
                score=UNSEEN,
                learners={
                    MODEL: "model",
                    POSTERIOR: "optimum for\nplain prompts",
                    NEIGHBOURS: "nearest\nneighbours",
                },
                late=(NEIGHBOURS,),
                xlabel="examples before",
            ),
        ),
        by=(FAMILIES, PROMPTS),
        ylabel="accuracy",
        inside="lower right",
        marks=THIN,
    ),
    facts=(Fact("Near-perfect right after the prefix, with far fewer examples.", "reviews and abstract of the paper"),),
)
