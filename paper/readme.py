"""`python -m paper.readme [--check]`: writes the README's table of studies, from the record at cpu scale.

The table stands between two markers in README.md and has a line for each study. `--check` writes nothing: the exit
code is 1, with one line on the error stream, if the README differs from the record's table.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from experiments import recorded as studies
from experiments.files import write_whole
from experiments.judging.chance import format_all
from experiments.judging.results import RecordError
from experiments.modules import check_checkout
from experiments.printing import format_interval
from experiments.studies import own
from experiments.summary import MARK, Entry, entries, format_marked, format_tested
from paper import conflicts
from paper.command import command

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- studies -->", "<!-- /studies -->"
SCALE = "cpu"


def main() -> int:
    """Runs the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m paper.readme", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, and exit with 1 where it is not current")
    arguments = parser.parse_args()
    check_checkout(README.name)
    studies.check()
    text = README.read_text()
    current = renewed(text, entries(SCALE, own()))
    if arguments.check and text != current:
        print(f"{README.name} is not current: run `python -m paper.readme`", file=sys.stderr)
        return 1
    if text != current:
        write_whole(README, current.encode())
    return 0


def renewed(text: str, judged: Sequence[Entry]) -> str:
    """Returns `text` with a new part between the markers. Raises RecordError if it lacks one of them."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise RecordError(f"{README}: lacks the markers {START} and {END}")
    lines = [
        "| study | what is asked | paper | found on two CPU cores: effect [interval] |",
        "|---|---|---|---|",
        *(_row(entry) for entry in judged),
        "",
        *conflicts.markdown(judged),
        *textwrap.wrap(format_marked(judged).replace(MARK, f"\\{MARK}"), 120),
        *textwrap.wrap(f"{format_tested(judged)} {format_all([entry.claim.name for entry in judged])}", 120),
        *textwrap.wrap(studies.format_recorded(), 120),
        "A study's name leads to its figure. `python -m paper.report` makes one page of all, with tables, criteria,",
        "configurations and data.",
    ]
    return f"{before}{START}\n{chr(10).join(lines)}\n{END}{after}"


def _row(entry: Entry) -> str:
    claim, judgement = entry.claim, entry.judgement
    name, result = f"`{claim.name}`", entry.verdict
    if judgement:
        name = f"[{name}](paper/results/{entry.study}.png)"
        camps = f"\\{MARK}" if judgement.camps else ""
        result = f"**{entry.verdict}**{camps}: {format_interval(judgement.effect)}"
    paper = f"[{claim.arxiv}](https://arxiv.org/abs/{claim.arxiv})"
    return f"| {name} | {claim.question} | {paper} | {result} |"


if __name__ == "__main__":
    command(main)
