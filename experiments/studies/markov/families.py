"""Rules of restricted families (Only-IF, arXiv:2410.04717, section 2.3.4, Fig. 4)."""

from __future__ import annotations

from typing import Any

from experiments.judging.axes import Axis, Score, Setting
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.grid import Grid
from experiments.judging.notes import also
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, TASK, UNSEEN, claim

FAMILIES = ("repeated", "periodic", "mirrored")
COLUMNS = tuple(f"task.{name}" for name in FAMILIES)
LOWER = 2  # the largest k that is tested apart, where training may have larger k alone
PAPER_TOO_FEW = 500  # rules up to which the paper's three families do not reach k below 3


def _mixture(*shares: float) -> str:
    return "all three" if all(shares) else " + ".join(n for n, share in zip(FAMILIES, shares, strict=True) if share)


def _arm(*shares: int) -> dict[str, int]:
    return dict(zip(COLUMNS, shares, strict=True))


def _count(*shares: float) -> int:
    return sum(map(bool, shares))


def _rank(*shares: float) -> tuple[int, tuple[float, ...]]:
    return _count(*shares), shares


KINDS = TASK.through(
    *COLUMNS,
    noun="mixtures",
    value=_mixture,
    order=_rank,
    tried={
        "markov_repeated": _arm(1, 0, 0),
        "markov_mirrored": _arm(0, 0, 1),
        "markov_repeated_mirrored": _arm(1, 0, 1),
        "markov_three_families": _arm(1, 1, 1),
    },
)
COUNT = KINDS.through(
    *COLUMNS,
    noun="families",
    reads=_count,
    order={},
    names={1: "one family", 2: "two families", 3: "three families"},
)
K = Axis("task.max_k", "k", (4,), said="k to {}")
THREE, FEWER = COUNT.at(3), COUNT.but(3).named("fewer")
FREE = Score("unseen/plain", "exact match on unconstrained rules")


def _name(grid: Grid, setting: Setting) -> str:
    """Formats the families, the largest k if there are several, and the number of rules."""
    kinds, k, rules = grid.format_cells(setting)
    several = len({grid.value(K, s) for s in grid.settings}) > 1
    return f"{kinds}{f', k to {k}' if several else ''}, {rules}"


def _paper(shares: tuple[float, ...], k: int, rules: int) -> str:
    return "reaches k < 3" if all(shares) and rules > PAPER_TOO_FEW else "does not"


def _order(shares: tuple[float, ...], *values: Any) -> Any:
    return (*KINDS.rank(shares), *values)


def _lower(grid: Grid) -> list[str]:
    """Returns a note on unseen rules of k = 2 at the most rules, for every number of families of larger k alone."""
    if any(grid.value(K, s) <= LOWER for s in grid.settings):
        return []
    tested = set(grid.table["condition"])
    scores = [Score(name) for family in FAMILIES if (name := f"unseen/{family}/k_{LOWER}") in tested]
    parts = []
    for number, words in COUNT.names.items():
        some = [s for score in scores for s in score.at(COUNT.at(number), RULES.most).sides(grid, grid.settings).more]
        means = [grid.cells(score).estimate(setting) for score, setting in some]
        parts += [f"{sum(means) / len(means):.3f} of {words}"] if means else []
    rules = RULES.most.words(grid)
    return [f"Unseen rules of k = {LOWER} at {rules}: {', '.join(parts)} (not judged)."] if parts else []


CLAIM = claim(
    name="markov/families",
    question="Do many rules of a few restricted kinds teach rules of any kind?",
    where="Fig. 4, section 2.3.4",
    text=(
        "Trained on rules of one restricted family, or of two, a model applies rules outside less than when trained on "
        "three, and there the more the more rules there are."
    ),
    setting="families, rules",
    reading=(
        "Training is on rules of one family (repeated, periodic or mirrored patterns), of two or of all three; tests "
        "are on rules without any constraint (k = 1; training has larger k alone)."
    ),
    looked=PILOTS,
    differs=(
        "Both sides of a rule are of the family, which the original leaves open; the numbers of repetitions "
        "are the divisors of a much shorter pattern."
    ),
    criterion=Criterion(
        axes=(KINDS, K, RULES),
        read=(FIT,),
        bounds=(
            (FREE.at(RULES.most, THREE) - FREE.at(RULES.most, FEWER)).at_least(0.1),
            (FREE.at(THREE, RULES.most) - FREE.at(THREE, RULES.fewest)).at_least(0.1),
        ),
    ),
    rows=Rows({"unconstrained": FREE, "own kinds": UNSEEN}, _name, _paper, _order),
    notes=(also(*(FREE.at(COUNT.at(number), RULES.most) for number in (1, 2))), _lower),
    figure=Drawing(
        tuple(
            Curves(x=RULES, scores={"": score}, by=COUNT, xlabel="number of rules", title=title)
            for score, title in (
                (FREE, "unseen rules, unconstrained"),
                (UNSEEN, "unseen rules of the kinds in training"),
            )
        ),
        legend="in training\n(mean of all)",
        ylabel="exact match",
    ),
    facts=(
        Fact("One family does not transfer to lower k.", "arXiv:2402.10891, section 4.3"),
        Fact("Two families mixed do not either; three mixed do.", "reading notes on arXiv:2405.19787"),
        Fact(
            "Of three families 500 rules or fewer never reach k below 3, and more rules help.",
            "arXiv:2410.04717, Fig. 4",
        ),
        Fact("The accuracies behind Fig. 4 are given as curves only, without numbers.", "arXiv:2410.04717, Fig. 4"),
    ),
)
