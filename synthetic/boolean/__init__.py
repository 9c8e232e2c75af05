"""Boolean functions learnt in context, family by family, and the learners that know the answer (arXiv 2310.03016)."""

from synthetic.boolean.task import FAMILIES, Boolean

__all__ = ["FAMILIES", "Boolean"]
