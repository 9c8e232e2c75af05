"""`python -m experiments.plot FOLDER x=KEY`: a table and a figure of one's own sweep, with intervals and every seed.

    python -m experiments.plot runs/single x=task.num_rules                  a curve against one key
    python -m experiments.plot runs/single x=task.num_rules by=model.depth   a line for each value of another
    python -m experiments.plot runs/single x=optim.lr task.num_rules=300     of runs with this value alone

FOLDER holds runs, at any depth. Further words: condition=NAME,NAME (by default the task's headline), score=NAME (by
default the runs' train.objective, exact_match where none was set), out=PATH without suffix (by default FOLDER/plot).
Where one key alone was varied, x= may be left out. Runs that differ in a key that is neither x nor by are refused, so
that no two settings are averaged unseen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from experiments.errors import ConfigError, command
from experiments.judging import figures
from experiments.judging.statistics import Interval
from experiments.streams import console
from experiments.sweeps import Setting, Sweep, read_words

_LOG_FROM = 20  # numbers that span at least this factor are drawn on a logarithmic axis


@dataclass(frozen=True)
class _Request:
    """A plot to draw: the sweep, its axis, the keys that tell its lines apart, and the scores."""

    sweep: Sweep
    x: str
    by: list[str]
    conditions: list[str]
    score: str
    out: Path

    @property
    def keys(self) -> list[str]:
        """Returns the keys of a setting: the axis, then those that tell the lines apart."""
        return [self.x, *self.by]


def main() -> int:
    """Runs the command; see the module's docstring."""
    request = _read_request()
    means = {name: request.sweep.means(request.keys, name, request.score) for name in request.conditions}
    console().print(_table(request, means))
    if request.sweep.unfinished:
        count = request.sweep.unfinished
        print(f"left out: {count} run{'s that have' if count > 1 else ' that has'} not ended")
    files = _draw(request, means)
    print(f"figure: {' '.join(map(str, files))}")
    return 0


def _read_request() -> _Request:
    sweep, own = read_words("plot", __doc__ or "", "x=task.num_rules", "x", "by", "condition", "score", "out")
    by = own["by"].split(",") if own["by"] else []
    x = own["x"] or _only_axis(sweep, by)
    for key in (x, *by):
        if not any(key in run.config for run in sweep.runs):
            raise ConfigError(f"{key}: no run has this key; the runs vary {', '.join(sweep.varied()) or 'nothing'}")
    conditions = own["condition"].split(",") if own["condition"] else [sweep.headline()]
    out = Path(own["out"]) if own["out"] else sweep.folder / "plot"
    return _Request(sweep, x, by, conditions, own["score"] or sweep.objective(), out)


def _only_axis(sweep: Sweep, by: Sequence[str]) -> str:
    """Returns the one varied key that is not in `by`. Raises ConfigError if there is not exactly one."""
    varied = [key for key in sweep.varied() if key not in by]
    if len(varied) == 1:
        return varied[0]
    raise ConfigError(f"x: name the key of the axis, as x=KEY; the runs vary {', '.join(varied) or 'nothing'}")


def _table(request: _Request, means: dict[str, dict[Setting, Interval]]) -> Table:
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for key in request.keys:
        rows.add_column(key, justify="right")
    for condition in request.conditions:
        rows.add_column(Text(f"{condition} {request.score} [95 %]"))
    rows.add_column("seeds", justify="right")
    first = request.conditions[0]
    seeds = request.sweep.scores(request.keys, first, request.score)
    for setting in means[first]:
        cells = [str(means[name][setting]) for name in request.conditions]
        rows.add_row(*map(_format, setting), *cells, str(len(seeds[setting])))
    return rows


def _draw(request: _Request, means: dict[str, dict[Setting, Interval]]) -> list[Path]:
    figure, panels = figures.canvas((1,) * len(request.conditions))
    for panel, condition in zip(panels, request.conditions, strict=True):
        scores = request.sweep.scores(request.keys, condition, request.score)
        lines = list(dict.fromkeys(setting[1:] for setting in scores))
        if len(lines) > len(figures.STYLES):
            raise ConfigError(
                f"by: {len(lines)} lines, where {len(figures.STYLES)} can be told apart; choose by KEY=VALUE"
            )
        values = list(dict.fromkeys(setting[0] for setting in scores))
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        log = numeric and min(values) > 0 and max(values) >= _LOG_FROM * min(values)
        for place, line in enumerate(lines):
            x = [value for value in values if (value, *line) in scores]
            at = x if numeric else [values.index(value) for value in x]
            intervals = [means[condition][(value, *line)] for value in x]
            points = [list(scores[(value, *line)].values()) for value in x]
            label, measure = _label(request.by, line), request.sweep.measure(request.score)
            figures.scores_with_seeds(panel, at, intervals, points, label, place, log=log, measure=measure)
        if not numeric:
            panel.set_xticks(range(len(values)), [_format(value) for value in values])
        elif not all(float(value).is_integer() for value in values):
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.set(xlabel=request.x, title=condition)
    panels[0].set(ylabel=request.score.replace("_", " "))
    if request.by:
        figures.legend_beside(panels[-1], ", ".join(request.by))
    return figures.save(figure, request.out)


def _label(by: Sequence[str], line: Sequence[Any]) -> str:
    return ", ".join(map(_format, line)) if by else ""


def _format(value: Any) -> str:
    """Formats a value for a table: numbers with thousands apart, true and false as in a configuration."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)


if __name__ == "__main__":
    command(main)()
