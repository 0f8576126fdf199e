"""Makes a lane fit for its next attempt, or says why it isn't."""

import faulthandler
import locale
import os
import resource
import signal
import sys
import threading
from pathlib import Path

from offload.worker.limits import Memory
from offload.worker.setup import outlive_stop_signals

GROWTH_BYTES = 256 << 20
"""A lane that holds so much more than when it opened has been leaked into, and is replaced."""


TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
"""Each ends by a signal that kills a process which does not expect it."""

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
"""Those that programs commonly handle; `outlive_stop_signals` sees to the rest."""

LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_STACK,
)
"""Those that can make another job fail."""


class Hygiene:
    """Remembers how this process was when it opened; made before the first attempt, after the lane's own threads."""

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
        self._environ_inside = dict(_inside(os.environ))
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._limits = {limit: resource.getrlimit(limit) for limit in LIMITS}
        self._locale = locale.setlocale(locale.LC_ALL)
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._tracing = sys.gettrace(), sys.getprofile()

    def restore(self) -> str | None:
        """Undoes what an attempt changed, where that is cheap (20 µs in all). Answers why it is unfit for the next."""
        try:
            self._restore_signals()
            self._restore_surroundings()
            return self._left_behind()
        except Exception as error:  # whatever a task has done to make these fail, a new process cures it
            return f"could not be restored: {error!r}"

    def _restore_signals(self) -> None:
        for timer in TIMERS:
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()  # which can end the process, too
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        outlive_stop_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _restore_surroundings(self) -> None:
        sys.settrace(self._tracing[0])
        sys.setprofile(self._tracing[1])
        sys.setrecursionlimit(self._recursion)
        os.chdir(self._home)
        os.umask(self._umask)  # or the next result's file could be one that nobody may read
        if _inside(os.environ) != self._environ_inside:
            os.environ.clear()
            os.environ.update(self._environ)
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        for limit, both in self._limits.items():
            if resource.getrlimit(limit) != both:
                resource.setrlimit(limit, both)

    def _left_behind(self) -> str | None:
        if os.getpriority(os.PRIO_PROCESS, 0) > self._nice:
            return "the task made the process nicer"
        if _has_children():
            return "the task left processes behind"
        if threading.active_count() > self._threads:
            return "the task left threads behind"
        if self._memory.held_bytes() > self.held_bytes + GROWTH_BYTES:
            return "the task left memory behind"
        return None


def _has_children() -> bool:
    """True where a child still runs. Children that have ended unnoticed are cleared away.

    This process adopts its orphans (see `setup`), so a grandchild whose parent has ended is seen as well.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _inside(environ: "os._Environ[str]") -> dict[bytes, bytes]:
    """The environment as `os` keeps it. To compare it through the public mapping takes 45 µs after every attempt."""
    inside: dict[bytes, bytes] = environ._data  # type: ignore[attr-defined]  # noqa: SLF001
    return inside
