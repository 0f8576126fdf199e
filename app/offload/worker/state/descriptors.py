"""Open descriptors of a lane's process: how many there are, and one that is kept for the lane itself. Linux only."""

import contextlib
import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

GROWTH = 100
"""A lane with so many more descriptors than when it opened has a leak and is replaced.

They are not closed instead: some belong to what libraries keep from one attempt to the next, such as connections."""

_DEVNULL = Path(os.devnull).stat().st_rdev

T = TypeVar("T")


class OpenDescriptors:
    """The descriptors of this process."""

    def __init__(self) -> None:
        self._directory = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = GROWTH if soft == resource.RLIM_INFINITY else min(GROWTH, soft // 4)
        self._most = self._count() + most

    def restore_stdin(self) -> None:
        """Open /dev/null as descriptor 0 again. Programs that the next task starts would read what is there."""
        if not _is_devnull(0):
            nothing = os.open(os.devnull, os.O_RDONLY)
            if nothing != 0:
                os.dup2(nothing, 0)
                os.close(nothing)

    def have_grown(self) -> bool:
        """Return True when there are too many for the next attempt."""
        return self._count() > self._most

    def _count(self) -> int:
        """Return their number. Since Linux 6.2 it is the directory's size (1 µs); before, the size is 0."""
        return os.fstat(self._directory).st_size or len(os.listdir(self._directory))  # noqa: PTH208  # a descriptor


class SpareDescriptor:
    """A descriptor that the lane gives up when a task has opened as many as are allowed, for its log and its result."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self.restore()

    def restore(self) -> None:
        """Take a descriptor, unless there is one."""
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def opening(self, work: Callable[[], T]) -> T:
        """Return `work()`. If it fails since no descriptor is left, give up the spare one and try again."""
        try:
            return work()
        except OSError as error:
            if error.errno != errno.EMFILE or self._descriptor is None:
                raise
        if _is_devnull(self._descriptor):  # else a task has closed it, and may have opened a file there
            os.close(self._descriptor)
        self._descriptor = None
        return work()


def _is_devnull(descriptor: int) -> bool:
    try:
        return os.fstat(descriptor).st_rdev == _DEVNULL
    except OSError:
        return False
