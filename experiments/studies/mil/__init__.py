"""Studies of multiple-instance learning."""

ORDER = ("unit_tests",)
