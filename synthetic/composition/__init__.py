"""Composition: commands that are made of parts, some of which training has alone (arXiv 2311.04420)."""

from synthetic.composition.scan import Scan

__all__ = ["Scan"]
