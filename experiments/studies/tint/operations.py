"""The harm of dynamic noise and the operation's complexity (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Setting
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.contrasts import Interaction
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.studies.tint.family import (
    ANSWER,
    CLEAN,
    DYNAMIC_LEVEL,
    NOISES,
    claim,
    minus,
    read,
    readable,
    recovery,
    rows,
)

# Tokens of the longest clean example of an operation in the compact style, with lists of up to 5 numbers.
TOKENS = {
    ("add", 1): 17,
    ("add", 2): 29,
    ("add", 3): 41,
    ("add", 4): 53,
    ("add", 5): 65,
    ("add", 10): 125,
    ("gcd", 2): 98,
    ("gcd", 3): 171,
    ("gcd", 4): 269,
    ("median", 1): 49,
    ("median", 2): 71,
    ("median", 3): 93,
    ("median", 8): 203,
    ("multiply", 1): 23,
    ("multiply", 2): 62,
    ("multiply", 3): 121,
    ("multiply", 5): 299,
}


def _name(operation: str, digits: int) -> str:
    return f"{operation} of {digits} digit{'s' * (digits != 1)}"


OPERATION = Axis(
    "tint/operation",
    "operation",
    {f"{name}_{digits}": {"task.operations": name, "task.max_digits": digits} for name, digits in list(TOKENS)[:3]},
    ("least complex", "most complex"),
    _name,
    typed=("task.operations", "task.max_digits"),
    order=TOKENS,
)
HARM = Interaction(ANSWER, OPERATION, (CLEAN,), (DYNAMIC_LEVEL.most,), "harm of dynamic noise")


def _each(grid: Grid) -> list[str]:
    """Returns a note on the harm of each operation."""
    parts = []
    for clean, noised in HARM.ends(grid, readable(grid)):
        operation = grid.value(OPERATION, clean)
        parts.append(f"{_name(*operation)} ({TOKENS[operation]} tokens) {minus(grid, [clean], [noised])}")
    return [f"Harm: {'; '.join(parts)} (not judged)."] if parts else []


def _rank(grid: Grid, setting: Setting) -> float:
    """Returns the operation's place by complexity; the lengths of some are too near to one another to be told apart."""
    operations = sorted({grid.value(OPERATION, s) for s in grid.settings}, key=OPERATION.rank)
    return operations.index(grid.value(OPERATION, setting))


def _tick(grid: Grid, setting: Setting) -> str:
    operation = grid.value(OPERATION, setting)
    return f"{TOKENS[operation]}\n{_name(*operation)}"


CLAIM = claim(
    name="tint/operations",
    question="Does dynamic noise harm complex operations more?",
    where="operations compared",
    text="The longer the computation that a trace writes down, the more dynamic noise in it costs.",
    setting="operation, noise",
    reading=(
        "Harm is right answers after clean training minus after dynamic noise. The complexity of an operation is the "
        "number of tokens of its longest clean example in the compact style."
    ),
    looked=(
        f"{PILOTS} Among seeds 1 to 3 operations differed in the share of answers that the noise left right, so that "
        "now all are sums."
    ),
    differs="From scratch; complexity is the length of the clean trace.",
    criterion=Criterion(axes=(OPERATION, NOISES), read=read(), bounds=(HARM.at_least(0.1),), whole=True),
    rows=rows(),
    notes=(_each, recovery),
    figure=Drawing(
        (
            Curves(
                x=_rank,
                scores={"": ANSWER},
                by=NOISES,
                log=False,
                ticks=_tick,
                xlabel="tokens of the longest clean example, of each operation",
                ylabel="right answers to clean questions",
                legend="",
            ),
        ),
    ),
    facts=(
        Fact("The harm of dynamic noise is worst for complex operations, and for prompting.", "a summary of the paper"),
    ),
)
