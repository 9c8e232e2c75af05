"""`python -m experiments.gallery`: write docs/tasks.md, a description and an example of each task of the suite.

python -m experiments.gallery # write the page python -m experiments.gallery --check # write nothing; exit 1 if the page
differs from what would be written

Everything on the page is read from the tasks: docstrings, declarations, conditions, and an example that is the same on
every machine.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.engine import config as configs
from experiments.errors import command
from experiments.examples import compiled, rows
from experiments.pages import ROOT, format_default, format_table, keep
from fields import declared, replace
from synthetic.heads import Numbers
from synthetic.task import Example, Task, registry

PAGE = ROOT / "docs" / "tasks.md"
WIDTH = 110  # of the rows of an example

# Settings that make an example short enough to be read, for tasks whose defaults do not.
_REWRITING = {"alphabet": 16, "input_length": 8, "search_length": 2, "replace_length": 2}
_LENGTHS = {"max_length": 6, "train_length": 3, "test_every": 3}
_POINTS = {"capacity": 5, "max_points": 5, "test_every": 5}
SMALL: dict[str, dict[str, Any]] = {
    "bags": {"dimensions": 2},
    "boolean": {"dimensions": 4, "points": 5},
    "delaunay": _POINTS | {"capacity": 4, "max_points": 4, "test_every": 4},
    "hull": _POINTS,
    "gaussians": {"dimensions": 4},
    "episode_classes": {"pairs": 2, "dimensions": 2, "labels": 4, "copies": 1},
    "episode_projections": {"classes": 2, "dimensions": 2, "points": 4},
    "episode_regression": {"dimensions": 2, "points": 4, "pool": 4},
    "edit_distance": {"max_letters": 3, "letters": 3},
    "equations": {"modulus": 5},
    "expressions": {"max_operators": 2, "train_operators": 2},
    "hinted_increment": _LENGTHS,
    "hinted_sort": _LENGTHS,
    "lis": {"max_items": 5, "items": 5},
    "markov": _REWRITING,
    "markov_encrypted": _REWRITING,
    "markov_families": _REWRITING | {"search_length": 4, "replace_length": 4, "num_rules": 500, "min_k": 2, "max_k": 4},
    "modular": {"p": 7},
    "rasp_addition": {"max_length": 3, "train_length": 2, "test_every": 3},
    "rasp_and": {"bits": 8, "fixed": 3},
    "rasp_copy": _LENGTHS,
    "rasp_count": _LENGTHS,
    "rasp_majority": _LENGTHS,
    "rasp_mode": _LENGTHS,
    "rasp_parity": _LENGTHS,
    "rasp_sort": _LENGTHS,
    "tour": _POINTS,
    "sparse_parity": {"bits": 12, "samples": 100},
    "separable": {"dimensions": 3, "points": 20},
    "scan": {"most_primitives": 4},
    "successor": {"max_length": 7, "test_length": 7, "train_length": 6},
    "tint": {"max_digits": 2, "examples": 64, "test_examples": 64},
    "traversal": {"max_nodes": 3, "train_nodes": 3},
    "tint_prompted": {"operations": "add+subtract", "max_digits": 1, "examples": 64, "test_examples": 64, "shots": 1},
}

_INTRODUCTION = """\
# Tasks

*Written by `python -m experiments.gallery` from the tasks themselves: change those, not this page.*

Each task is a generator of examples. Its **static** fields fix shapes, and another value of one is another compiled
program; its **knobs** may be swept within one. Every field is an override (`task=markov task.noop_rate=0.3`), and every
condition is scored at each evaluation. [Add a task](adding_a_task.md) shows how to write one.

