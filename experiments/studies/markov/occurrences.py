"""How often the pattern stands in the input (P1, arXiv:2402.10891, section 4.5, Table 1)."""

from __future__ import annotations

from experiments.judging.agreement import Agreement, Published
from experiments.judging.axes import Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, TASK, TRAIN, claim


def _first(low: int, high: int) -> int:
    """The number of occurrences in training, 0 where they are mixed."""
    return low if low == high else 0


def _arm(low: int, high: int) -> dict[str, int]:
    return {"task.min_occurrences": low, "task.max_occurrences": high}


OCCURRENCES = TASK.through(
    "task.min_occurrences",
    "task.max_occurrences",
    noun="occurrences in training",
    reads=_first,
    names={0: "mixed"},
    said="{} occurrences",
    tried={"markov_occurs_1": _arm(1, 1), "markov_occurs_10": _arm(10, 10), "markov_occurs_mixed": _arm(1, 10)},
)
MIXED, FIXED = (OCCURRENCES.at(0).named("mixed occurrences"), OCCURRENCES.but(0).named("a fixed number of them"))
UNSEEN = Score("unseen/mixed", "exact match on unseen rules")
# Accuracy by occurrences in training (0: mixed) and number of rules; the rows for 5 and 15 could not be found.
PAPER = {
    1: {2000: 0.71, 1000: 0.41, 500: 0.0, 200: 0.0},
    10: {2000: 0.88, 1000: 0.71, 500: 0.0, 200: 0.0},
    20: {2000: 0.73, 1000: 0.28, 500: 0.07, 200: 0.0},
    0: {2000: 0.94, 1000: 0.94, 500: 0.62, 200: 0.0},
}


def _paper(occurrences: int, rules: int) -> str:
    score = PAPER.get(occurrences, {}).get(rules)
    return "" if score is None else f"{score:.2f}"


TABLE = Agreement(
    tuple(
        Published(
            f"{OCCURRENCES.format_cell(times)}, {rules:,} rules",
            UNSEEN.at(OCCURRENCES.at(times), RULES.at(rules)),
            value,
        )
        for times, by_rules in PAPER.items()
        for rules, value in by_rules.items()
    ),
    tolerance=0.1,
    few=8,
)


def _agreement(grid: Grid) -> list[str]:
    """Returns a note on how many cells of the paper's table agree, where a scale has most of them."""
    results = TABLE.outcomes(grid, grid.settings, 1.0)
    if len(results) < TABLE.few:
        return []
    counts = {verdict: sum(one.verdict == verdict for one in results) for verdict in ("inside", "outside")}
    outside = "; ".join(one.name for one in results if one.verdict == "outside")
    return [
        f"Of {len(results)} cells of the paper's table {counts['inside']} agree to within {TABLE.tolerance:g} and "
        f"{counts['outside']} are outside{f' ({outside})' if outside else ''} (not judged)."
    ]


CLAIM = claim(
    name="markov/occurrences",
    question="Does it help to vary how often the pattern stands in the input?",
    title="Instruction Diversity Drives Generalization To Unseen Tasks",
    arxiv="2402.10891",
    where="section 4.5, Table 1 of its first version",
    text=(
        "Inputs in which the pattern stands a varied number of times help to apply unseen rules more than a fixed "
        "number does on average, but do not make up for too few rules."
    ),
    setting="occurrences in training",
    reading=(
        "Tests are on inputs in which the pattern stands any number of times that fits, each equally often (the paper "
        "does not say what it tests on; that varied training was best at every number of rules, and one occurrence "
        "worse than ten, speaks for a mix); only the leftmost is replaced."
    ),
    differs=(
        "Inputs are too short for the original's counts, so that the mix is of any number that fits. What it "
        "tests on is not stated; ours is that mix."
    ),
    criterion=Criterion(
        axes=(OCCURRENCES, RULES),
        read=(FIT,),
        bounds=(
            (UNSEEN.at(RULES.above_fewest, MIXED) - UNSEEN.at(RULES.above_fewest, FIXED)).at_least(0.1),
            (UNSEEN.at(MIXED, RULES.most) - UNSEEN.at(MIXED, RULES.fewest)).at_least(0.5),
        ),
    ),
    rows=Rows({"unseen": UNSEEN, "train": TRAIN}, "{}, {} rules", _paper, lambda *values: values),
    notes=(_agreement,),
    figure=Drawing(
        tuple(
            Curves(x=RULES, scores={"": score}, by=OCCURRENCES, xlabel="number of rules", title=title)
            for score, title in ((UNSEEN, "unseen rules, any number of occurrences"), (TRAIN, "training set"))
        ),
        legend="occurrences\nin training",
        ylabel="exact match",
    ),
    facts=(
        Fact(
            "Mixed occurrences score 0.94, 0.94, 0.62 and 0 at 2,000, 1,000, 500 and 200 rules; one occurrence 0.71, "
            "0.41, 0 and 0; ten 0.88, 0.71, 0 and 0; twenty 0.73, 0.28, 0.07 and 0.",
            "a course note quoting arXiv:2402.10891, Table 1",
        ),
        Fact("The mix is of 1, 5, 10, 15 and 20; what is tested on is not stated.", "the same"),
    ),
)
