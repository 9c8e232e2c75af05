"""Standard streams that stop no command, and a console that takes no text for markup."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_NAMES = ("stdin", "stdout", "stderr")


def reserve() -> None:
    """Opens the null device for each standard stream that is closed.

    Else the next file to be opened gets its number, and what libraries print goes there.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115  it stays open
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


class _Harmless(io.RawIOBase):
    """Is a stream to a file number that notes its first failure, and from then on drops what it is given."""

    def __init__(self, number: int):
        self._number = number
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        if self.failure is None:
            try:
                return os.write(self._number, data)
            except BlockingIOError:  # a reader that is slow, and a pipe that does not wait for it
                pass
            except OSError as e:
                self.failure = e
        return len(data)


def make_harmless(name: str) -> None:
    """Lets no failure of the standard stream `name` be raised: a full disk, a reader that has gone."""
    reserve()
    stream = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__"):
        return  # somebody, such as a test, reads it in this process
    raw = _Harmless(_NAMES.index(name))
    buffer = io.BufferedWriter(raw)  # type: ignore[type-var]
    text = io.TextIOWrapper(buffer, stream.encoding, "replace", line_buffering=name == "stderr" or stream.isatty())
    setattr(sys, name, text)


def replace_letters(name: str) -> None:
    """Lets letters that the encoding of the standard stream `name` lacks be shown as question marks."""
    if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def discard(name: str) -> None:
    """Drops what is still to be written to the standard stream `name`, whose reader has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, _NAMES.index(name))
    os.close(null)


def failure(name: str) -> str | None:
    """Returns why the standard stream `name` could not be written; None if it could, or if its reader has gone."""
    try:
        getattr(sys, name).flush()
    except OSError as e:
        reason: OSError | None = e
    else:
        raw = getattr(getattr(getattr(sys, name), "buffer", None), "raw", None)
        reason = raw.failure if isinstance(raw, _Harmless) else None
    return None if reason is None or reason.errno == errno.EPIPE else reason.strerror or str(reason)


def ignore_impossible_sizes() -> None:
    """Forgets a size of the terminal that the environment sets to nothing, in which nothing could be shown."""
    for name in ("COLUMNS", "LINES"):
        if not os.environ.get(name, "1").strip("0 "):
            del os.environ[name]


def console(**options: Any) -> Console:
    """Returns a console for text from anywhere: brackets and colons in it are no markup."""
    from rich.console import Console  # here, for whatever is imported of this package imports this file first

    return Console(markup=False, emoji=False, highlight=False, **options)