In examples, a row has a column for each position: the token that the model reads, the token that is right there, and
the weight of the position in loss and score. Positions after the last with a weight are left out, and tokens without a
text of their own are numbers.
"""


def page() -> str:
    """Returns the whole page."""
    tasks = ours()
    lines = [_INTRODUCTION]
    lines += [f"- [{name}](#{name}): {_paragraphs(cls.__doc__)[0]}" for name, cls in tasks.items()]
    for package, names in groupby(tasks, lambda name: _package(tasks[name])):
        lines += ["", f"## {package}", "", _format_prose(_paragraphs(import_module(package).__doc__))]
        lines += [f"\n{section(name, tasks[name])}" for name in names]
    return "\n".join(lines) + "\n"


def ours() -> dict[str, type[Task]]:
    """Returns the registered tasks of this repository, those of a package together."""
    tasks = {name: cls for name, cls in registry().items() if cls.__module__.startswith("synthetic.")}
    return dict(sorted(tasks.items(), key=lambda item: (_package(item[1]), item[0])))


def _package(cls: type[Task]) -> str:
    return cls.__module__.rpartition(".")[0]


def section(name: str, cls: type[Task]) -> str:
    """Returns the page's section on one task."""
    module = inspect.getmodule(cls)
    path = Path(inspect.getfile(cls)).resolve().relative_to(ROOT).as_posix()
    parts = [
        f"### {name}",
        _format_prose(_paragraphs(cls.__doc__)),
        _format_prose(_sources(_paragraphs(module.__doc__ if module else None))),
        f"Code: [{path}](../{path})",
        shown(name, cls),
        format_table(("field", "kind", "default", "allowed", "meaning"), _fields(cls)),
        _splits(cls),
        format_table(("condition", "split", "with"), conditions(cls())),
    ]
    return "\n\n".join(part for part in parts if part)


def shown(name: str, cls: type[Task]) -> str:
    """Returns the command that samples an example of the headline condition, its text, and its rows."""
    small = cls(**SMALL.get(name, {}))
    conditions = small.conditions()
    headline = small.headline or list(conditions)[-1]
    variant, split = conditions[headline]
    settings = SMALL.get(name, {}) | _changed(variant, small)
    words = [f"task={name}", *(f"task.{key}={value}" for key, value in settings.items())]
    run = configs.jobs([words])[0].run
    task = run.task.materialise()
    # The first example that the command shows.
    batch = compiled(replace(run, task=task), split, 1)(jnp.int32(0))
    example = next(rows(jax.tree.map(np.asarray, batch)))
    prompt, answer = task.render(example)
    asks = f"python -m experiments.preview {' '.join(words)} split={split} count=1"
    facts = f"Facts of an example: {', '.join(f'`{fact}`' for fact in example.facts)}." if example.facts else ""
    text = f"{prompt}  =>  {answer}\n\n{aligned(task, example)}"
    return f"An example of `{headline}`:\n\n{_format_block(asks, 'sh')}\n\n{_format_block(text)}\n\n{facts}".rstrip()


def aligned(task: Task, example: Example) -> str:
    """Returns the rows inputs, targets and weights, folded if they are too wide.

    They have a column for each position up to the last with a weight, and a task's `names` in place of tokens.
    """
    names = list(task.names)
    vectors = task.spec.vocabulary is None
    inputs = _format_vectors(example.inputs) if vectors else [names[token] for token in example.inputs]
    numbers = isinstance(task.spec.head, Numbers)
    targets = _format_vectors(example.targets) if numbers else [names[token] for token in example.targets]
    weights = [f"{weight:g}" for weight in example.weights]
    positions = zip(inputs, targets, weights, strict=True)
    columns = [[cell.ljust(max(map(len, cells))) for cell in cells] for cells in positions]
    columns = columns[: int(np.flatnonzero(example.weights)[-1]) + 1]
    lines, used = [[]], 0
    for column in columns:
        used += len(column[0]) + 1
        if used > WIDTH and lines[-1]:
            lines.append([])
            used = len(column[0]) + 1
        lines[-1].append(column)
    folded = [
        "\n".join(f"{label:9} {' '.join(cells)}".rstrip() for label, *cells in zip(_ROWS, *line, strict=True))
        for line in lines
    ]
    return "\n\n".join(folded)


