"""Chains of thought that compute: expressions, equations and dynamic programs (arXiv 2305.15408)."""

from synthetic.cot.expressions import Expressions

__all__ = ["Expressions"]
