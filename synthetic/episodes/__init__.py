"""Episodes of examples in context: classes with their labels, projected classes, linear regression."""

from synthetic.episodes.classes import ClassEpisodes
from synthetic.episodes.projections import ProjectionEpisodes
from synthetic.episodes.regression import RegressionEpisodes

__all__ = ["ClassEpisodes", "ProjectionEpisodes", "RegressionEpisodes"]
