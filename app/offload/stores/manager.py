"""The `multiprocessing.Manager` process that holds the board's dict, and the handle by which its owner ends it.

Light to import: it is all of the service that the Manager's process loads.
"""

import contextlib
import os
import select
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

from offload.wire.board import BoardManager, BoardProxy, Key, Value
from offload.wire.process_tree import die_with_parent

READY_S = 10.0
"""How long a new Manager may take to listen. On two busy cores it took 25 to 60 ms, 0.3 s with a cold forkserver."""


class ManagerProcess:
    """One Manager process. `start` blocks; `kill` may be called by any thread, at any time, more than once."""

    def __init__(self, address: str, authkey: bytes, context: ForkServerContext) -> None:
        self._context = context
        self._address = address
        self._authkey = authkey
        self._process: BaseProcess | None = None
        self._letting_go = threading.Lock()
        self.pid: int | None = None
        """The process's id, while there is one."""
        self.pidfd: int | None = None
        """Readable once the process has ended; None before it was started and after `close`."""

    def start(self) -> None:
        """Starts the process and waits until it listens. Raises OSError or EOFError where it does not."""
        with contextlib.suppress(FileNotFoundError):  # one that was killed leaves its socket's name behind
            os.unlink(self._address)  # noqa: PTH108  # an address is text, as multiprocessing has it
        ready, tell = self._context.Pipe(duplex=False)
        with ready:
            with tell:
                process = self._context.Process(target=serve, args=(self._address, self._authkey, tell), daemon=True)
                process.start()
                self._process = process
                self.pid = process.pid
                self.pidfd = os.pidfd_open(process.pid or 0)
            if not ready.poll(READY_S):
                raise TimeoutError(f"the board's Manager did not listen within {READY_S:g} s")
            ready.recv()

    def kill(self) -> None:
        """Ends the process, stopped or not. There is nothing in it worth a farewell."""
        with self._letting_go:  # or the number might be another file's by now
            if self.pidfd is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Kills the process, waits until it has gone (milliseconds; at most a second), and lets go of it."""
        self.kill()
        if self.pidfd is not None:
            gone = select.poll()
            gone.register(self.pidfd, select.POLLIN)
            gone.poll(1000)
            with self._letting_go:
                os.close(self.pidfd)
                self.pidfd = None
        if self._process is not None:
            self._process.join(1)
            with contextlib.suppress(ValueError):  # it waits for a device, and outlasts even SIGKILL for a while
                self._process.close()
            if self.pid is not None:
                with contextlib.suppress(ChildProcessError):  # a child of ours only where the forkserver above it died
                    os.waitpid(self.pid, os.WNOHANG)
            self._process = self.pid = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)  # noqa: PTH108  # as above


def serve(address: str, authkey: bytes, ready: Connection) -> None:
    """The Manager's process: listens at `address`, says so by `ready`, and serves the dict until it is killed.

    In a session of its own, so that a Ctrl-C or a kill of the service's group does not take the board before the
    lanes. As nice as the server: it has little to do but must do it soon, while the lanes below it burn every core.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    entries: dict[Key, Value] = {}
    BoardManager.register("entries", callable=lambda: entries, proxytype=BoardProxy)
    server = BoardManager(address, authkey).get_server()
    server.create(ready, "entries")  # one reference for ever: the dict stays the same whoever comes and goes
    with ready:
        ready.send(None)
    server.serve_forever()
