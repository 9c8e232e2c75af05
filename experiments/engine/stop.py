"""Signals that ask a command to stop; it obeys once every lane is on disk."""

from __future__ import annotations

import signal
from typing import Any


class Stopped(BaseException):
    """Says that a signal asked for a stop; all lanes are on disk, and the same command goes on from there.

    Like KeyboardInterrupt it is no Exception, so that launchers which go on after a failed job do not go on after it.
    """


class Stop:
    """Notes signals that ask for a stop, and obeys them once every lane is on disk.

    Inside the context SIGINT and SIGTERM are noted, and SIGUSR2 if somebody handles it (submitit does, because Slurm
    announces the end of a job's time by it). A second signal of a kind takes its usual course at once.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
            before = signal.getsignal(number)
            if number != signal.SIGUSR2 or callable(before):
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        self.asked.append(number)
        signal.signal(number, self._before[number])

    def obey(self) -> None:
        """Passes the signals to their earlier handlers and goes on if these return.

        Raises Stopped if there was no handler.
        """
        while self.asked:
            number = self.asked.pop(0)
            name, handler = signal.Signals(number).name, self._before[number]
            if not callable(handler) or handler is signal.default_int_handler:
                raise Stopped(name)
            try:
                handler(number, None)
            except Exception as e:
                raise Stopped(f"{name}: {e}") from e
