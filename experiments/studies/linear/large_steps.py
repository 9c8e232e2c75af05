"""Gradient descent with large steps, and the batch perceptron that is its limit (arXiv:2412.08424)."""

from __future__ import annotations

from experiments.judging import octaves
from experiments.judging.axes import Axis, Score, Setting
from experiments.judging.claim import Claim, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows

RATES = {"step_03": 0.3, "step_3": 3, "step_30": 30, "step_300": 300}
LEARNER = Axis(
    "linear/learner",
    "learner",
    (*RATES, "perceptron", "normalised_3", "normalised_30"),
    names={
        **{name: f"descent at {rate:g}" for name, rate in RATES.items()},
        "perceptron": "batch perceptron",
        **{f"normalised_{rate}": f"normalised at {rate}" for rate in (3, 30, 300)},
    },
    order={
        name: place for place, name in enumerate((*RATES, "perceptron", *(f"normalised_{n}" for n in (3, 30, 300))))
    },
)
POINTS = Axis(
    "linear/points",
    "points",
    ("spread", "opposed"),
    names={
        **dict.fromkeys(("spread", "few_spread", "many_spread"), "random points"),
        **dict.fromkeys(("opposed", "few_opposed", "many_opposed"), "the worst case"),
    },
)
SPREAD = POINTS.at("spread", "few_spread", "many_spread").named("random points")
OPPOSED = POINTS.at("opposed", "few_opposed", "many_opposed").named("the worst case")
SMALL, MIDDLE, LARGE, HUGE = (LEARNER.at(name) for name in RATES)
PERCEPTRON, NORMALISED = LEARNER.at("perceptron"), LEARNER.at("normalised_30")
SLOW = LEARNER.at("step_03", "step_3", "normalised_3", "normalised_30", "normalised_300").named("the slower side")

STEPS = Score("set", "octaves of steps to no error", octaves.NAME, measure=octaves.OF_STEPS)
SEPARATED = Score("set", "share of runs that come to no error", octaves.REACHED_NAME, measure=octaves.REACHED)
PEAK = Score("set", "the largest loss until then", octaves.PEAK_NAME, measure=octaves.PEAK)


def _order(points: str, learner: str) -> tuple[bool, float]:
    """Returns a sort key: random points first, and learners as the axis has them."""
    return points.endswith("opposed"), LEARNER.rank(learner)


def _name(grid: Grid, setting: Setting) -> str:
    return LEARNER.format_value(grid.value(LEARNER, setting))


def _steps(grid: Grid) -> list[str]:
    """Returns a note on the steps that each learner took, as geometric means over seeds."""
    cells, separated = grid.cells(STEPS), grid.cells(SEPARATED)
    parts = []
    for setting in sorted(cells.scores, key=lambda s: _order(*s)):
        number = 2 ** cells.estimate(setting)
        more = ", or more" if separated.estimate(setting) < 1 else ""
        parts.append(f"{grid.format_setting(setting)} {number:,.0f}{more}")
    return [f"Steps to no error, as geometric means: {'; '.join(parts)}."]


CLAIM = Claim(
    name="linear/large_steps",
    question="Do steps that raise the loss separate classes sooner?",
    title="From logistic regression to the perceptron algorithm: exploring gradient descent with large step sizes",
    arxiv="2412.08424",
    where="Figs 1 to 4, Table 1, theorems 3.2 and 5.1",
    text=(
        "Steps far too large for the logistic loss raise it, and yet come to no error in fewer steps; their limit is "
        "the batch perceptron. Dividing by the mean probability of a wrong answer helps in the worst case, and costs "
        "steps on random points."
    ),
    setting="points, learner",
    reading=(
        "Rates are in units of 2 / L for random points, L the largest curvature of the loss. Steps are those of the "
        "first evaluation, of ten to each tenfold of steps, at which all of the set is right. An octave is a factor of "
        "two. A run that never separates the set counts as if it had at its end, and only on the side that is to be "
        "slower."
    ),
    looked="Rates, sizes and bounds were chosen by looking at seeds 0 to 5, none of which is reported.",
    differs=(
        "Random points and the paper's own worst case in place of pictures; rates are given in units of the loss's "
        "curvature, as the paper's steps depend on the scale of its pictures."
    ),
    criterion=Criterion(
        axes=(POINTS, LEARNER),
        view=octaves.BySteps("set"),
        read=(Fitted(SEPARATED, exempt=(SLOW,)),),
        bounds=(
            (STEPS.at(SPREAD, MIDDLE) - STEPS.at(SPREAD, LARGE)).at_least(1.5),
            PEAK.at(SPREAD, HUGE).at_least(2.0),
            (STEPS.at(SPREAD, HUGE) - STEPS.at(SPREAD, PERCEPTRON)).near_zero(0.75),
            (STEPS.at(OPPOSED, LARGE) - STEPS.at(OPPOSED, NORMALISED)).at_least(4),
            (STEPS.at(SPREAD, NORMALISED) - STEPS.at(SPREAD, LARGE)).at_least(1),
        ),
    ),
    rows=Rows({"octaves of steps": STEPS, "separated": SEPARATED, "peak of the loss": PEAK}, order=_order),
    notes=(_steps,),
    figure=Drawing(
        (
            Bars(scores={"steps": STEPS}, title="random points", picks=(SPREAD,), name=_name, order=_order),
            Bars(scores={"steps": STEPS}, title="the worst case", picks=(OPPOSED,), named=False, order=_order),
            Bars(scores={"loss": PEAK}, title="random points", picks=(SPREAD,), named=False, order=_order),
        ),
        share=False,
    ),
    facts=(
        Fact("The worst case takes descent at 100 308 steps, normalised descent at 10 or more 2.", "Table 1"),
        Fact(
            "Balanced pictures take descent 2,778 steps at 10 and normalised descent 3,160 or more; with few of one "
            "class it is 538 and 311.",
            "Table 1",
        ),
    ),
)
