"""Generators: tasks, each in a file of its own, and the pieces they share."""

from synthetic import (  # they register themselves  # they register themselves  # they register themselves
    bags,
    boolean,
    composition,
    cot,
    episodes,  # they register themselves
    gaussians,
    grokking,
    hints,
    markov,
    mixture,
    recursion,
    separable,
    tint,
)
from synthetic.heads import Classes, Head, Numbers, Places
from synthetic.measures import Measure, Measured
from synthetic.plane import delaunay, hull, tour  # likewise
from synthetic.rasp import addition, copying, counting, majority, parity  # likewise
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
    "episodes",
    "gaussians",
    "grokking",
    "hints",
    "hull",
    "majority",
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
