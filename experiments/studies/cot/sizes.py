"""The answer at once or after a chain of thought, at growing sizes (arXiv:2305.15408, the main figure)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.quantities import Each
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.cot.family import ANSWER, DIRECT, PROBLEMS, SMALLER, TABLE, TRACE, TRAIN, UNSEEN, claim

SMALLEST = ("cot_expressions_2", "cot_lis_6", "cot_edit_2")
LARGEST = ("cot_expressions_3", "cot_lis_20", "cot_edit_3")
# The same at the sizes of the paper.
SMALLEST_THERE = ("cot_expressions_4", "cot_equations_3", "cot_lis_50", "cot_edit_12")
LARGEST_THERE = ("cot_expressions_6", "cot_equations_5", "cot_lis_100", "cot_edit_20")

PROBLEM = Axis(
    "task",
    "problem",
    tried=(*SMALLEST, *LARGEST),
    names=PROBLEMS,
    order={name: place for place, name in enumerate(PROBLEMS)},
)
STEPS = Axis("train.steps", "steps", (1500, 4500))
SMALL = PROBLEM.at(*SMALLEST, *SMALLEST_THERE).named("the smallest problem of a kind")
LARGE = PROBLEM.at(*LARGEST, *LARGEST_THERE).named("the largest problem of a kind")
SUMS = PROBLEM.at("cot_expressions_3", "cot_expressions_6").named("the largest expressions")
ONCE, LONGER = STEPS.fewest, STEPS.most
# Test accuracies of the authors' logs, by problem: direct with 3, 4 and 5 layers, and step by step with 3.
LOGS = {
    "cot_expressions_4": (0.729, 0.914, 0.968, 1.0),
    "cot_expressions_5": (0.374, 0.322, 0.699, 0.9999),
    "cot_expressions_6": (0.254, 0.252, 0.491, 0.9998),
    "cot_equations_3": (0.023, 0.036, 0.038, 1.0),
    "cot_equations_4": (1e-4, 1e-4, 1e-4, 1.0),
    "cot_equations_5": (0.0, 0.0, 0.0, 1.0),
    "cot_lis_50": (0.644, 0.908, 0.959, 0.995),
    "cot_lis_80": (0.300, 0.630, 0.752, 0.998),
    "cot_lis_100": (0.226, 0.335, 0.551, 1.0),
    "cot_edit_12": (0.752, 0.872, 0.934, 1.0),
    "cot_edit_16": (0.547, 0.720, 0.799, 1.0),
    "cot_edit_20": (0.426, 0.579, 0.640, 1.0),
}
_COLUMNS = ("direct", "direct_4_layers", "direct_5_layers", "trace")


def _paper(problem: str, answer: str, steps: int) -> str:
    """Returns the accuracy of the authors' logs."""
    if problem not in LOGS or answer not in _COLUMNS:
        return ""
    return f"{LOGS[problem][_COLUMNS.index(answer)]:.3f}"


CLAIM = claim(
    name="cot/sizes",
    question="Does a chain of thought solve what the answer alone does not?",
    where="the main figure",
    text=(
        "Step by step a model solves the largest problem of each kind; at once it solves the smallest ones better than "
        "the largest, and the largest far less often, even if it is trained three times as long."
    ),
    setting="problem, answer, steps",
    reading=(
        "Answers are decoded; a chain of thought is right if its last part is. Direct answers are not said to be at "
        "chance: in the authors' logs they are not, and still rise at the end. Nothing is said unless the answer alone "
        "is right for single operations, which one layer can hold as a table."
    ),
    differs=(
        f"{SMALLER}, subsequences of 6 and 20 numbers, edits of strings of 2 and 3 letters, fresh examples; prompts "
        "are held out, where the original holds out whole traces. Tables of dynamic programs are decoded, where the "
        "original's are scored with the right ones as input. Equations, whose traces are long, are left to a GPU."
    ),
    criterion=Criterion(
        axes=(PROBLEM, ANSWER, STEPS),
        read=(Fitted(TRAIN, 0.8, exempt=(ANSWER.but("trace"),)),),
        bounds=(
            Each((UNSEEN.at(LARGE, TRACE) - UNSEEN.at(LARGE, DIRECT, LONGER)).at_least(0.15), (PROBLEM,), need=3),
            Each((UNSEEN.at(LARGE, TRACE) - UNSEEN.at(LARGE, DIRECT, ONCE)).at_least(0.25), (PROBLEM,), need=3),
            (UNSEEN.at(SMALL, DIRECT, ONCE) - UNSEEN.at(LARGE, DIRECT, ONCE)).at_least(0.1),
            Each(UNSEEN.at(LARGE, TRACE).at_least(0.8), (PROBLEM,), need=3),
        ),
        given=(TABLE.at(SUMS, DIRECT, LONGER).at_least(0.9),),
        apart=STEPS,
    ),
    rows=Rows({"right": UNSEEN}, paper=_paper),
    figure=Drawing((Bars(scores={"right answers": UNSEEN}, xlabel="right answers"),)),
    facts=(
        Fact(
            "Step by step with 3 layers: .995 or more everywhere; direct with 5 layers: .97 / .70 / .49 at 4, 5 and 6 "
            "operators.",
            "the logs of the authors' code, means of four seeds",
        ),
    ),
)
