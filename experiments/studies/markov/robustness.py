"""Longer inputs and patterns (Only-IF, arXiv:2410.04717, App. B.2)."""

from __future__ import annotations

from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, TASK, TRAIN, UNSEEN, claim

SIZE = TASK.through(
    "task.input_length",
    "task.search_length",
    noun="size",
    value="({}, {})",
    tried={
        f"markov_{length}_{pattern}": {"task.input_length": length, "task.search_length": pattern}
        for length, pattern in ((10, 4), (20, 8), (40, 10))
    },
)


def _paper(size: tuple[int, int], rules: int) -> str:
    if rules < 300:
        return "does not"
    return "generalises" if rules >= 1000 else ""


CLAIM = claim(
    name="markov/robustness",
    question="Is the step there for longer inputs and patterns too?",
    where="App. B.2",
    text="The step from few rules to many is there for longer inputs and longer patterns too.",
    setting="(input, pattern)",
    reading="A size is a pair of input length and pattern length.",
    looked=PILOTS,
    differs="Pairs of lengths are scaled down with the model.",
    criterion=Criterion(
        axes=(SIZE, RULES),
        read=(FIT,),
        bounds=((UNSEEN.at(RULES.most) - UNSEEN.at(RULES.fewest)).at_least(0.5).each(SIZE, need=2),),
    ),
    rows=Rows({"unseen": UNSEEN, "train": TRAIN}, "{}, {} rules", _paper, lambda *values: values),
    figure=Drawing(
        tuple(
            Curves(x=RULES, scores={"": score}, by=SIZE, xlabel="number of rules", title=title)
            for score, title in ((UNSEEN, "unseen rules"), (TRAIN, "training set"))
        ),
        legend="lengths of\n(input, pattern)",
        ylabel="exact match",
    ),
    facts=(
        Fact("Inputs of 50, 100 and 200 letters with patterns of 20, 40 and 50.", "arXiv:2410.04717, App. B.2"),
        Fact("How the accuracies differ between them could not be found.", "none"),
    ),
)
