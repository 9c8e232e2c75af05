"""Recursive functions by examples: the binary successor, and traversals of trees (arXiv 2401.12947)."""

from synthetic.recursion.successor import Successor
from synthetic.recursion.traversal import Traversal

__all__ = ["Successor", "Traversal"]
