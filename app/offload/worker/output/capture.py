"""Captures what tasks print and log: it goes to the attempt's log, and up to a limit to the service's stderr."""

import codecs
import contextlib
import io
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from offload.worker.output.log_writer import LINE_CHARS, LogWriter
from offload.worker.output.loggers import LoggersState

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

ATTEMPT_BYTES = 64 * 1024
NOTICE = b"\n[offload] this attempt has printed 64 KiB; the rest is only in its log\n"

PIECE_BYTES = 64 * 1024
"""How much of a write is decoded at once: a write may be larger than the memory that is left."""

UNFINISHED_S = 1.0
"""How often an unfinished line is written to the log. A progress bar is an unfinished line all the time."""


class ForwardedStderr:
    """The service's stderr, which the lane has inherited, with a limit for each attempt."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = 0

    def allow(self, size: int) -> None:
        """Start a new attempt, which may write this many bytes."""
        self._left = size

    def write(self, view: memoryview) -> None:
        """Write as much as the limit allows."""
        if self._left > 0:
            passed = bytes(view[: self._left])
            self._left -= view.nbytes
            with contextlib.suppress(OSError):
                os.write(self._descriptor, passed)
                if self._left <= 0:
                    os.write(self._descriptor, NOTICE)


class CapturedStream(io.RawIOBase):
    """A task's stdout or stderr. To close it closes no descriptor."""

    def __init__(self, name: str, stderr: ForwardedStderr, log: LogWriter) -> None:
        self._name = name
        self._stderr = stderr
        self._log = log
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line = ""
        self._logged_at = -UNFINISHED_S
        self._unused = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return stderr's descriptor, for a program that a task starts with its own stdout."""
        return 2

    def write(self, data: "Buffer", /) -> int:
        """Accept everything: a task does not fail because its output can't be written."""
        self._unused = False
        with memoryview(data) as view, view.cast("B") as plain:
            self._stderr.write(plain)
            for begin in range(0, plain.nbytes, PIECE_BYTES):
                self._split(self._decoder.decode(bytes(plain[begin : begin + PIECE_BYTES])))
            size = plain.nbytes
        if self._line and time.monotonic() >= self._logged_at + UNFINISHED_S:
            self._logged_at = time.monotonic()
            self._log_line(self._line, unfinished=True)
            self._line = ""
        return size

    def end_line(self) -> None:
        """Log a last line that has no end of line, and prepare for the next attempt."""
        if self._unused:
            return
        if rest := self._line + self._decoder.decode(b"", final=True):
            self._log_line(rest)
        self._line = ""
        self._logged_at = -UNFINISHED_S
        self._unused = True

    def _split(self, text: str) -> None:
        """Log the complete lines. Of the last, keep what a terminal shows, after its last carriage return."""
        *lines, last = (self._line + text).split("\n")
        for line in lines:
            self._log_line(line)
        self._line = last if "\r" not in last else last[max(0, last.rfind("\r", 0, len(last.rstrip("\r")))) :]
        if len(self._line) > LINE_CHARS:
            whole = (len(self._line) - 1) // LINE_CHARS * LINE_CHARS
            self._log_line(self._line[:whole])
            self._line = self._line[whole:]

    def _log_line(self, line: str, *, unfinished: bool = False) -> None:
        self._log.write(line, stream=self._name, unfinished=unfinished)


class OutputCapture:
    """Replaces `sys.stdout` and `sys.stderr`, and captures `logging`.

    After each attempt all of it is restored, and the descriptors 1 and 2 as well when a task has closed them.
    """

    def __init__(self, log: LogWriter) -> None:
        self._log = log
        self._own = os.dup(2)
        os.set_inheritable(self._own, False)
        self._identity = _identity(self._own)
        self._stderr = ForwardedStderr(self._own)
        self._streams: tuple[CapturedStream, ...] = ()
        self._texts = self._open()
        self._loggers = LoggersState(CapturingHandler(log, self._stderr))

    def begin(self, job_id: str, attempt: int) -> None:
        """Capture the output of this attempt from now on."""
        self._log.begin(job_id, attempt)
        self._stderr.allow(ATTEMPT_BYTES)
        if not self._usable():
            self._texts = self._open()
        sys.stdout, sys.stderr = self._texts
        self._loggers.restore()

    def end(self) -> None:
        """End the attempt's output: flush the buffers and restore the descriptors."""
        for text, stream in zip(self._texts, self._streams, strict=True):
            with contextlib.suppress(ValueError, OSError):  # the task has closed it
                text.flush()
            stream.end_line()
        self._log.end()
        with contextlib.suppress(OSError):  # the task has closed it
            if not os.get_blocking(self._own):  # it is the service's own stderr, too, which must not fail with EAGAIN
                os.set_blocking(self._own, True)
        for descriptor in (1, 2):
            if _identity(descriptor) != self._identity:
                with contextlib.suppress(OSError):  # the task has closed ours as well
                    os.dup2(self._own, descriptor)

    def _usable(self) -> bool:
        try:
            return not any(text.closed for text in self._texts)  # this asks the layers below
        except ValueError:  # the task has detached one
            return False

    def _open(self) -> tuple[io.TextIOWrapper, ...]:
        self._streams = tuple(CapturedStream(name, self._stderr, self._log) for name in ("stdout", "stderr"))
        return tuple(
            io.TextIOWrapper(
                io.BufferedWriter(stream), encoding="utf-8", errors="backslashreplace", line_buffering=True
            )
            for stream in self._streams
        )


class CapturingHandler(logging.Handler):
    """A handler of the root logger, so it receives the records of all loggers that propagate."""

    def __init__(self, log: LogWriter, stderr: ForwardedStderr) -> None:
        super().__init__()
        self._log = log
        self._stderr = stderr

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record. One that can't be formatted is reported on stderr, as the standard library does."""
        try:
            text = self.format(record)
        except Exception:  # its arguments may be any objects
            self.handleError(record)
            return
        line = f"{record.levelname}:{record.name}:{text}\n".encode(errors="backslashreplace")
        self._stderr.write(memoryview(line))
        self._log.write(text, level=str(record.levelname).lower()[:20], logger=str(record.name)[:200])


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
