"""A file that keeps space for the journal: on a full disk it is removed, so that jobs still end and can be deleted.

    normal ──the disk is full──► released: new jobs are rejected ──space is back──► normal

SQLite needs space to delete, too. And a full disk would prevent a start, so that nobody could make space by Offload.
"""

import contextlib
import os
from pathlib import Path

SIZE = 8 << 20
"""Bytes. The WAL of the journal takes 4 MiB before it is copied to the file; the rest is for other small files."""

FULL_BELOW = SIZE // 2
"""With less free space than this, a start begins in the state "released"."""

AGAIN_FROM = 2 * SIZE
"""With at least this free space the file is made again, half of which then stays free."""


def make_room(directory: Path) -> None:
    """Releases the reserve of an earlier service if the disk is full. To be called before the start writes anything."""
    if free_bytes(directory) < FULL_BELOW:
        (directory / "reserve").unlink(missing_ok=True)


def free_bytes(directory: Path) -> int:
    """Returns the bytes that this user may still write to the file system of a directory. Raises OSError."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class Reserve:
    """The reserve of a data directory. For use from one thread; only `released` may be read from others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "reserve"
        self.released = not self._file.exists()
        """True while the disk has too little space for new jobs."""

    def release(self) -> bool:
        """Makes room. Returns False if that was done before."""
        if self.released:
            return False
        self.released = True
        self._file.unlink(missing_ok=True)
        return True

    def restore(self) -> None:
        """Keeps the space again if there is enough."""
        if self.released:
            with contextlib.suppress(OSError):
                self.released = free_bytes(self._directory) < AGAIN_FROM or not self._make()

    def _make(self) -> bool:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
        except OSError:
            self._file.unlink()
            return False
        finally:
            os.close(descriptor)
        return True
