"""Generators: tasks, each in a file of its own, and the pieces they share."""

from synthetic import (  # they register themselves  # they register themselves
    bags,
    boolean,
    gaussians,
    grokking,
    markov,
    mixture,
    separable,
    tint,
)
from synthetic import bags, boolean, gaussians, grokking, markov, mixture, separable, tint  # they register themselves
from synthetic import boolean, episodes, grokking, markov, mixture, tint  # they register themselves
from synthetic import (  # they register themselves
    boolean,
    composition,
    cot,
    grokking,
    hints,
    markov,
    mixture,
    recursion,
    tint,
)
from synthetic.heads import Classes, Head, Numbers, Places
from synthetic.measures import Measure, Measured
from synthetic.plane import delaunay, hull, tour  # likewise
from synthetic.rasp import addition, copying, counting, parity  # likewise
from synthetic.task import Example, Spec, Task, register, registry

__all__ = [
    "Classes",
    "Example",
    "Head",
    "Measure",
    "Measured",
    "Numbers",
    "Places",
    "Spec",
    "Task",
    "addition",
    "bags",
    "boolean",
    "composition",
    "copying",
    "cot",
    "counting",
    "delaunay",
    "gaussians",
    "episodes",
    "grokking",
    "grokking",
    "hints",
    "hull",
    "markov",
    "mixture",
    "parity",
    "recursion",
    "register",
    "registry",
    "separable",
    "tint",
    "tour",
]
