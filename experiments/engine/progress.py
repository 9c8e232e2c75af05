"""One progress display for everything a command trains: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.engine.job import Job, headline
from experiments.streams import console

LINE_SECONDS = 15.0  # between lines if there is no terminal
_SHOWN_RUNS = 8
_TICK_SECONDS = 0.5  # between looks at whether a line is due


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """Wraps a method so that its failure ends the display, and does nothing else to training."""

    @functools.wraps(method)
    def call(self: Progress, *args: Any, **more: Any) -> None:
        if not self._broken:
            try:
                method(self, *args, **more)
            except Exception:
                self._broken = True

    return call


class Progress:
    """Shows lanes done, failed and left, tokens a second, time left, and each run's loss and score, on stderr.

    It is a context manager. It moves while the command compiles or scores too: a terminal is drawn anew four times a
    second, and elsewhere a thread prints a line when one is due.
    """

    def __init__(self) -> None:
        self._broken = False
        self._jobs: dict[Path, Job] = {}
        self._steps: dict[Path, int] = {}
        self._total = self._ended = self._diverged = self._failed = 0
        self._names: dict[Path, str] = {}  # of the runs of the pack that trains
        self._losses: dict[Path, float] = {}
        self._scores: dict[Path, float | None] = {}
        self._rate, self._tokens = 0.0, 0.0
        self._phase, self._printed, self._began = "", time.monotonic(), time.monotonic()
        self._phase_began, self._closed = self._began, threading.Event()
        self._console = console(stderr=True)
        self._live = self._ticker = None
        if sys.stderr.isatty():
            how: dict[str, Any] = {"refresh_per_second": 4, "transient": True}
            self._live = Live(console=self._console, get_renderable=self._draw, **how)

    def __enter__(self) -> Progress:
        return self

    def add(self, jobs: Sequence[Job], *, done: int) -> None:
        """Adds jobs to the display. `done`: how many more had already finished.

        A study that chooses its jobs as it goes, and the runs that others start from, use the same display.
        """
        fresh = {job.folder: job for job in jobs if job.folder not in self._jobs}
        if not fresh:
            return
        self._jobs |= fresh
        self._steps |= dict.fromkeys(fresh, 0)
        self._total += sum(job.run.train.steps for job in fresh.values())
        self.say(f"training {len(fresh)} run{'s' * (len(fresh) > 1)}{f', {done} already done' if done else ''}")
        self._open()

    def __exit__(self, *raised: Any) -> None:
        self._close()

    @_harmless
    def _open(self) -> None:
        if self._live and not self._live.is_started:
            self._live.start()
        if not self._live and not self._ticker:
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            self._show()

    @_harmless
    def _close(self) -> None:
        self._closed.set()
        if self._live:
            self._live.stop()
        if self._jobs:
            self._say_line()

    def phase(self, text: str) -> None:
        """Shows what happens before steps can be counted, such as compiling, and for how long it has."""
        self._phase, self._phase_began = text, time.monotonic()
        self._show(now=True)

    def start(self, jobs: Sequence[Job], steps: np.ndarray) -> None:
        """Shows the pack that trains from here on, and the steps its runs had done when they were resumed."""
        self._steps.update(zip([job.folder for job in jobs], steps.tolist(), strict=True))
        names = short_names(list(self._jobs.values()))
        self._names = {job.folder: names.get(job.folder, job.id) for job in jobs}
        self._losses, self._scores = {}, {}  # not those of the pack before
        self._phase = ""
        resumed = sum(steps > 0)
        if resumed:
            self.say(f"resuming {resumed} from their last checkpoints, at steps {min(steps)} to {max(steps)}")

    def update(self, jobs: Sequence[Job], steps: np.ndarray, rate: float) -> None:
        """Shows each run's steps, and all lanes' steps per second, after a chunk."""
        self._steps.update(zip([job.folder for job in jobs], steps.tolist(), strict=True))
        self._rate = rate
        self._tokens = rate * jobs[0].run.train.batch_size * jobs[0].run.task.spec.length
        self._phase = ""
        self._show()

    def loss(self, jobs: Sequence[Job], losses: Iterable[float | None]) -> None:
        """Shows each run's mean training loss since its last evaluation; None for a run without a step since."""
        fresh = zip([job.folder for job in jobs], losses, strict=True)
        self._losses |= {folder: loss for folder, loss in fresh if loss is not None}

    def ended(self, ended: int, diverged: int, *, failed: int = 0) -> None:
        """Counts more runs that have ended, how many of them diverged, and how many failed without an end."""
        self._ended, self._diverged, self._failed = (
            self._ended + ended,
            self._diverged + diverged,
            self._failed + failed,
        )
        self._show()

    def elsewhere(self, job: Job, *, diverged: bool) -> None:
        """Counts a run that another process has ended."""
        self._steps[job.folder] = job.run.train.steps
        self.ended(1, int(diverged))

    @_harmless
    def score(self, job: Job, rows: Sequence[dict[str, Any]]) -> None:
        """Shows a run's newest `train.objective` on the task's headline condition."""
        name = job.run.train.objective
        self._scores[job.folder] = next(row[name] for row in rows if row["condition"] == headline(job))

    @_harmless
    def say(self, text: str) -> None:
        """Prints a line of its own, above the display."""
        self._console.print(Text(text), soft_wrap=True)

    def _format_line(self) -> str:
        steps, spent = sum(self._steps.values()), time.monotonic() - self._began
        failed = f", {self._diverged} diverged" if self._diverged else ""
        failed += f", {self._failed} failed" if self._failed else ""
        parts = [f"{self._ended}/{len(self._jobs)} runs{failed}", f"{steps / max(self._total, 1):4.0%}"]
        if self._rate:
            parts += [f"{self._tokens / 1e3:.0f}k tokens/s"]
        left = (self._total - steps) / self._rate if self._rate else None
        parts += [f"{_format_clock(spent)} spent"] + ([f"ETA {_format_clock(left)}"] if left else [])
        if self._phase:
            parts.append(f"{self._phase}, {time.monotonic() - self._phase_began:.0f} s")
        return " | ".join(parts)

    def _format_runs(self) -> list[str]:
        """Formats the names, losses and scores of some of the runs in training, of those that have any."""
        runs = []
        for folder, name in self._names.items():
            loss = f"loss {self._losses[folder]:.3g}" if folder in self._losses else ""
            score = f"score {_format_score(self._scores[folder])}" if folder in self._scores else ""
            if loss or score:
                runs.append(" ".join(filter(None, (name, loss, score))))
        more = len(runs) - _SHOWN_RUNS
        return runs[:_SHOWN_RUNS] + ([f"and {more} more"] if more > 0 else [])

    def _draw(self) -> Table:
        """Draws the bar and its line, and below them the runs in training; called by the thread of the live display."""
        grid = Table.grid(padding=(0, 1))
        try:
            bar = ProgressBar(total=max(self._total, 1), completed=sum(self._steps.values()), width=24)
            grid.add_row(bar, Text(self._format_line()))
            for run in self._format_runs():
                grid.add_row("", Text(run, overflow="ellipsis", no_wrap=True))
        except Exception:
            self._broken = True
        return grid

    @_harmless
    def _show(self, *, now: bool = False) -> None:
        if self._live:
            return  # it is drawn anew by itself
        if now or time.monotonic() - self._printed > LINE_SECONDS:
            self._printed = time.monotonic()
            self._say_line()

    def _say_line(self) -> None:
        runs = "; ".join(self._format_runs())
        self.say(self._format_line() + (f" | {runs}" if runs else ""))


def short_names(jobs: Iterable[Job]) -> dict[Path, str]:
    """Returns by folder the overrides in which each run differs from others, with its id where two would be alike.

    A run alone needs no name.
    """
    words = {job.folder: [word for word in job.overrides if not word.startswith("out=")] for job in jobs}
    counts = Counter(word for some in words.values() for word in set(some))
    names = {folder: " ".join(word for word in some if counts[word] < len(words)) for folder, some in words.items()}
    if len(set(names.values())) < len(names):
        names |= {job.folder: f"{names[job.folder]} {job.id}".strip() for job in jobs}
    return names


def _format_score(score: float | None) -> str:
    """Formats a share in three characters, another number in up to three digits."""
    if score is None:
        return "-"
    if not 0 <= score <= 1:
        return f"{score:.3g}"
    return f"{score:.2f}".lstrip("0") if score < 1 else "1.0"


def _format_clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
