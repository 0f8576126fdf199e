"""Makes a lane fit for its next attempt, or says why it isn't."""

import os
import signal
import sys
import threading
from pathlib import Path

from app.worker.limits import Memory
from app.worker.setup import outlive_stop_signals

GROWTH_BYTES = 256 << 20
"""A lane that holds so much more than when it opened has been leaked into, and is replaced."""


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

    def restore(self) -> str | None:
        """Undoes what an attempt changed, where that is cheap. Answers why the process is unfit for another one."""
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            outlive_stop_signals()
            sys.setrecursionlimit(self._recursion)
            os.chdir(self._home)
            os.umask(self._umask)  # or the next result's file could be one that nobody may read
            return self._left_behind()
        except Exception as error:  # whatever a task has done to make these fail, a new process cures it
            return f"could not be restored: {error!r}"

    def _left_behind(self) -> str | None:
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
