"""`python -m paper`: writes the write-up (PDF) and the report (HTML) to paper/build/; judges each claim only once."""

from __future__ import annotations

from experiments import recorded as studies
from experiments.errors import check_docstrings, check_no_words
from experiments.modules import check_checkout
from experiments.studies import own
from experiments.summary import among
from paper import report
from paper.article import build
from paper.command import command


def main() -> None:
    """Checks the records and writes both. Raises RecordError for a damaged record, ClaimError for a lone study."""
    check_no_words("paper", __doc__)
    check_checkout("the write-up")
    check_docstrings()
    studies.check()
    by_scale = report.every()
    build.write(among(by_scale[studies.SCALES[0]], own()))
    report.write(by_scale)


if __name__ == "__main__":
    command(main)
