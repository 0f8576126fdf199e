"""Writes the log of an attempt: each line is a JSON record in the attempt's file, written immediately.

    {"at": 1795421662123456, "stream": "stdout", "level": null, "logger": null, "text": "half done"}

With `"unfinished": true` the record is the beginning of a line, which the stream's next record continues. The text
`RESTARTED` separates two runs under the same number, after a graceful stop; no line continues across it.

The log goes to a file and not through the pipe: it may be large, and it must be there after a SIGKILL, when it is most
useful. Most attempts print nothing and have no file. The newest lines are kept: a full file becomes the older one and
replaces the previous one.
"""

import contextlib
import os
import threading
import time
from json import JSONEncoder
from pathlib import Path

from offload.wire.attempt_files import RESTARTED, log_names
from offload.worker.state.descriptors import SpareDescriptor

FILE_BYTES = 128 * 1024
"""About the size of each of the two files: once a file has reached it, the next line starts a new file."""

LINE_CHARS = 4096
"""A longer line is written as several records."""

FILE_TIME_S = 0.01
"""By how much a file's modification time may lag behind the clock."""

_encode = JSONEncoder(ensure_ascii=False).encode  # made now: a task may replace `json.dumps`


class LogWriter:
    """Writes the log of one attempt at a time. No method raises: a line that can't be written is lost.

    Lines of an attempt's own threads and forked children are written, too: each is one write to the end of the file.
    """

    def __init__(self, directory: Path, spare: SpareDescriptor | None = None) -> None:
        self._directory = directory
        self._spare = spare or SpareDescriptor()
        self._attempt: tuple[str, int] | None = None
        self._started = 0.0
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._lock = threading.RLock()  # reentrant: a signal handler may log while a line is being written
        os.register_at_fork(after_in_child=self._forked)

    def begin(self, job_id: str, attempt: int) -> None:
        """Write the lines from now on to this attempt's log."""
        self._attempt = (job_id, attempt)
        self._started = time.time()
        self._spare.restore()

    def end(self) -> None:
        """End the log. Later lines, from a thread that the task left behind, are dropped."""
        with self._lock:
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
        """Write a line of a stream, or of a logger with a level. The stream's next line continues an unfinished one."""
        if self._attempt is None:
            return
        at = time.time_ns() // 1000
        for begin in range(0, len(text) or 1, LINE_CHARS):
            part = text[begin : begin + LINE_CHARS]
            record: dict[str, object] = {"at": at, "stream": stream, "level": level, "logger": logger, "text": part}
            if unfinished:
                record["unfinished"] = True
            # Each record starts with a new line: one that a full disk has cut short must not spoil the next.
            line = b"\n" + _encode(record).encode(errors="backslashreplace")
            # Under the lock: when another thread rotates the files, the number of the closed descriptor may belong to
            # a file of the task.
            with self._lock, contextlib.suppress(OSError):
                self._append(line)

    def _append(self, line: bytes) -> None:
        size = self._size()
        if size is None:
            self._open()
        elif size >= FILE_BYTES:
            self._rotate()
        if self._descriptor is not None:
            os.write(self._descriptor, line)

    def _size(self) -> int | None:
        """Return the size of the open file. None when there is none, or when a task has closed its descriptor."""
        if self._descriptor is None:
            return None
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            return None
        return status.st_size if _identity(status) == self._identity else None

    def _rotate(self) -> None:
        """Rename the current file to the older one, unless a process that shares the log has done it already."""
        if self._attempt is None:
            return
        older, current = (self._directory / name for name in log_names(*self._attempt))
        with contextlib.suppress(FileNotFoundError):
            if _identity(current.stat()) == self._identity:
                current.replace(older)
        self._close()
        self._open()

    def _open(self) -> None:
        if self._attempt is not None:
            file = self._directory / log_names(*self._attempt)[1]
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = self._spare.opening(lambda: os.open(file, flags, 0o600))
            status = os.fstat(self._descriptor)
            self._identity = _identity(status)
            if status.st_size > 0 and status.st_mtime < self._started - FILE_TIME_S:
                at = time.time_ns() // 1000
                record = {"at": at, "stream": None, "level": "info", "logger": "offload", "text": RESTARTED}
                os.write(self._descriptor, b"\n" + _encode(record).encode())

    def _close(self) -> None:
        if self._size() is not None and self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _forked(self) -> None:
        self._lock = threading.RLock()  # the thread that holds it may not exist in the child


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
