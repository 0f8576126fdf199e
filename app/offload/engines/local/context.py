"""The multiprocessing context of one lane: has its process forked by the forkserver, and keeps hold of what it made.

    front desk ──asks──► forkserver ──forks──► lane, lane, …

`ProcessPoolExecutor` asks its context for its process and its result queue. A context that remembers them gives access
to both without the executor's private parts, and without `active_children()`, whose polling would compete with the
executor's own for the exit code.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import connection, context, forkserver, popen_forkserver, resource_tracker
from multiprocessing.process import BaseProcess, current_process
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import ModuleType
from typing import Any

from offload.tasks.registry import RegistrySpec
from offload.worker.registry import announce

_hiding_main = threading.Lock()


def start_forkserver(modules: Sequence[str], spec: RegistrySpec, directory: Path) -> None:
    """Starts the forkserver, where it does not run yet, with `modules` and what lanes need loaded for all to share.

    None of `modules` may raise anything but ImportError: that would end the forkserver. Its socket is put into
    `directory`, where the next start finds it after a kill. multiprocessing would choose /tmp, and remove what it chose
    by an exit handler, which is not run by a service that ends by its signal, and which complains where somebody was
    faster; there is no public way to tell it.
    """
    current_process()._config["tempdir"] = str(directory)  # type: ignore[attr-defined]  # noqa: SLF001
    announce(spec)
    forkserver.set_forkserver_preload(["offload.worker.forkserver", *modules, "offload.worker.preload"])
    # What is started here inherits the mask. The resource tracker keeps it: deaf by itself to the other two only, it
    # would end with its terminal before it has removed what the service leaves to it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        with _quiet_tracker():
            resource_tracker.ensure_running()  # which otherwise happens below, and would unblock the other two
        # A Ctrl-C while the forkserver starts finds it deaf already, as `offload.worker.forkserver` keeps it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _quiet_tracker() -> Iterator[None]:
    """A tracker that is started now does not warn: to remove what a killed service has left is what it is there for."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [before, "ignore:resource_tracker:UserWarning"]))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


class LaneContext(context.ForkServerContext):
    """Serves one executor with one worker."""

    def __init__(self) -> None:
        super().__init__()
        self.process: LanePythonProcess | None = None
        self.results: SimpleQueue[Any] | None = None  # it carries whatever the executor sends

    @property
    def started(self) -> int:
        """The pid of the process. Raises RuntimeError where the executor has started none."""
        if self.process is None or self.process.pid is None:
            raise RuntimeError("the executor started no process")
        return self.process.pid

    def Process(self, *args: Any, **kwargs: Any) -> "LanePythonProcess":  # type: ignore[override]  # noqa: N802  # a method here, a class there
        self.process = LanePythonProcess(*args, **kwargs)
        return self.process

    def SimpleQueue(self) -> SimpleQueue[Any]:  # noqa: N802  # the name that the executor calls
        self.results = super().SimpleQueue()
        return self.results


class LanePythonProcess(context.ForkServerProcess):
    """A process object whose exit code is right whoever else asks for it."""

    _popen: "_Popen | None"

    @property
    def known_exitcode(self) -> int | None:
        """The exit code; None also where the forkserver died with it, for which multiprocessing makes up 255."""
        return None if self._popen is None or self._popen.untold else self.exitcode

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> popen_forkserver.Popen:  # noqa: N802  # multiprocessing's hook for this
        return _Popen(process_obj)


class _Popen(popen_forkserver.Popen):
    """Two corrections: one reader of the exit code at a time, and no second import of the main program."""

    def __init__(self, process_obj: BaseProcess) -> None:
        self._reading = threading.Lock()
        self.untold = False
        """True where no exit code will ever come, since the forkserver is gone."""
        super().__init__(process_obj)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The forkserver writes the exit code once. Every `Process.start` polls all processes, in whatever thread; the
        loser of a race for the code would read nothing and store 255 over the winner's.
        """
        if flag != os.WNOHANG and self.returncode is None:
            connection.wait([self.sentinel])
        with self._reading:
            if self.returncode is None and connection.wait([self.sentinel], 0):
                try:
                    self.returncode = forkserver.read_signed(self.sentinel)
                except (OSError, EOFError):
                    self.returncode, self.untold = 255, True
            return self.returncode

    def _launch(self, process_obj: BaseProcess) -> None:
        with _no_main():
            super()._launch(process_obj)  # type: ignore[misc]  # typeshed does not know it


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """A new process would import the main program once more, as `__mp_main__`: a server's or pytest's whole start-up
    in every lane, for the sake of functions defined there. Lanes need none of it.
    """
    with _hiding_main:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
