"""Metadata of exported files, and the card of a data set: all that a stranger needs to use the examples."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from experiments.engine.provenance import provenance
from experiments.examples import Words
from experiments.pages import format_table

_SIZES = [10**n for n in range(3, 10)]  # of the Hub's size categories


def project() -> dict[str, str]:
    """Returns the project's name, version and commit."""
    try:
        number = version("terrarium")
    except PackageNotFoundError:  # run from a checkout that is not installed
        number = "unknown"
    return {"project": "terrarium", "version": number, "commit": provenance()["commit"]}


def metadata(words: Words, split: str) -> dict[str, Any]:
    """Returns what a file carries: project, split, configuration, and the vocabulary, a text for each token."""
    config = {"task": words.config["task"], "seed": words.config["seed"]}
    names = [str(name) for name in words.run.task.names]
    return project() | {"split": split, "count": words.count, "config": config, "vocabulary": names}


def split_name(split: str) -> str:
    """Returns the name of a split in a data set, which may have dots but no slashes."""
    return split.replace("/", ".")


def file_name(split: str) -> str:
    """Returns the name of a split's file."""
    return f"{split_name(split)}.parquet"


def format_card(words: Words, paths: Mapping[str, Path]) -> str:
    """Formats the card of a data set, README.md: a YAML header for `datasets` and the Hub, then a page for a reader.

    paths: the file of each split, in the folder `data`.
    """
    task, name, made_by = words.run.task, words.config["task"]["name"], project()
    files = [{"split": split_name(split), "path": f"data/{path.name}"} for split, path in paths.items()]
    header = {
        "pretty_name": f"Terrarium: {name}",
        "license": "apache-2.0",
        "tags": ["synthetic", "terrarium", name],
        "size_categories": [_size_category(words.count * len(paths))],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    summary = next(iter((inspect.getdoc(type(task)) or "").splitlines()), "")  # none under -OO
    first, file = next(iter(paths.items()))
    facts = ", ".join(f"`{fact}`" for fact in _facts(file))
    splits = [
        (f"`{split_name(split)}`", str(words.count), "yes" if split in task.held_out else "no") for split in paths
    ]
    own = [word for word in sys.argv[1:] if not word.startswith("out=")]
    again = shlex.join(["python", "-m", "experiments.export", *own, "out=FOLDER"])
    tokens = [f"{token} `{_plain(text)}`" for token, text in enumerate(task.names)]
    width = f", each of {task.spec.width_in} numbers" if task.spec.width_in else ""
    columns = [
        ("`prompt`, `answer`", "the example as text"),
        ("`inputs`", f"what a model reads, at {task.spec.length} positions{width}"),
        ("`targets`", "the right answer at each position"),
        ("`weights`", "1 where loss and score look, 0 on prompt and padding"),
        *([("`facts`", facts)] if facts else []),
    ]
    config = yaml.safe_dump({"task": words.config["task"], "seed": words.config["seed"]}, sort_keys=False)
    return "\n".join(
        [
            f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
            f"# Terrarium: {name}\n",
            f"{summary}\n",
            '```python\nfrom datasets import load_dataset\n\ndata = load_dataset("FOLDER")\n```\n',
            format_table(("split", "examples", "held out from training"), splits) + "\n",
            format_table(("column", "what"), columns) + "\n",
            f"An example of `{split_name(first)}`:\n\n```text\n{_format_example(file)}\n```\n",
            f"Tokens: {', '.join(tokens)}.\n" if task.spec.vocabulary else "",
            f"Made by {made_by['project']} {made_by['version']} (commit {made_by['commit']}), with\n",
            f"```sh\n{again}\n```\n\nin the configuration\n\n```yaml\n{config}```\n",
            "Each file carries the vocabulary, the configuration and the version as metadata under `terrarium.`.\n",
        ]
    )


def _format_example(path: Path) -> str:
    """Formats the first example of a file."""
    row = pl.read_parquet(path, n_rows=1, columns=["prompt", "answer"]).row(0)
    return "  =>  ".join(row)


def _facts(path: Path) -> list[str]:
    """Returns the names of the facts of a file's examples."""
    facts = pl.read_parquet_schema(path).get("facts")
    return [field.name for field in facts.fields] if isinstance(facts, pl.Struct) else []


def _plain(text: str) -> str:
    """Returns a token's text without letters that would end the code that it stands in."""
    return text.replace("`", "'").replace("\n", "\\n")


def _size_category(number: int) -> str:
    """Returns the Hub's name for a number of examples: n<1K, 1K<n<10K ..."""
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B"]
    above = sum(number >= size for size in _SIZES)
    if above == 0:
        return "n<1K"
    return f"n>{names[-1]}" if above == len(names) else f"{names[above - 1]}<n<{names[above]}"
