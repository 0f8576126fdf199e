"""Finds out that another program has removed, replaced or truncated the journal's files while they are in use.

SQLite notices none of it: it continues to write to files that no longer have a name, or behind a gap, and such writes
are lost at the next start. Formats and names as in https://sqlite.org/walformat.html. What is not found: content that
is overwritten in place by a file of at least the same size.
"""

import os
import struct
from pathlib import Path

from offload.stores.journal.wal_check import FRAME_HEADER, HEADER

MAGIC = b"SQLite format 3\0"


class FileCheck:
    """Checks the files of an open journal, at a cost of about 8 µs. For use from the writer's thread."""

    def __init__(self, path: Path) -> None:
        """To be created after the writer's connection, and closed after all connections.

        The files stay open in between: closing any descriptor of a file would release SQLite's locks on it.
        """
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        files = (path, self._wal, path.with_name(path.name + "-shm"))
        self._database_fd, self._wal_fd, self._index_fd = self._fds = [os.open(file, os.O_RDONLY) for file in files]
        self._inodes = [os.fstat(fd).st_ino for fd in self._fds[:2]]
        self._size = os.fstat(self._database_fd).st_size
        self.lost: str | None = None
        """What was found, as a sentence. It stays: what is written from then on could hide the loss."""

    def close(self) -> None:
        """Closes the files. A second call does nothing."""
        while self._fds:
            os.close(self._fds.pop())

    def find_loss(self) -> str | None:
        """Returns `lost` after a check. The caller is in no transaction."""
        if self.lost is None:
            self.lost = self._removed() or self._truncated()
        return self.lost

    def _removed(self) -> str | None:
        try:
            found = [self._path.stat().st_ino, self._wal.stat().st_ino]
        except OSError:
            found = []
        if found == self._inodes:
            return None
        return f"The journal {self._path} or its WAL file was removed or replaced while in use: restart the service."

    def _truncated(self) -> str | None:
        size, index = os.fstat(self._database_fd).st_size, os.pread(self._index_fd, 100, 0)
        if len(index) == 100 and index[:48] == index[48:96]:  # else another process is just writing it
            page_size, frames, pages = struct.unpack_from("=HII", index, 14)
            page_size = page_size if page_size > 1 else 65536
            # A VACUUM by another program shrinks the file, but it lowers the number of pages before.
            if size < min(self._size, pages * page_size) or os.pread(self._database_fd, 16, 0) != MAGIC:
                return self._damaged(self._path)
            (copied,) = struct.unpack_from("=I", index, 96)
            if frames > copied:
                wal = os.pread(self._wal_fd, HEADER, 0)
                least = HEADER + frames * (FRAME_HEADER + page_size)
                if wal[16:24] != index[32:40] or os.fstat(self._wal_fd).st_size < least:
                    return self._damaged(self._wal)
        self._size = size
        return None

    def _damaged(self, file: Path) -> str:
        return (
            f"The file {file} was truncated or overwritten while in use. Stop the service and restore a backup of the "
            f"journal {self._path}."
        )
