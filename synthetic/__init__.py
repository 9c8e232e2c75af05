"""What is generated: tasks, each in a file of its own, and the pieces they share."""

from synthetic import markov  # registers itself
from synthetic.task import Example, Spec, Task, register, registry

__all__ = ["Example", "Spec", "Task", "markov", "register", "registry"]
