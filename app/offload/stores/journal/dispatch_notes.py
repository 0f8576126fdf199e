"""Notes of which attempts were dispatched, for a start after a kill. They cost one system call for each group.

The journal learns of a start 50 ms late, or never if the attempt has ended by then. After a kill in between, the next
start would not know that the attempt was dispatched, and would run it once more than allowed. A note is written to the
kernel's page cache and not synced: it survives the death of the process, but no power cut.

The file has slots of one page. The kernel copies a write within a page as a whole, even if the process is killed.
"""

import contextlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

from offload.jobs.model import AttemptKey

SLOT_BYTES = 4096
RESERVED_SLOTS = 16
"""Their space is allocated when the file is opened, so that a full disk refuses no note while few are in use."""


class DispatchNotes:
    """The notes of one data directory. All methods are for one thread."""

    def __init__(self, path: Path) -> None:
        """Reads the notes of an earlier service into `earlier`. The disk may be full: then `write` refuses."""
        self.earlier = frozenset(_read(path))
        self._free: list[int] = []
        self._slots = 0
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.posix_fallocate(self._file, 0, RESERVED_SLOTS * SLOT_BYTES)

    def forget_earlier(self) -> None:
        """Deletes the notes of the earlier service: the journal has their attempts now. Call it before `write`."""
        self.earlier = frozenset()
        if self._file is not None:
            with contextlib.suppress(OSError):  # a note that stays names an attempt that the journal counts already
                for begin in range(0, os.fstat(self._file).st_size, SLOT_BYTES):
                    os.pwrite(self._file, b"\0", begin)

    def write(self, keys: Sequence[AttemptKey]) -> int | None:
        """Notes that these attempts are dispatched. Returns a number for `forget`; None if it could not be written."""
        lines = "".join(f"{key.job_id} {key.attempt}\n" for key in keys).encode()
        block = b"%08x\n%b\0" % (zlib.crc32(lines), lines)
        if self._file is None or len(block) > SLOT_BYTES:
            return None
        slot = self._free.pop() if self._free else self._slots
        try:
            os.pwrite(self._file, block, slot * SLOT_BYTES)
        except OSError:  # a full disk
            if slot < self._slots:
                self._free.append(slot)
            return None
        self._slots = max(self._slots, slot + 1)
        return slot

    def forget(self, slot: int) -> None:
        """Deletes a note, once the journal has the ends of its attempts."""
        self._free.append(slot)
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._file, b"\0", slot * SLOT_BYTES)

    def close(self) -> None:
        """Closes the file. A second call does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _read(path: Path) -> list[AttemptKey]:
    """Returns all notes. What a power cut has damaged is left out."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    found = []
    for begin in range(0, len(content), SLOT_BYTES):
        head, _, lines = content[begin : begin + SLOT_BYTES].partition(b"\0")[0].partition(b"\n")
        if head == b"%08x" % zlib.crc32(lines):
            for line in lines.decode().splitlines():
                job_id, _, attempt = line.rpartition(" ")
                found.append(AttemptKey(job_id, int(attempt)))
    return found
