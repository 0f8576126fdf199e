"""The `multiprocessing.Manager` process that holds the board's dict, and the server's handle of it.

Light to import, since the Manager's process loads nothing else of the service.
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
"""How long a new Manager may take to listen. Measured on two busy cores: 25 to 60 ms, 0.3 s with a cold forkserver."""


class ManagerProcess:
    """One Manager process. `start` blocks. `kill` may be called by any thread, at any time and repeatedly."""

    def __init__(self, address: str, authkey: bytes, context: ForkServerContext) -> None:
        self._context = context
        self._address = address
        self._authkey = authkey
        self._process: BaseProcess | None = None
        self._closing = threading.Lock()
        self.pid: int | None = None
        """The id of the process while it exists."""
        self.pidfd: int | None = None
        """Readable after the process has ended. None before `start` and after `close`."""

    def start(self) -> None:
        """Starts the process and waits until it listens. Raises OSError or EOFError if it does not."""
        with contextlib.suppress(FileNotFoundError):  # a killed process leaves its socket's name behind
            os.unlink(self._address)  # noqa: PTH108  # multiprocessing's addresses are strings
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
        """Kills the process, even if it is suspended. It holds nothing that has to be saved."""
        with self._closing:  # else the descriptor might belong to another file by now
            if self.pidfd is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Kills the process, waits for its end (milliseconds, at most a second), and releases its resources."""
        self.kill()
        if self.pidfd is not None:
            ended = select.poll()
            ended.register(self.pidfd, select.POLLIN)
            ended.poll(1000)
            with self._closing:
                os.close(self.pidfd)
                self.pidfd = None
        if self._process is not None:
            self._process.join(1)
            with contextlib.suppress(ValueError):  # it waits for a device, and so survives SIGKILL for a while
                self._process.close()
            if self.pid is not None:
                with contextlib.suppress(ChildProcessError):  # it is our child only if its forkserver has died
                    os.waitpid(self.pid, os.WNOHANG)
            self._process = self.pid = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)  # noqa: PTH108  # as above


def serve(address: str, authkey: bytes, ready: Connection) -> None:
    """Runs in the Manager's process: listens at `address`, reports that on `ready`, and serves the dict until killed.

    It has its own session, so that a Ctrl-C or a kill of the service's process group does not end the board before the
    lanes. It has the server's nice value: its little work must be done soon while the lanes use every core.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    threading.excepthook = _end_process
    entries: dict[Key, Value] = {}
    BoardManager.register("entries", callable=lambda: entries, proxytype=BoardProxy)
    server = BoardManager(address, authkey).get_server()
    server.create(ready, "entries")  # a permanent reference: the dict survives the end of every connection
    with ready:
        ready.send(None)
    server.serve_forever()


def _end_process(failed: threading.ExceptHookArgs) -> None:
    """End the Manager with a thread that fails, so that the server starts a new one.

    The thread that accepts connections fails when it can't start another thread. One that serves a connection ends it
    with SystemExit.
    """
    if failed.exc_type is not SystemExit:
        os._exit(1)
