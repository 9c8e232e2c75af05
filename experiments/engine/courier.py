"""Work for a service that may be slow or away: done in order by a thread of its own, while training goes on.

A server that does not answer keeps nobody waiting. At the end of a command the thread is given time to catch up; where
it gets nothing done for PATIENCE seconds it is given up.
"""

from __future__ import annotations

import shlex
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from experiments.engine.job import Job

PATIENCE = 30.0  # seconds at the end of a command, for each thing that is still to be done


class Courier:
    """Does things for a service in a thread, in order, until one of them shows that there is no use.

    A context manager, at whose end all that was asked for is done, or given up.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._todo: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._done = 0
        self._lost: Counter[str] = Counter()
        self._offline: Counter[Path] = Counter()
        self.hopeless = False

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()

    def ask(self, what: Callable[[], None]) -> None:
        """Does `what`, which must not raise, after all that was asked for before."""
        if self.hopeless:
            return
        with self._changed:
            self._todo.append(what)
            self._changed.notify_all()
        if self._thread is None:
            # A daemon: what hangs on a network must not keep the process from its end.
            self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._todo)
                what = self._todo[0]
            if not self.hopeless:
                what()
            with self._changed:
                self._todo.popleft()
                self._done += 1
                self._changed.notify_all()

    def lose(self, job: Job, why: str) -> None:
        """Prints that a run is no longer tracked, for the first run with that reason."""
        self._lost[why] += 1
        if self._lost[why] == 1 and not self.hopeless:
            print(
                f"{self.service}: {job.id} is no longer tracked ({why}); its records are in {job.folder}",
                file=sys.stderr,
            )

    def keep_offline(self, job: Job) -> None:
        """Notes a run that is only on disk; the end of the command says how to upload it."""
        self._offline[job.folder.parent] += 1

    def drain(self) -> None:
        """Waits until all is done that was asked for, as long as anything gets done. Prints how many runs were lost."""
        why = ""
        with self._changed:
            try:
                while self._todo and not self.hopeless:
                    before = self._done
                    if not self._changed.wait_for(lambda n=before: self._done > n, timeout=PATIENCE):
                        why = f"no answer in {PATIENCE:.0f} s"
                        break
            except KeyboardInterrupt:
                why = "interrupted"
        if why:
            self.hopeless = True
            print(f"{self.service}: given up ({why}); the records are complete, their copy is not", file=sys.stderr)
        for reason, number in self._lost.items():
            if number > 1:
                print(f"{self.service}: {number} runs are not tracked to their end ({reason})", file=sys.stderr)
        for above, number in self._offline.items():
            runs = f"{number} run{'s are' if number > 1 else ' is'}"
            send = f"wandb sync {shlex.quote(str(above))}/*/wandb/offline-run-*"
            print(f"{self.service}: {runs} kept offline; to upload: {send}", file=sys.stderr)
        self._lost.clear()
        self._offline.clear()
