"""One service per data directory: an exclusive lock that the kernel itself releases when its holder dies."""

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from offload.errors import BootError

NAME = "offload.lock"


@dataclass(frozen=True, slots=True)
class DirectoryLock:
    """The lock, held. The file tells who holds it; it is empty, or tells of a dead process, where nobody does."""

    _fd: int

    def close(self) -> None:
        """Lets go of the directory. The file stays: removing it would let two services lock two files of one name."""
        os.ftruncate(self._fd, 0)
        # Closing alone would not do while a child is between its fork and its exec.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)


def lock_directory(data_dir: Path) -> DirectoryLock:
    """Takes the directory, made where it is missing, for this process alone.

    Raises BootError where another process holds it, saying which, or where it can't be written.
    """
    path = data_dir.resolve() / NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)  # not inherited by any child: PEP 446
    except OSError as error:
        raise BootError(_unusable(path.parent, error)) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _write_holder(fd)
    except BlockingIOError:
        holder = _read_holder(fd)
        os.close(fd)
        raise BootError(
            f"The data directory {path.parent} is in use by {holder}. "
            "Stop it, or start this one with another --data-dir."
        ) from None
    except OSError as error:
        os.close(fd)
        raise BootError(_unusable(path.parent, error)) from error
    return DirectoryLock(fd)


def _write_holder(fd: int) -> None:
    """Empties first: a reader sees nothing or the truth, never what an earlier holder wrote."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(holder).encode() + b"\n", 0)


def _read_holder(fd: int) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # it is being written, or was tampered with
        holder = json.loads(os.pread(fd, 4096, 0))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    return "another process"


def _unusable(directory: Path, error: OSError) -> str:
    return (
        f"The data directory {directory} can't be used: {error.strerror}. "
        "Let this user write to it, or give another one with --data-dir."
    )
