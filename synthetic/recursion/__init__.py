"""Recursive functions by examples: the binary successor, and traversals of trees (arXiv 2401.12947)."""

from synthetic.recursion.successor import Successor

__all__ = ["Successor"]
