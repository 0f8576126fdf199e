"""One service per data directory: an exclusive lock that the kernel releases when its holder dies."""

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from offload.errors import BootError

LOCK_FILE = "offload.lock"


@dataclass(frozen=True, slots=True)
class DirectoryLock:
    """A lock that this process holds. The lock file names the holder. Without a holder, it is empty or out of date."""

    _fd: int

    def close(self) -> None:
        """Releases the directory. The file stays: without it, two services could each lock a file of this name."""
        os.ftruncate(self._fd, 0)
        # Closing is not enough while a child process is between its fork and its exec.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)


def lock_directory(data_dir: Path) -> DirectoryLock:
    """Locks the directory for this process. Creates it if it is missing.

    Raises `BootError` if another process holds it, naming that process, or if the directory can't be written.
    """
    path = data_dir.resolve() / LOCK_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)  # children don't inherit it: PEP 446
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
    """Empties the file first: a reader sees nothing or this holder, never an earlier one."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    os.ftruncate(fd, 0)
    with contextlib.suppress(OSError):  # the disk is full: the service starts, so that something can be deleted
        os.pwrite(fd, json.dumps(holder).encode() + b"\n", 0)


def _read_holder(fd: int) -> str:
    with contextlib.suppress(
        OSError, ValueError, KeyError, TypeError
    ):  # it is just being written, or has been modified
        holder = json.loads(os.pread(fd, 4096, 0))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    return "another process"


def _unusable(directory: Path, error: OSError) -> str:
    return (
        f"The data directory {directory} can't be used: {error.strerror}. "
        "Let this user write to it, or choose another directory with --data-dir."
    )
