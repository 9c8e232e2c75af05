"""Chains of thought that compute: expressions, equations and dynamic programs (arXiv 2305.15408)."""

from synthetic.cot.edit_distance import EditDistance
from synthetic.cot.equations import Equations
from synthetic.cot.expressions import Expressions
from synthetic.cot.lis import Lis

__all__ = ["EditDistance", "Equations", "Expressions", "Lis"]
