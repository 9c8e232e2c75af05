"""`python -m experiments.gallery`: write docs/tasks.md, what each task of the suite is and what it looks like.

python -m experiments.gallery           # write the page
python -m experiments.gallery --check   # write nothing; exit 1 where the page is not what would be written

All that is on the page is read from the tasks: docstrings, declarations, conditions, and an example that is the same
on every machine.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
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
from experiments.engine import devices
from experiments.errors import ConfigError, check_docstrings, command
from experiments.examples import compiled, rows
from experiments.files import write_whole
from fields import declared, replace
from synthetic.task import Example, Task, registry

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tasks.md"
WIDTH = 110  # of the rows of an example

# What makes an example short enough to be read, where a task's defaults do not.
_REWRITING = {"alphabet": 16, "input_length": 8, "search_length": 2, "replace_length": 2}
_LENGTHS = {"max_length": 6, "train_length": 3, "test_every": 3}
SMALL: dict[str, dict[str, Any]] = {
    "boolean": {"dimensions": 4, "points": 5},
    "markov": _REWRITING,
    "markov_encrypted": _REWRITING,
    "markov_families": _REWRITING | {"search_length": 4, "replace_length": 4, "num_rules": 500, "min_k": 2, "max_k": 4},
    "rasp_addition": {"max_length": 3, "train_length": 2, "test_every": 3},
    "rasp_and": {"bits": 8, "fixed": 3},
    "rasp_copy": _LENGTHS,
    "rasp_count": _LENGTHS,
    "rasp_mode": _LENGTHS,
    "rasp_parity": _LENGTHS,
    "rasp_sort": _LENGTHS,
    "tint": {"max_digits": 2, "examples": 64, "test_examples": 64},
    "tint_prompted": {"operations": "add+subtract", "max_digits": 1, "examples": 64, "test_examples": 64, "shots": 1},
}

_INTRODUCTION = """\
# Tasks

*Written by `python -m experiments.gallery` from the tasks themselves: change those, not this page.*

Each task is a generator of examples. Its **static** fields fix shapes, and another value of one is another compiled
program; its **knobs** may be swept within one. Every field is an override (`task=markov task.noop_rate=0.3`), and every
condition is scored at each evaluation. [Add a task](adding_a_task.md) says how to write one.

