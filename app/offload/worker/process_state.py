"""Restores a lane's process after an attempt, or finds out why it is unfit for the next one."""

import faulthandler
import locale
import os
import resource
import signal
import sys
import threading
from pathlib import Path

from offload.worker.setup import survive_stop_signals
from offload.worker.usage import Memory

GROWTH_BYTES = 256 << 20
"""A lane that holds so much more memory than when it opened has a leak and is replaced."""

TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
"""Each ends with a signal that kills a process without a handler for it."""

SIGNALS = (
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGPIPE,
    signal.SIGPROF,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGVTALRM,
)
"""The signals that programs commonly handle. `survive_stop_signals` restores the others."""

LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_STACK,
)
"""The limits that can make another job fail."""


class ProcessState:
    """The state of this process before its first attempt. Make it after the lane's own threads have started."""

    def __init__(self, memory: Memory) -> None:
        self.pid = os.getpid()
        self.held_bytes = memory.held_bytes()
        self._memory = memory
        self._home = str(Path.cwd())
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._recursion = sys.getrecursionlimit()
        self._threads = threading.active_count()
        self._environ = dict(os.environ)
        self._raw_environ = dict(_raw(os.environ))
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._limits = {limit: resource.getrlimit(limit) for limit in LIMITS}
        self._locale = locale.setlocale(locale.LC_ALL)
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._tracing = sys.gettrace(), sys.getprofile()

    def restore(self) -> str | None:
        """Undo what an attempt changed, where that is cheap (20 µs in all). Return why the process is unfit."""
        try:
            self._restore_signals()
            self._restore_environment()
            return self._left_behind()
        except Exception as error:  # a task can make any of these fail; a new process is the cure
            return f"could not be restored: {error!r}"

    def _restore_signals(self) -> None:
        for timer in TIMERS:
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()  # it can end the process, too
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        survive_stop_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _restore_environment(self) -> None:
        sys.settrace(self._tracing[0])
        sys.setprofile(self._tracing[1])
        sys.setrecursionlimit(self._recursion)
        os.chdir(self._home)
        os.umask(self._umask)  # or the server might not be allowed to read the next result file
        if _raw(os.environ) != self._raw_environ:
            os.environ.clear()
            os.environ.update(self._environ)
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        for limit, both in self._limits.items():
            if resource.getrlimit(limit) != both:
                resource.setrlimit(limit, both)

    def _left_behind(self) -> str | None:
        if os.getpriority(os.PRIO_PROCESS, 0) > self._nice:
            return "the task lowered the priority of the process"
        if _has_children():
            return "the task left processes behind"
        if threading.active_count() > self._threads:
            return "the task left threads behind"
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
