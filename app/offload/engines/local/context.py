"""The multiprocessing context of one lane: it keeps the process and the result queue that the executor makes.

    server ──asks──► forkserver ──forks──► lane, lane, …

`ProcessPoolExecutor` gets its process and its result queue from its context. A context that keeps them gives access to
both without private attributes of the executor, and without `active_children()`, which would compete with the
executor for the exit code.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from multiprocessing import connection, context, forkserver, popen_forkserver
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.util import get_temp_dir
from pathlib import Path
from types import ModuleType
from typing import Any

from offload.engines.local.forkserver import remove_dead_listeners

LAUNCH_S = 30.0
"""How long a launch waits for an earlier one, whose forkserver may be suspended or unable to fork."""

_hiding_main = threading.Lock()


class LaneContext(context.ForkServerContext):
    """The context of one executor with one worker."""

    def __init__(self) -> None:
        super().__init__()
        self.process: ForkedProcess | None = None
        self.results: SimpleQueue[Any] | None = None  # Any: whatever the executor sends

    @property
    def started(self) -> "ForkedProcess":
        """The process. Raises RuntimeError when the executor has started none."""
        if self.process is None or self.process.pid is None:
            raise RuntimeError("the executor started no process")
        return self.process

    def Process(self, *args: Any, **kwargs: Any) -> "ForkedProcess":  # type: ignore[override]  # noqa: N802  # a method here, a class there
        self.process = ForkedProcess(*args, **kwargs)
        return self.process

    def SimpleQueue(self) -> SimpleQueue[Any]:  # noqa: N802  # the name that the executor calls
        self.results = super().SimpleQueue()
        return self.results


class ForkedProcess(context.ForkServerProcess):
    """A process whose exit code is right, even when several threads ask for it."""

    _popen: "_Popen | None"

    @property
    def known_exitcode(self) -> int | None:
        """The exit code. None also when the forkserver died first; multiprocessing then reports 255."""
        return None if self._popen is None or self._popen.unknown else self.exitcode

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> popen_forkserver.Popen:  # noqa: N802  # multiprocessing's hook for this
        return _Popen(process_obj)


class _Popen(popen_forkserver.Popen):
    """Three corrections: one thread at a time reads the exit code, the main program is not imported again, and a
    forkserver that has died leaves no socket.
    """

    def __init__(self, process_obj: BaseProcess) -> None:
        self._reading = threading.Lock()
        self.unknown = False
        """True when no exit code will ever come, since the forkserver is gone."""
        super().__init__(process_obj)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """Return the exit code, which the forkserver writes once.

        Every `Process.start` polls all processes, in any thread. Of two threads that race for the code, the second one
        would read nothing and overwrite it with 255.
        """
        if flag != os.WNOHANG and self.returncode is None:
            connection.wait([self.sentinel])
        with self._reading:
            if self.returncode is None and connection.wait([self.sentinel], 0):
                try:
                    self.returncode = forkserver.read_signed(self.sentinel)
                except (OSError, EOFError):
                    self.returncode, self.unknown = 255, True
            return self.returncode

    def _launch(self, process_obj: BaseProcess) -> None:
        with _hidden_main():
            remove_dead_listeners(Path(get_temp_dir()))
            super()._launch(process_obj)  # type: ignore[misc]  # typeshed does not know it


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Hide the main program. A new process would import it again as `__mp_main__`: all of a server's or pytest's
    start-up in every lane, for functions that no lane needs.

    One thread at a time can do so. Raise TimeoutError when another one does not finish.
    """
    if not _hiding_main.acquire(timeout=LAUNCH_S):
        raise TimeoutError(f"the forkserver has not responded for {LAUNCH_S:g} s")
    try:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
    finally:
        _hiding_main.release()