In examples, a row has a column for each position: what the model reads, what it should say there, and whether loss and
score look. What follows the last position that counts is left out, and tokens without a text of their own are numbers.
"""


def page() -> str:
    """The whole page."""
    tasks = ours()
    found = [_INTRODUCTION]
    found += [f"- [{name}](#{name}): {_paragraphs(cls.__doc__)[0]}" for name, cls in tasks.items()]
    for package, names in groupby(tasks, lambda name: _package(tasks[name])):
        found += ["", f"## {package}", "", _prose(_paragraphs(import_module(package).__doc__))]
        found += [f"\n{section(name, tasks[name])}" for name in names]
    return "\n".join(found) + "\n"


def ours() -> dict[str, type[Task]]:
    """The registered tasks of this repository, those of a package together."""
    tasks = {name: cls for name, cls in registry().items() if cls.__module__.startswith("synthetic.")}
    return dict(sorted(tasks.items(), key=lambda item: (_package(item[1]), item[0])))


def _package(cls: type[Task]) -> str:
    return cls.__module__.rpartition(".")[0]


def section(name: str, cls: type[Task]) -> str:
    """What the page says of one task."""
    module = inspect.getmodule(cls)
    path = Path(inspect.getfile(cls)).resolve().relative_to(ROOT).as_posix()
    parts = [
        f"### {name}",
        _prose(_paragraphs(cls.__doc__)),
        _prose(_sources(_paragraphs(module.__doc__ if module else None))),
        f"Code: [{path}](../{path})",
        shown(name, cls),
        _table(("field", "kind", "default", "allowed", "meaning"), _fields(cls)),
        _splits(cls),
        _table(("condition", "split", "with"), conditions(cls())),
    ]
    return "\n\n".join(part for part in parts if part)


def shown(name: str, cls: type[Task]) -> str:
    """The command that draws an example of the headline condition, its text, and its rows."""
    small = cls(**SMALL.get(name, {}))
    of = small.conditions()
    headline = cls.headline or list(of)[-1]
    variant, split = of[headline]
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
    return f"An example of `{headline}`:\n\n{_block(asks, 'sh')}\n\n{_block(text)}\n\n{facts}".rstrip()


def aligned(task: Task, example: Example) -> str:
    """The rows inputs, targets and weights, folded where they are too wide.

    They have a column for each position up to the last with a weight, and a task's `names` in place of tokens.
    """
    names = list(task.names)
    read = _vectors(example.inputs) if task.spec.vocabulary is None else [names[token] for token in example.inputs]
    said = [names[token] for token in example.targets]
    looks = [f"{weight:g}" for weight in example.weights]
    positions = zip(read, said, looks, strict=True)
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


def _vectors(inputs: Any) -> list[str]:
    """Vectors as signs where they are made of -1, 0 and 1, else as numbers."""
    signs = {-1.0: "-", 0.0: "0", 1.0: "+"}
    whole = np.isin(inputs, list(signs)).all()
    return [
        f"[{' '.join(signs[v] if whole else f'{v:.3g}' for v in vector)}]" for vector in np.asarray(inputs).tolist()
    ]


def _fields(cls: type[Task]) -> Iterator[tuple[str, ...]]:
    for field in declared(cls).values():
        default = str(field.default).lower() if field.type is bool else str(field.default)
        yield f"`{field.name}`", "knob" if field.traced else "static", default, field.allowed(), field.doc


def _splits(cls: type[Task]) -> str:
    splits = [f"`{split}`{' (held out)' if split in cls.held_out else ''}" for split in cls.splits]
    rates = [f"`{knob}` is the share of training examples with `{fact}`" for fact, knob in cls.rates.items()]
    return ". ".join([f"Splits: {', '.join(splits)}", *rates]) + "."


def conditions(task: Task) -> Iterator[tuple[str, ...]]:
    """Rows (condition, split, the knobs that are not the task's); numbered ones of a kind are a single row."""
    every = [(name, split, variant) for name, (variant, split) in task.conditions().items()]
    headline = task.headline or every[-1][0]

    def kind(row: tuple[str, str, Task]) -> tuple[str, str]:
        name, split, _ = row
        return re.sub(r"\d+$", "number", name), split

    for (_, split), group in groupby(every, kind):
        of = list(group)
        first, last = of[0][0], of[-1][0]
        names = f"`{first}`" if len(of) == 1 else f"`{first}` … `{last}` ({len(of)})"
        mark = " (headline)" if first == headline else ""
        keys = dict.fromkeys(key for _, _, variant in of for key in _changed(variant, task))
        values = {key: dict.fromkeys(f"{getattr(variant, key):g}" for _, _, variant in (of[0], of[-1])) for key in keys}
        yield names + mark, split, ", ".join(f"`{key}` {' … '.join(ends)}" for key, ends in values.items())


def _changed(variant: Task, task: Task) -> dict[str, Any]:
    knobs = [name for name, d in declared(type(task)).items() if d.traced]
    return {name: getattr(variant, name) for name in knobs if getattr(variant, name) != getattr(task, name)}


def _paragraphs(doc: str | None) -> list[str]:
    """The paragraphs of a docstring, on one line each but for indented ones, which stay as they are."""
    found = re.split(r"\n\s*\n", inspect.cleandoc(doc or ""))
    return [part if part.startswith("    ") else " ".join(part.split()) for part in found if part.strip()]


def _sources(paragraphs: list[str]) -> list[str]:
    """The paragraphs that name a paper, and what those that end in a colon announce."""
    found, announced = [], False
    for part in paragraphs:
        named = bool(_ARXIV.search(part))
        if named or (announced and part.startswith("    ")):
            found.append(part)
        announced = named and part.endswith(":")
    return found


_ARXIV = re.compile(r"\b(\d{4}\.\d{5})\b")


def _prose(paragraphs: Iterable[str]) -> str:
    """Paragraphs as Markdown: indented ones as blocks, numbers of arXiv as links."""
    return "\n\n".join(
        _block(textwrap.dedent(part)) if part.startswith("    ") else _linked(part) for part in paragraphs
    )


def _linked(text: str) -> str:
    spans = text.split("`")  # every second one is code
    spans[::2] = [_ARXIV.sub(r"[\1](https://arxiv.org/abs/\1)", re.sub(r"([*<|])", r"\\\1", s)) for s in spans[::2]]
    return "`".join(spans)


def _block(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


def _table(head: tuple[str, ...], found: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m experiments.gallery", description="Write docs/tasks.md.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is current; exit 1 if not")
    asked = parser.parse_args()
    check_docstrings()
    devices.pin()
    text, where = page(), PAGE.relative_to(ROOT) if PAGE.is_relative_to(ROOT) else PAGE
    if asked.check:
        if PAGE.is_file() and PAGE.read_text() == text:
            return 0
        print(f"{where} is not current: run `python -m experiments.gallery`", file=sys.stderr)
        return 1
    try:
        write_whole(PAGE, text.encode())
    except OSError as e:
        raise ConfigError(f"cannot write {PAGE}: {e.strerror or e}") from None
    print(f"wrote {where}: {len(ours())} tasks")
    return 0


if __name__ == "__main__":
    command(main)()
