"""What tasks print and log: kept with the job, and passed on to the service's stderr up to a bound for each attempt."""

import codecs
import contextlib
import io
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from offload.worker.logbook import LINE_CHARS, Logbook
from offload.worker.loggers import Loggers

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

ATTEMPT_BYTES = 64 * 1024
NOTICE = b"\n[offload] this attempt has printed 64 KiB; the rest is not told here\n"

PIECE_BYTES = 64 * 1024
"""Of one write that are looked at together: it may be larger than what memory has left."""

UNFINISHED_S = 1.0
"""How often a line is kept that is flushed before its end: that of a progress bar is all the time."""


class Stderr:
    """The service's own, as a lane has inherited it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = 0

    def allow(self, size: int) -> None:
        """Begins a new attempt: this many bytes may pass."""
        self._left = size

    def write(self, view: memoryview) -> None:
        """Passes on what may pass."""
        if self._left > 0:
            passed = bytes(view[: self._left])
            self._left -= view.nbytes
            with contextlib.suppress(OSError):
                os.write(self._descriptor, passed)
                if self._left <= 0:
                    os.write(self._descriptor, NOTICE)


class Stream(io.RawIOBase):
    """A task's stdout or stderr. Closing it closes nothing."""

    def __init__(self, name: str, stderr: Stderr, book: Logbook) -> None:
        self._name = name
        self._stderr = stderr
        self._book = book
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line = ""
        self._kept = -UNFINISHED_S
        self._silent = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """For programs that a task starts with its own stdout as theirs."""
        return 2

    def write(self, data: "Buffer", /) -> int:
        """Takes everything, always: a task does not fail because nobody can read what it prints."""
        self._silent = False
        with memoryview(data) as view, view.cast("B") as plain:
            self._stderr.write(plain)
            for begin in range(0, plain.nbytes, PIECE_BYTES):
                self._take(self._decoder.decode(bytes(plain[begin : begin + PIECE_BYTES])))
            size = plain.nbytes
        if self._line and time.monotonic() >= self._kept + UNFINISHED_S:
            self._kept = time.monotonic()
            self._keep(self._line, unfinished=True)
            self._line = ""
        return size

    def end_line(self) -> None:
        """Keeps what has no end of line yet, and begins anew."""
        if self._silent:
            return
        if rest := self._line + self._decoder.decode(b"", final=True):
            self._keep(rest)
        self._line = ""
        self._kept = -UNFINISHED_S
        self._silent = True

    def _take(self, text: str) -> None:
        *lines, last = (self._line + text).split("\n")
        for line in lines:
            self._keep(line)
        self._line = last if "\r" not in last else last[max(0, last.rfind("\r", 0, len(last.rstrip("\r")))) :]
        if len(self._line) > LINE_CHARS:
            whole = (len(self._line) - 1) // LINE_CHARS * LINE_CHARS
            self._keep(self._line[:whole])
            self._line = self._line[whole:]

    def _keep(self, line: str, *, unfinished: bool = False) -> None:
        self._book.write(line, stream=self._name, unfinished=unfinished)


class Output:
    """Stands in for `sys.stdout` and `sys.stderr`, listens to `logging`, and restores all of it after a task, with the
    descriptors 1 and 2 where a task has closed them.
    """

    def __init__(self, book: Logbook) -> None:
        self._book = book
        self._own = os.dup(2)
        os.set_inheritable(self._own, False)
        self._identity = _identity(self._own)
        self._stderr = Stderr(self._own)
        self._streams: tuple[Stream, ...] = ()
        self._texts = self._make()
        self._loggers = Loggers(Listener(book, self._stderr))

    def begin(self, job_id: str, attempt: int) -> None:
        """A new attempt begins: what it says is its own, and what is passed on is counted from zero."""
        self._book.begin(job_id, attempt)
        self._stderr.allow(ATTEMPT_BYTES)
        if not self._work():
            self._texts = self._make()
        sys.stdout, sys.stderr = self._texts
        self._loggers.restore()

    def end(self) -> None:
        """The attempt has ended: passes on what is still in buffers."""
        for text, stream in zip(self._texts, self._streams, strict=True):
            with contextlib.suppress(ValueError, OSError):  # the task has closed it
                text.flush()
            stream.end_line()
        self._book.end()
        for descriptor in (1, 2):
            if _identity(descriptor) != self._identity:
                with contextlib.suppress(OSError):  # the task has closed ours as well
                    os.dup2(self._own, descriptor)

    def _work(self) -> bool:
        try:
            return not any(text.closed for text in self._texts)  # asks the layers below
        except ValueError:  # the task has taken one away
            return False

    def _make(self) -> tuple[io.TextIOWrapper, ...]:
        self._streams = tuple(Stream(name, self._stderr, self._book) for name in ("stdout", "stderr"))
        return tuple(
            io.TextIOWrapper(
                io.BufferedWriter(stream), encoding="utf-8", errors="backslashreplace", line_buffering=True
            )
            for stream in self._streams
        )


class Listener(logging.Handler):
    """Hears every logger that hands on to the root."""

    def __init__(self, book: Logbook, stderr: Stderr) -> None:
        super().__init__()
        self._book = book
        self._stderr = stderr

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record. One that can't be put into words is told as the standard library tells it, on stderr."""
        try:
            text = self.format(record)
        except Exception:  # its arguments may be anything
            self.handleError(record)
            return
        line = f"{record.levelname}:{record.name}:{text}\n".encode(errors="backslashreplace")
        self._stderr.write(memoryview(line))
        self._book.write(text, level=str(record.levelname).lower()[:20], logger=str(record.name)[:200])


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
