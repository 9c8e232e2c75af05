"""The studies of TInt share scores, noises, rules of reading, the printed table and some notes.

Scores are the share of right answers, decoded from the prompt, on clean questions that are in no training example.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from experiments.judging.axes import Axis, Pick, Score, Setting
from experiments.judging.claim import Claim
from experiments.judging.contrasts import Matched
from experiments.judging.frame import MODEL
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted, Settled
from experiments.judging.rows import Rows
from experiments.judging.sides import Sides, interval
from experiments.judging.statistics import Interval

TITLE = "Understanding the effect of noise in LLM training data with algorithmic chains of thought"
ARXIV = "2402.04004"
ANSWER = Score("test", "right answers", "answer")
LABEL = Score("noised", "label share", "label", of_examples=True)
KEPT = Score("noised", "share of tokens kept", "kept", of_examples=True)
SOME = 0.05  # of the traces must differ for a note on how they end
_KINDS = ("style", "characters", "dynamic", "hidden", "deletion", "insertion", "swap")


def kind(style: str | None, *levels: float | None) -> tuple[str, float]:
    """Returns the kind of a noise and its level, of the values that its arm sets; hidden noise is dynamic noise too."""
    if style == "none":
        return "no trace", 0.0
    level_of = dict(zip(_KINDS[1:], levels, strict=True))
    if level_of["hidden"]:
        return "hidden", level_of["dynamic"] or 0.0
    return next(((name, level) for name, level in level_of.items() if level), ("clean", 0.0))


def _noise(*values: Any) -> str:
    name, level = kind(*values)
    return f"{100 * level:.0f} % {name}" if level else name


TRIED = {
    "clean": {"task.characters": 0.0},
    "characters_25": {"task.characters": 0.25},
    "characters_50": {"task.characters": 0.5},
    "dynamic_10": {"task.dynamic": 0.1},
    "dynamic_20": {"task.dynamic": 0.2},
}
# The noise by its name, and by what its arm sets: static noise (characters of the finished text), dynamic, hidden.
NOISE = Axis("tint/noise", "noise", value=lambda name: str(name).replace("_", " "))
NOISES = Axis("tint/noise", "noise", TRIED, typed=tuple(f"task.{name}" for name in _KINDS), value=_noise)
LEVEL = {"ends": ("mildest", "strongest"), "value": lambda level: f"{100 * level:.0f} %"}
CHARACTERS = NOISE.through("task.characters", noun="static noise", **LEVEL)
DYNAMIC_LEVEL = NOISE.through("task.dynamic", noun="dynamic noise", **LEVEL)
HIDDEN_LEVEL = NOISE.through("task.hidden", noun="noise of hidden numbers", **LEVEL)
CLEAN = NOISE.at("clean").named("clean traces")
STATIC = (CHARACTERS.some,)
DYNAMIC = (HIDDEN_LEVEL.none.named(""), DYNAMIC_LEVEL.some)
HIDDEN = (HIDDEN_LEVEL.some,)
SETTLED = Settled(ANSWER)


def read(*clean: Pick) -> tuple[Fitted, Settled]:
    """Settings are read where their clean counterpart is fitted, and they are no longer learning."""
    return Fitted(ANSWER, instead=clean or (CLEAN,)), SETTLED


def kind_of(grid: Grid, setting: Setting) -> tuple[str, float]:
    """Returns the kind and level of a setting's noise."""
    return kind(*grid.value(NOISES, setting))


def words(grid: Grid, setting: Setting) -> str:
    """Formats a setting for a table's row: its noise, and the other keys that vary."""
    shown = zip(grid.axes, grid.format_cells(setting), zip(*grid.settings, strict=True), strict=True)
    return ", ".join(text for axis, text, values in shown if axis.column == NOISE.column or len({*values}) > 1)


def _row(grid: Grid, setting: Setting) -> str:
    learning = ", unsettled" if setting in SETTLED.lost(grid) else ""
    return f"{words(grid, setting)}, {grid.cells(KEPT).estimate(setting):.2f} kept{learning}"


def in_order(*values: Any) -> tuple[Any, ...]:
    """Returns a sort key: settings of one noise stand together, by level, after the keys swept before the noise."""
    at = next(place for place, value in enumerate(values) if isinstance(value, tuple) and len(value) == len(_KINDS))
    name, level = kind(*values[at])
    first = ("clean", "no trace", "characters", "dynamic")
    rank = first.index(name) if name in first else len(first)
    return (*map(str, values[:at]), rank, name, level, *map(str, values[at + 1 :]))


def rows(paper: Callable[..., str] = lambda *values: "") -> Rows:
    """Returns the printed table of answers and label share; its names show tokens kept and unsettled settings."""
    return Rows({"answer": ANSWER, "label": LABEL}, _row, paper, in_order)


def readable(grid: Grid, *clean: Pick) -> list[Setting]:
    """Returns the settings that can be read."""
    lost = {s for rule in read(*clean) for s in rule.lost(grid)}
    return [s for s in grid.settings if s not in lost]


def by_pair(matched: Matched) -> Callable[[Grid], list[str]]:
    """Returns a note on every pair, and on the pairs of noises that keep as many tokens."""

    def note(grid: Grid) -> list[str]:
        own = matched.each(grid, readable(grid))
        tokens = Matched(ANSWER, matched.more, matched.less, KEPT).each(grid, readable(grid))
        same = f"At the same share of tokens kept: {tokens} (not judged)."
        return [f"By pair: {own}."] * bool(own) + [same] * bool(tokens)

    return note


def minus(grid: Grid, more: Sequence[Setting], less: Sequence[Setting]) -> Interval | None:
    """Returns the answers at some settings minus those at others, paired by seed."""
    first, second = (tuple((ANSWER, setting) for setting in side) for side in (more, less))
    return interval(grid, Sides(first, second))[0]


def against(grid: Grid, some: Sequence[Setting], other: Pick, but: Pick) -> dict[Setting, Interval]:
    """Returns the answers of every setting of `some` minus those at `other`, except at `other` and at `but`."""
    less = grid.where((other,), some)
    left = [s for s in sorted(some, key=lambda s: in_order(*Rows.values(grid, s))) if s not in less]
    effects = {s: minus(grid, [s], less) for s in left if s not in grid.where((but,))} if less else {}
    return {s: effect for s, effect in effects.items() if effect}


def recovery(grid: Grid) -> list[str]:
    """Returns a note on decoded traces: how often a wrong trace still ends right, and how often answers follow it.

    It covers settings in which SOME or more of the traces differ from the right one.
    """
    rows = grid.table.filter(pl.col("final"), pl.col("position").is_null(), condition=ANSWER.condition, learner=MODEL)
    if not {"astray", "recovered", "follows"} <= set(rows.columns):
        return []
    parts = []
    for setting in sorted(grid.settings, key=lambda s: in_order(*Rows.values(grid, s))):
        own = rows.filter(*(pl.col(key) == value for key, value in zip(grid.keys, setting, strict=True)))
        astray, recovered, follows = (own[name].mean() for name in ("astray", "recovered", "follows"))
        if isinstance(astray, float) and isinstance(recovered, float) and astray >= SOME:
            still = f"{recovered / astray:.2f} of the {astray:.2f} that differ"
            parts.append(f"{words(grid, setting)} {still}" + (f", {follows:.2f} follow" if follows is not None else ""))
    what = "Decoded traces that differ from the right one and still end right, and answers that follow"
    return [f"{what}: {'; '.join(parts)}."] if parts else []


claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)
