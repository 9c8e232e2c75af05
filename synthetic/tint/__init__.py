"""TInt: arithmetic with noised chains of thought (arXiv 2402.04004)."""

from synthetic.tint.prompted import TIntPrompted
from synthetic.tint.task import TInt

__all__ = ["TInt", "TIntPrompted"]
