"""Fitting is not generalising: copying at two learning rates (Huang et al., arXiv:2410.02140, its repository)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Claim, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import WITHIN
from experiments.studies.rasp.rerun import TITLE

RATE = Axis("optim.lr", "learning rate", (0.0001, 0.001), ends=("lower", "higher"), value="{:g}", said="rate {}")
BEYOND = Score("beyond", "exact match on words up to twice as long")
FAST, SLOW = RATE.most, RATE.fewest
PAPER = {0.001: "0.978 at 51 to 100 (one run)", 0.0001: "0.106 at 51 to 100 (one run)"}

CLAIM = Claim(
    name="rasp/rate",
    question="Can a learning rate decide whether copying generalises, though training is fitted either way?",
    title=TITLE,
    arxiv="2410.02140",
    where="grid of single runs in its repository",
    text=(
        "Copying of distinct symbols that is fitted at either of two learning rates generalises to longer words at the "
        "higher one, and much less at the lower one."
    ),
    setting="learning rate",
    reading="Words are up to twice as long as in training; whether training is fitted is read within its lengths.",
    looked=PILOTS,
    differs="At cpu scale words are shorter and the model is a quarter as wide; here all runs go on to the last step.",
    criterion=Criterion(
        axes=(RATE,),
        read=(Fitted(WITHIN, least=0.95),),
        bounds=((BEYOND.at(FAST) - BEYOND.at(SLOW)).at_least(0.3),),
    ),
    rows=Rows({"to twice the length": BEYOND, "within": WITHIN}, paper=lambda rate: PAPER.get(rate, "")),
    figure=Drawing((Bars(scores={"to twice the training length": BEYOND, "within": WITHIN}),), legend="words"),
    facts=(
        Fact(
            "With 4 layers, 4 heads and width 256 one run scores 0.999, 0.978 and 0.844 at 0 to 50, 51 to 100 and 101 "
            "to 150 at rate 1e-3, and 1, 0.106 and 0 at 1e-4; with 2 layers 0.9995, 0.9985 and 0.7035, and 1, 0.678 "
            "and 0.037.",
            "its repository, result files",
        ),
    ),
)
