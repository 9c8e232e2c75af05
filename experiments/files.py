"""Files that are written whole or not at all, and only over regular files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"  # begins the names of files that are being written


def write_whole(path: str | Path, content: bytes) -> None:
    """Writes `content` to the file `path`, all of it or nothing, and makes the folders above it. Raises OSError."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yields an empty file beside `path`, which takes the place of `path` at the end of the context.

    A symbolic link is followed. A file that is there keeps its mode; a new one has what the umask leaves. Raises
    OSError if it cannot be written, before the context is entered if that can be told.
    """
    path = Path(os.path.realpath(path))
    before = _regular(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if before is not None:
            with contextlib.suppress(PermissionError):  # only root may keep another's file theirs
                os.chown(temporary, before.st_uid, before.st_gid)
            os.chmod(temporary, stat.S_IMODE(before.st_mode))
        _regular(path)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Raises OSError if `whole` could not write `path`. Leaves nothing behind; for commands that first work long."""
    path = Path(os.path.realpath(path))
    _regular(path)
    folder = path.parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise OSError(errno.ENOTDIR, f"{folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, f"no permission in {folder}")


def _regular(path: Path) -> os.stat_result | None:
    """Returns the state of the regular file `path`, None if there is none. Raises OSError for anything else there."""
    try:
        state = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(state.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return state


def forget_unfinished(folder: Path) -> None:
    """Removes what processes that were killed while they wrote into `folder` have left there."""
    for path in folder.glob(f"{UNFINISHED}*"):
        path.unlink(missing_ok=True)
