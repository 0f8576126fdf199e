"""What tasks print: it goes to the service's stderr, up to a bound for each attempt."""

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

ATTEMPT_BYTES = 64 * 1024
NOTICE = b"\n[offload] this attempt has printed 64 KiB; the rest is dropped\n"


class BoundedOutput(io.RawIOBase):
    """Writes to a descriptor until the attempt's bound, then swallows. Closing it closes nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = 0

    def allow(self, size: int) -> None:
        """Begins a new attempt: this many bytes may pass."""
        self._left = size

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """For programs that a task starts with its own stdout as theirs."""
        return 2

    def write(self, data: "Buffer", /) -> int:
        """Takes everything, always: a task does not fail because nobody can read what it prints."""
        with memoryview(data) as view:
            size = view.nbytes
            if self._left > 0:
                passed = bytes(view[: self._left])
                self._left -= size
                with contextlib.suppress(OSError):
                    os.write(self._descriptor, passed)
                    if self._left <= 0:
                        os.write(self._descriptor, NOTICE)
        return size


class Output:
    """Stands in for `sys.stdout` and `sys.stderr`, and restores descriptors 1 and 2 when a task has closed them."""

    def __init__(self) -> None:
        self._own = os.dup(2)
        os.set_inheritable(self._own, False)
        self._identity = _identity(self._own)
        self._raw = BoundedOutput(self._own)
        self._text = self._make()

    def begin(self) -> None:
        """A new attempt begins: what it prints is counted from zero."""
        self._raw.allow(ATTEMPT_BYTES)
        if not self._works():
            self._raw = BoundedOutput(self._own)
            self._raw.allow(ATTEMPT_BYTES)
            self._text = self._make()
        sys.stdout = sys.stderr = self._text

    def end(self) -> None:
        """The attempt has ended: passes on what is still in buffers."""
        with contextlib.suppress(ValueError, OSError):  # the task has closed it
            self._text.flush()
        for descriptor in (1, 2):
            if _identity(descriptor) != self._identity:
                with contextlib.suppress(OSError):  # the task has closed ours as well
                    os.dup2(self._own, descriptor)

    def _works(self) -> bool:
        try:
            return not self._text.closed  # asks the layers below
        except ValueError:  # the task has taken one away
            return False

    def _make(self) -> io.TextIOWrapper:
        buffer = io.BufferedWriter(self._raw)
        return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
