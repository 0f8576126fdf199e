"""What an attempt says, kept with its job: a line is a record in the attempt's file, there as soon as it is said.

    {"at": 1795421662123456, "stream": "stdout", "level": null, "logger": null, "text": "half done"}

With `"unfinished": true` it is the beginning of a line, and the stream's next record goes on with it. `AGAIN` says
that the attempt was begun anew, under its old number, after a graceful stop; nothing goes on across it.

It goes by a file and not by the pipe, since it may be much, and must be there after a SIGKILL: that is when it is
read. Most attempts say nothing, and have none. Of what is said, the newest is kept: once a file is full it becomes the
old one, in place of that before.
"""

import contextlib
import os
import threading
import time
from json import JSONEncoder
from pathlib import Path

FILE_BYTES = 128 * 1024
"""Of one of an attempt's two files, about: when it has reached this, the next line begins a new one."""

LINE_CHARS = 4096
"""A longer line is kept as several."""

AGAIN = "The attempt is begun again: the service was stopped while it ran."

COARSE_S = 0.01
"""By how much a file's time may lag behind the clock."""

_encode = JSONEncoder(ensure_ascii=False).encode  # a task may replace what the module has


def file_names(job_id: str, attempt: int) -> tuple[str, str]:
    """The old file and the present one, in the directory of logs. Either may be missing."""
    return f"{job_id}.{attempt}.log.old", f"{job_id}.{attempt}.log"


class Logbook:
    """Writes for one attempt at a time. Nothing here raises, whatever the disk does: what can't be written is lost.

    Also what an attempt's own threads and forked children say is kept: each line is one write to the end of the file.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._attempt: tuple[str, int] | None = None
        self._begun = 0.0
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._alone = threading.RLock()  # a signal handler may speak, too, in the midst of a line
        os.register_at_fork(after_in_child=self._forked)

    def begin(self, job_id: str, attempt: int) -> None:
        """From now on it is this attempt that speaks."""
        self._attempt = (job_id, attempt)
        self._begun = time.time()

    def end(self) -> None:
        """Nobody speaks. What comes all the same, from a thread that was left, is dropped."""
        with self._alone:
            self._attempt = None
            self._close()

    def write(
        self,
        text: str,
        *,
        stream: str | None = None,
        level: str | None = None,
        logger: str | None = None,
        unfinished: bool = False,
    ) -> None:
        """Keeps a line: of a stream, or of a logger at a level. A stream's next one goes on with an unfinished one."""
        if self._attempt is None:
            return
        at = time.time_ns() // 1000
        for begin in range(0, len(text) or 1, LINE_CHARS):
            part = text[begin : begin + LINE_CHARS]
            record: dict[str, object] = {"at": at, "stream": stream, "level": level, "logger": logger, "text": part}
            if unfinished:
                record["unfinished"] = True
            # What a full disk has cut short must not take the next record along, so each begins a line.
            line = b"\n" + _encode(record).encode(errors="backslashreplace")
            # Alone: a descriptor that another thread closes at a turn may be a task's own file when it is written to.
            with self._alone, contextlib.suppress(OSError):
                self._append(line)

    def _append(self, line: bytes) -> None:
        size = self._size()
        if size is None:
            self._open()
        elif size >= FILE_BYTES:
            self._turn()
        if self._descriptor is not None:
            os.write(self._descriptor, line)

    def _size(self) -> int | None:
        """Of the file that is open; None where none is, or not any more: a task may close what is not its own."""
        if self._descriptor is None:
            return None
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return None
        return status.st_size if _identity(status) == self._identity else None

    def _turn(self) -> None:
        """The present file becomes the old one, unless a process that shares it has turned it before."""
        if self._attempt is None:
            return
        old, present = (self._directory / name for name in file_names(*self._attempt))
        with contextlib.suppress(FileNotFoundError):
            if _identity(present.stat()) == self._identity:
                present.replace(old)
        self._close()
        self._open()

    def _open(self) -> None:
        if self._attempt is not None:
            file = self._directory / file_names(*self._attempt)[1]
            self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            status = os.fstat(self._descriptor)
            self._identity = _identity(status)
            if status.st_size > 0 and status.st_mtime < self._begun - COARSE_S:
                record = {
                    "at": time.time_ns() // 1000,
                    "stream": None,
                    "level": "info",
                    "logger": "offload",
                    "text": AGAIN,
                }
                os.write(self._descriptor, b"\n" + _encode(record).encode())

    def _close(self) -> None:
        if self._size() is not None and self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _forked(self) -> None:
        self._alone = threading.RLock()  # the thread that held it may not be in the child


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
