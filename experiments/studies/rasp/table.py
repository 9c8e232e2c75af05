"""Which algorithms length-generalise (RASP-L, arXiv:2310.16028, Fig. 1a): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match of the
whole answer at the end of each run, on problems 10 longer than the longest in training; a run that diverged scores 0.

- A task is fitted where the mean over seeds within the training lengths is at least 0.9; the others are left out and
  named. Not fitted: no task with a short program, or none without, is fitted.
- Effect: mean over the fitted tasks with a short RASP-L program minus mean over the fitted tasks without, paired by
  seed.
- Reproduced: the effect's lower bound is at least 0.5. Not reproduced: its upper bound is below 0.5.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row
from experiments.judging.criteria import Cells, Setting, cells, contrast
from experiments.judging.results import RecordError, path_for
from experiments.judging.wording import in_words
from experiments.studies.rasp.common import ARXIV, TASK, TITLE, TRAINED, WITHIN, trained_to

KEYS = [TASK, TRAINED]
LONGER = 10
LEAST = 0.5
# The paper's own division (its table of tasks), not ours by results.
SHORT: dict[str, str] = {
    "rasp_count": "count",
    "rasp_mode": "mode",
    "rasp_copy_unique": "copy, unique tokens",
    "rasp_sort": "sort",
    "rasp_addition_hints": "addition, reversed, hints",
    "rasp_parity_scratchpad": "parity, hints and scratchpad",
}
LONG: dict[str, str] = {
    "rasp_copy_repeated": "copy, repeated tokens",
    "rasp_addition_plain": "addition, plain",
    "rasp_parity_plain": "parity, plain",
    "rasp_mode_scratchpad": "mode, bad scratchpad",
}
NAMES: dict[str, str] = SHORT | LONG
# The RASP-L program of each task that has a short one; their lengths are recorded by `python -m synthetic.rasp`.
PROGRAMS = {
    "rasp_count": "count",
    "rasp_mode": "mode",
    "rasp_copy_unique": "copy_unique",
    "rasp_sort": "sort",
    "rasp_addition_hints": "reverse_addition",
    "rasp_parity_scratchpad": "parity",
}
LENGTHS = path_for("rasp/table/cpu").parent.parent / "programs.csv"
LENGTHS_COLUMNS = ["program", "operations"]


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of rasp/table; RecordError where it is a table of something else."""
    test, within = _scores(table)
    order = _in_order(test)
    rows = [
        Row(
            _name(setting[0]),
            "generalises" if setting[0] in SHORT else "does not",
            {"train length + 10": test.mean(setting), "within": within.mean(setting)},
            len(test.scores[setting]),
        )
        for setting in order
    ]
    short, long = (test.where([s for s in order if s[0] in names]) for names in (SHORT, LONG))
    what = "Exact match at training length + 10 of tasks with a short program minus that of those without"
    judged = contrast(table, short, long, within, least=LEAST, name="{0}", rows=rows, what=what)
    return in_words(judged, NAMES)


def _name(task: str) -> str:
    """The task in words, with the number of operations of its program where there is a short one."""
    try:
        recorded = pl.read_csv(LENGTHS)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RecordError(f"{LENGTHS}: {str(error).splitlines()[0]}") from None
    if recorded.columns != LENGTHS_COLUMNS:
        wanted = " and ".join(LENGTHS_COLUMNS)
        raise RecordError(f"{LENGTHS}: has the columns {', '.join(recorded.columns)} where {wanted} are wanted")
    lengths = dict(recorded.iter_rows())
    program = PROGRAMS.get(task)
    return NAMES.get(task, task) + (f" ({lengths[program]})" if program in lengths else "")


def _scores(table: pl.DataFrame) -> tuple[Cells, Cells]:
    """Exact match at training length + 10, and within the training lengths."""
    longer = f"length_{trained_to(table) + LONGER}"
    return cells(table, longer, KEYS), cells(table, WITHIN, KEYS)


def _in_order(found: Cells) -> list[Setting]:
    """Settings as NAMES has them, others after."""
    names = list(NAMES)
    return sorted(found.scores, key=lambda s: names.index(s[0]) if s[0] in names else len(names))


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw every task's score at training length + 10 beside that within the training lengths."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    test, within = _scores(table)
    order = _in_order(test)
    series = {
        label: ([found.mean(s) for s in order], [list(found.scores[s].values()) for s in order])
        for label, found in {"training length + 10": test, "within the training lengths": within}.items()
    }
    figures.bars(panel, [_name(s[0]) for s in order], series)
    figures.legend_beside(panel, "in brackets: operations\nof a short RASP-L program")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="rasp/table",
    question="Which algorithms generalise to longer problems?",
    title=TITLE,
    arxiv=ARXIV,
    where="Fig. 1a, section 3",
    text=(
        "Transformers trained on short problems solve longer ones where a short RASP-L program solves the task at "
        "every length, and do not where none does."
    ),
    setting="task",
    effect="exact match at training length + 10, tasks with a short RASP-L program minus tasks without",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Tests are at the longest training length + 10; exact match of the whole answer.",
            "arXiv:2310.16028, Fig. 1a",
        ),
        Fact("Copying unique tokens generalises once trained to lengths above 30.", "reviews of arXiv:2310.16028"),
        Fact("Plain parity does not even fit its training set.", "arXiv:2310.16028, App. C.1, as cited by others"),
        Fact("The scores behind the table could not be found in a source that we could read.", "none"),
    ),
)
