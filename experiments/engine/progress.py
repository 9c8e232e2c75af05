"""One progress display for everything a command trains: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Sequence
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
_SHOWN_SCORES = 8


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
    """Shows lanes done, failed and left, tokens a second, time left and current scores, on stderr.

    It is a context manager.
    """

    def __init__(self) -> None:
        self._broken = False
        self._jobs: dict[Path, Job] = {}
        self._steps: dict[Path, int] = {}
        self._total = self._ended = self._diverged = self._failed = 0
        self._scores: dict[Path, float | None] = {}
        self._rate, self._tokens = 0.0, 0.0
        self._phase, self._printed, self._began = "", time.monotonic(), time.monotonic()
        self._console = console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True) if sys.stderr.isatty() else None

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

    @_harmless
    def _close(self) -> None:
        if self._live:
            self._live.stop()
        if self._jobs:
            self.say(self._format_line())

    def phase(self, text: str) -> None:
        """Shows what happens before steps can be counted, such as compiling."""
        self._phase = text
        self._show(now=True)

    def start(self, jobs: Sequence[Job], steps: np.ndarray) -> None:
        """Shows the pack that trains from here on, and the steps its runs had done when they were resumed."""
        self._steps.update(zip([job.folder for job in jobs], steps.tolist(), strict=True))
        self._scores.clear()  # those of the pack before
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
            parts.append(self._phase)
        if self._scores:
            shown = list(self._scores.values())[:_SHOWN_SCORES]
            more = " ..." if len(self._scores) > _SHOWN_SCORES else ""
            parts.append("score " + " ".join(map(_format_score, shown)) + more)
        return " | ".join(parts)

    @_harmless
    def _show(self, *, now: bool = False) -> None:
        if self._live:
            grid = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=max(self._total, 1), completed=sum(self._steps.values()), width=24)
            grid.add_row(bar, Text(self._format_line()))
            self._live.update(grid)
        elif now or time.monotonic() - self._printed > LINE_SECONDS:
            self._printed = time.monotonic()
            self.say(self._format_line())


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
