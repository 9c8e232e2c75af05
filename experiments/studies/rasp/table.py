"""Which algorithms length-generalise (RASP-L, arXiv:2310.16028, Fig. 1a)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from experiments.judging.axes import Axis, Setting
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.grid import Grid
from experiments.judging.results import RecordError, path_for
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import FIT, TASK, TRAINED, WITHIN, claim, longer

# The paper's own division (its table of tasks), not ours by results; beside each name its RASP-L program, whose length
# `python -m synthetic.rasp` records. Its two additions are judged in rasp/addition.
SHORT = {
    "rasp_count": ("count", "count"),
    "rasp_mode": ("mode", "mode"),
    "rasp_copy_unique": ("copy, unique tokens", "copy_unique"),
    "rasp_sort": ("sort", "sort"),
    "rasp_parity_scratchpad": ("parity, hints and scratchpad", "parity"),
}
LONG = {
    "rasp_copy_repeated": "copy, repeated tokens",
    "rasp_parity_plain": "parity, plain",
    "rasp_mode_scratchpad": "mode, bad scratchpad",
}
NAMES = {task: name for task, (name, _) in SHORT.items()} | LONG
ORDER = list(NAMES)
LENGTHS_COLUMNS = ["program", "operations"]
LONGER = longer(1.25)  # the paper's 50 after 40
TASKS = replace(TASK, names=NAMES, tried=tuple(NAMES))
STEPS = Axis("train.steps", "steps", (2000,), value="{:,} steps", said="{}")


def programs() -> Path:
    """Returns the file of the lengths of RASP-L programs, which `python -m synthetic.rasp` writes."""
    return path_for("rasp/table/cpu").parent.parent / "programs.csv"


def _name(grid: Grid, setting: Setting) -> str:
    """Formats the task with its steps, and with the number of operations of its program if it has a short one."""
    path = programs()
    try:
        recorded = pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RecordError(f"{path}: {str(error).splitlines()[0]}") from None
    if recorded.columns != LENGTHS_COLUMNS:
        wanted = " and ".join(LENGTHS_COLUMNS)
        raise RecordError(f"{path}: has the columns {', '.join(recorded.columns)} where {wanted} are wanted")
    task, lengths = setting[0], dict(recorded.iter_rows())
    program = f" ({lengths[SHORT[task][1]]})" if task in SHORT else ""
    return f"{TASKS.format_cell(task)}{program}, {STEPS.format_value(grid.value(STEPS, setting))}"


def _order(task: str, steps: int, trained: int) -> int:
    return ORDER.index(task) if task in ORDER else len(ORDER)


CLAIM = claim(
    name="rasp/table",
    question="Which algorithms generalise to longer problems?",
    where="Fig. 1a, section 3",
    text=(
        "Transformers trained on short problems solve longer ones where a short RASP-L program solves the task at "
        "every length, and do not where none does."
    ),
    setting="task",
    reading=(
        "Tests are on problems 1.25 times as long as the longest in training, as the paper's 50 after 40, by exact "
        "match of the whole answer. Each task has steps of its own, as the paper sets training by task; one that is "
        "still not fitted is left out by name."
    ),
    looked=PILOTS,
    differs="Training lengths and models are smaller, and means are judged, where the original has medians.",
    criterion=Criterion(
        axes=(TASKS, STEPS, TRAINED),
        read=(FIT,),
        apart=TASKS,
        bounds=(
            (
                LONGER.at(TASKS.at(*SHORT).named("a short program"))
                - LONGER.at(TASKS.at(*LONG).named("no short program"))
            ).at_least(0.5),
        ),
    ),
    rows=Rows(
        {"length {}": LONGER, "within": WITHIN},
        _name,
        lambda task, steps, trained: "generalises" if task in SHORT else "does not",
        _order,
    ),
    figure=Drawing(
        (
            Bars(
                scores={"1.25 times the training length": LONGER, "within the training lengths": WITHIN},
                name=_name,
                order=_order,
            ),
        ),
        legend="in brackets: operations\nof a short RASP-L program",
    ),
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
