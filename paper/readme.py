"""`python -m paper.readme [--check]`: writes the README's table and docs/studies.md, from the records at cpu scale.

The table stands between two markers in README.md and has a line for each paper. The page has one for each study.
`--check` writes nothing: the exit code is 1, with one line on the error stream, if either differs from the records.
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
PAGE = README.parent / "docs" / "studies.md"
START, END = "<!-- studies -->", "<!-- /studies -->"
SCALE = "cpu"


def main() -> int:
    """Runs the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m paper.readme", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, and exit with 1 where it is not current")
    arguments = parser.parse_args()
    check_checkout(README.name)
    studies.check()
    judged = entries(SCALE, own())
    for path, current in ((README, renewed(README.read_text(), judged)), (PAGE, page(judged))):
        text = path.read_text() if path.exists() else ""
        if arguments.check and text != current:
            print(f"{path.name} is not current: run `python -m paper.readme`", file=sys.stderr)
            return 1
        if text != current:
            write_whole(path, current.encode())
    return 0


def renewed(text: str, judged: Sequence[Entry]) -> str:
    """Returns `text` with a new part between the markers. Raises RecordError if it lacks one of them."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise RecordError(f"{README}: lacks the markers {START} and {END}")
    papers = dict.fromkeys(map(_paper, judged))
    lines = [
        "| paper | reproduced on two CPU cores | not reproduced | open |",
        "|---|---|---|---|",
        *(_of_paper([entry for entry in judged if _paper(entry) == key]) for key in papers),
        "",
        *conflicts.markdown(judged),
        *textwrap.wrap(format_marked(judged).replace(MARK, f"\\{MARK}"), 120),
        *textwrap.wrap(f"{format_tested(judged)} {format_all([entry.claim.name for entry in judged])}", 120),
        *textwrap.wrap(studies.format_recorded(), 120),
        f"A study's name leads to its figure. [{PAGE.name}](docs/{PAGE.name}) says what each asks and finds, and",
        "`python -m paper.report` makes one page of all, with tables, criteria, configurations and data.",
    ]
    return f"{before}{START}\n{chr(10).join(lines)}\n{END}{after}"


def page(judged: Sequence[Entry]) -> str:
    """Returns the page of all studies: what each asks, of which paper, and what was found."""
    lines = [
        "# Studies",
        "",
        "*Written by `python -m paper.readme` from the records: change those, not this page.*",
        "",
        "| study | what is asked | paper | found on two CPU cores: effect [interval] |",
        "|---|---|---|---|",
        *(_of_study(entry) for entry in judged),
        "",
        *textwrap.wrap(format_marked(judged).replace(MARK, f"\\{MARK}"), 120),
        f"Each by itself: `python -m experiments.reproduce {judged[0].study} --check` judges the committed record, and",
        "without `--check` it trains, judges and draws anew.",
    ]
    return "\n".join(lines) + "\n"


def _paper(entry: Entry) -> tuple[str, str]:
    """Returns the family of a study, and its paper."""
    return entry.claim.name.split("/")[0], entry.claim.arxiv


def _of_paper(judged: Sequence[Entry]) -> str:
    """Returns the line of one paper's studies of one family, by verdict."""
    family, arxiv = _paper(judged[0])
    by_verdict = {verdict: [e for e in judged if e.verdict == verdict] for verdict in ("reproduced", "not reproduced")}
    by_verdict["open"] = [e for e in judged if e.verdict not in by_verdict]
    cells = (", ".join(_linked(e, e.claim.name.split("/")[1], "") for e in some) for some in by_verdict.values())
    title = judged[0].claim.title.split(":")[0]
    return f"| `{family}`: [{title}](https://arxiv.org/abs/{arxiv}) | {' | '.join(cells)} |"


def _of_study(entry: Entry) -> str:
    claim, result = entry.claim, entry.verdict
    if entry.judgement:
        result = f"**{result}**: {format_interval(entry.judgement.effect)}"
    paper = f"[{claim.arxiv}](https://arxiv.org/abs/{claim.arxiv})"
    return f"| {_linked(entry, f'`{claim.name}`', '../')} | {claim.question} | {paper} | {result} |"


def _linked(entry: Entry, name: str, up: str) -> str:
    """Returns a study's name, which leads to its figure if there is one, and a mark if its seeds are in two camps."""
    if not entry.judgement:
        return name
    return f"[{name}]({up}paper/results/{entry.study}.png)" + (f"\\{MARK}" if entry.judgement.camps else "")


if __name__ == "__main__":
    command(main)