_ROWS = ("inputs", "targets", "weights")


def _format_vectors(inputs: Any) -> list[str]:
    """Formats vectors as signs if they are made of -1, 0 and 1, else as numbers."""
    signs = {-1.0: "-", 0.0: "0", 1.0: "+"}
    whole = np.isin(inputs, list(signs)).all()
    return [
        f"[{' '.join(signs[v] if whole else f'{v:.3g}' for v in vector)}]" for vector in np.asarray(inputs).tolist()
    ]


def _fields(cls: type[Task]) -> Iterator[tuple[str, ...]]:
    for field in declared(cls).values():
        default = format_default(field.default)
        yield f"`{field.name}`", "knob" if field.traced else "static", default, field.allowed(), field.doc


def _splits(cls: type[Task]) -> str:
    task = cls()
    splits = [f"`{split}`{' (held out)' if split in task.held_out else ''}" for split in task.splits]
    rates = [f"`{knob}` is the share of training examples with `{fact}`" for fact, knob in cls.rates.items()]
    return ". ".join([f"Splits: {', '.join(splits)}", *rates]) + "."


def conditions(task: Task) -> Iterator[tuple[str, ...]]:
    """Yields rows (condition, split, the knobs that are not the task's); numbered ones of a kind are a single row."""
    every = [(name, split, variant) for name, (variant, split) in task.conditions().items()]
    headline = task.headline or every[-1][0]

    def kind(row: tuple[str, str, Task]) -> tuple[str, str]:
        name, split, _ = row
        return re.sub(r"\d+$", "number", name), split

    for (_, split), group in groupby(every, kind):
        members = list(group)
        first, last = members[0][0], members[-1][0]
        names = f"`{first}`" if len(members) == 1 else f"`{first}` … `{last}` ({len(members)})"
        mark = " (headline)" if first == headline else ""
        keys = dict.fromkeys(key for _, _, variant in members for key in _changed(variant, task))
        values = {
            key: dict.fromkeys(f"{getattr(variant, key):g}" for _, _, variant in (members[0], members[-1]))
            for key in keys
        }
        yield names + mark, split, ", ".join(f"`{key}` {' … '.join(ends)}" for key, ends in values.items())


def _changed(variant: Task, task: Task) -> dict[str, Any]:
    knobs = [name for name, d in declared(type(task)).items() if d.traced and d.type is not dict]
    return {name: getattr(variant, name) for name in knobs if getattr(variant, name) != getattr(task, name)}


def _paragraphs(doc: str | None) -> list[str]:
    """Returns the paragraphs of a docstring, each on one line; indented ones stay as they are."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(doc or ""))
    return [part if part.startswith("    ") else " ".join(part.split()) for part in paragraphs if part.strip()]


def _sources(paragraphs: list[str]) -> list[str]:
    """Returns the paragraphs that name a paper, and the blocks announced by those that end in a colon."""
    sources, announced = [], False
    for part in paragraphs:
        named = bool(_ARXIV.search(part))
        if named or (announced and part.startswith("    ")):
            sources.append(part)
        announced = named and part.endswith(":")
    return sources


_ARXIV = re.compile(r"\b(\d{4}\.\d{5})\b")


def _format_prose(paragraphs: Iterable[str]) -> str:
    """Formats paragraphs as Markdown: indented ones as blocks, numbers of arXiv as links."""
    return "\n\n".join(
        _format_block(textwrap.dedent(part)) if part.startswith("    ") else _format_links(part) for part in paragraphs
    )


def _format_links(text: str) -> str:
    spans = text.split("`")  # every second one is code
    spans[::2] = [_ARXIV.sub(r"[\1](https://arxiv.org/abs/\1)", re.sub(r"([*<|])", r"\\\1", s)) for s in spans[::2]]
    return "`".join(spans)


def _format_block(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


def main() -> int:
    """Runs the command; see the module's docstring."""
    return keep(PAGE, page, "experiments.gallery", computes=True)


if __name__ == "__main__":
    command(main)()
