"""How far addition reaches with reversed answers, index hints and no positions (arXiv:2402.09371, Fig. 1)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis
from experiments.judging.claim import Claim, Fact
from experiments.judging.conflict import Conflict
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import ByLength, Drawing
from experiments.judging.notes import also
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import AT_LONGEST, FIT, TRAINED, WITHIN, longer

LAWS = Axis("task.carries", "carries in training", (0.0, 0.5), names={0.5: "half balanced", 0.0: "plain"})
PLAIN, BALANCED = LAWS.at(0.0).named("plain carries"), LAWS.at(0.5).named("half of them balanced")
REACH, HARD = longer(1.5), longer(1.5, hard=True)

CLAIM = Claim(
    name="rasp/addition_reach",
    question="Does addition with index hints reach 1.5 times its training length on plain carries?",
    title="Transformers Can Achieve Length Generalization But Not Robustly",
    arxiv="2402.09371",
    where="Fig. 1 and the section on errors",
    text=(
        "With reversed answers, index hints and no positions addition is right at 1.5 times its longest training "
        "length, and plain uniform digits suffice: balanced carries in half of the training sums add little."
    ),
    setting="carries in training",
    reading=(
        "Tests have plain carries at 1.5 times the longest training length; sums of one carry chain through all digits "
        "are noted beside. Whether training is fitted is read at its longest length, with plain carries too."
    ),
    looked=(
        "Sizes were chosen by looking at seed 0. Seeds 21 to 26 had 5,000 steps, and three of six with plain carries "
        "were not fitted; steps alone were changed then, and other seeds are reported."
    ),
    differs=(
        "At cpu scale four digits in training and six in tests, as six and nine were not fitted; the follow-up's own "
        "method reaches no further than training from ten digits, and 2.5 times as far from forty. The original "
        "reports the best of ten runs; here the mean of all runs is judged. Balanced carries are those of half of the "
        "training sums, so that plain ones are fitted too."
    ),
    criterion=Criterion(
        axes=(TRAINED, LAWS),
        read=(FIT,),
        bounds=(
            REACH.at(PLAIN).at_least(0.5),
            (REACH.at(BALANCED) - REACH.at(PLAIN)).at_most(0.25),
        ),
    ),
    rows=Rows(
        {"{} digits": REACH, "one chain, {} digits": HARD, "longest in training": AT_LONGEST, "within": WITHIN},
        paper={(PLAIN,): "reaches 1.5 times", (BALANCED,): "not needed"},
    ),
    notes=(also(HARD.at(BALANCED) - HARD.at(PLAIN)),),
    figure=Drawing(
        (ByLength(scores={"": replace(REACH, number=None)}, by=LAWS, trained=TRAINED),), legend="carries\nin training"
    ),
    facts=(
        Fact("Trained on up to 40 digits, the method of RASP-L reaches about 60, the best of ten trials.", "Fig. 1"),
        Fact(
            "With positions of its own method, training on up to 10, 20, 30 and 40 digits reaches 10, 25, 45 and 100.",
            "a copy of its text",
        ),
        Fact("Plain uniform digits are enough; 51.5 % of errors have a carry and 48.5 % none.", "a copy of its text"),
        Fact("Runs are alike within training and all over beyond it, by initial weights and by order.", "the same"),
    ),
    contradicts=(
        Conflict(
            question="Do plain carries in training suffice for addition to reach 1.5 times its length?",
            first="Yes: plain uniform digits are enough.",
            other="No: balanced carries unlock it in some settings (as a re-implementation credits it).",
            arxiv="2310.16028",
            where="sections 3 and 5",
            protocol="reversed answers, index hints, no positions, tests with plain carries",
            numbers={"plain": REACH.at(PLAIN), "balanced": REACH.at(BALANCED)},
        ),
    ),
)
