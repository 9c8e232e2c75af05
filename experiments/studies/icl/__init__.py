"""Studies of learning in context: of classes, and of projected classification."""

ORDER = ("data_dependence", "abrupt", "architectures", "multiplicity", "many_tasks", "bias")
