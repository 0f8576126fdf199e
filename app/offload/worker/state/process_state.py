"""Restores a lane's process after an attempt, or finds out why it is unfit for the next one."""

import _thread
import locale
import os
import resource
import time
from pathlib import Path

from offload.wire.process_mark import RLIMIT_LOCKS
from offload.worker.state.descriptors import OpenDescriptors
from offload.worker.state.interpreter import InterpreterState
from offload.worker.state.scheduling import SchedulingState
from offload.worker.state.signals import SignalState
from offload.worker.usage import Memory

GROWTH_BYTES = 256 << 20
"""A lane that holds so much more memory than when it opened has a leak and is replaced."""

LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_MEMLOCK,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_STACK,
    RLIMIT_LOCKS,  # the mark of the lane, see `wire.process_mark`
)
"""The limits that can make another job fail."""


class ProcessState:
    """The state of this process before its first attempt. Make it after the lane's own threads have started."""

    def __init__(self, memory: Memory) -> None:
        self.pid = os.getpid()
        self.held_bytes = memory.held_bytes()
        self._memory = memory
        self._signals = SignalState()
        self._interpreter = InterpreterState()
        self._scheduling = SchedulingState()
        self._home = str(Path.cwd())
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._user = os.getresuid(), os.getresgid()
        self._environ = dict(os.environ)
        self._raw_environ = dict(_raw(os.environ))
        self._limits = {limit: resource.getrlimit(limit) for limit in LIMITS}
        self._locale = locale.setlocale(locale.LC_ALL)
        self._threads = _thread._count()  # noqa: SLF001  # see `_left_behind`
        self._descriptors = OpenDescriptors()

    def restore(self) -> str | None:
        """Undo what an attempt changed, where that is cheap (25 µs in all). Return why the process is unfit."""
        try:
            self._signals.restore()
            self._interpreter.restore()
            self._scheduling.restore()
            self._descriptors.restore_stdin()
            self._restore_environment()
            return self._left_behind()
        except Exception as error:  # a task can make any of these fail; a new process is the cure
            return f"could not be restored: {error!r}"

    def _restore_environment(self) -> None:
        os.chdir(self._home)
        os.umask(self._umask)  # or the server might not be allowed to read the next result file
        if _raw(os.environ) != self._raw_environ:
            os.environ.clear()
            os.environ.update(self._environ)
            time.tzset()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        for limit, both in self._limits.items():
            if resource.getrlimit(limit) != both:
                resource.setrlimit(limit, both)

    def _left_behind(self) -> str | None:
        if (os.getresuid(), os.getresgid()) != self._user:
            return "the task changed the user of the process"
        if _has_children():
            return "the task left processes behind"
        # `threading` does not know threads that `_thread` has started. Those of C libraries are pools, which may stay.
        # One that has not begun to run is counted after the next attempt.
        if _thread._count() > self._threads:  # noqa: SLF001
            return "the task left threads behind"
        if self._descriptors.have_grown():
            return "the task left open files behind"
        if self._memory.held_bytes() > self.held_bytes + GROWTH_BYTES:
            return "the task left memory behind"
        return None


def _has_children() -> bool:
    """Return True while a child of this process runs. Reap the children that have ended.

    This process adopts orphans (see `set_up_process`), so a grandchild whose parent has ended is found as well.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _raw(environ: "os._Environ[str]") -> dict[bytes, bytes]:
    """Return the mapping inside `os.environ`. To compare the public mapping would take 45 µs after every attempt."""
    raw: dict[bytes, bytes] = environ._data  # type: ignore[attr-defined]  # noqa: SLF001
    return raw
