"""The server's side of the board: a mirror of the entries that running attempts write.

    lane's process ──writes──► Manager process ◄──one read every 50 ms── thread ──► event loop: changed(entry)

The board is a view, and the journal is the truth. So nothing waits for the board: the only thread that calls the
Manager has a timeout for each call. A Manager that has died or hangs is killed and started again at the same address
with the same key, where the lanes' reporters reconnect by themselves.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import ProcessError, get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.managers import RemoteError
from pathlib import Path
from typing import TypeVar

import structlog

from offload.backoff import pauses
from offload.errors import BootError
from offload.jobs.model import AttemptKey
from offload.stores.directories import socket_directory
from offload.stores.manager import READY_S, ManagerProcess
from offload.supervision import Supervisor
from offload.wire.board import BoardProxy, Entry, Key, Value, connect

READ_INTERVAL_S = 0.05
"""Time between two reads of the Manager while any attempt is watched. It is not read otherwise."""

CALL_TIMEOUT_S = 2.0
"""A Manager that does not respond within this time is considered to hang."""

CLOSE_S = 1.0

STRAY_AGE_US = 5_000_000
"""Age after which an unwatched entry is removed. A younger one may be watched soon."""

_MANAGER_ERRORS = (OSError, EOFError, ProcessError, RemoteError)
"""Raised by a call of a Manager that has ended, is ending, or does not respond. TimeoutError is an OSError."""

log = structlog.get_logger()
T = TypeVar("T")


class Board:
    """Watches attempts. Everything except the calls of the Manager runs on the event loop."""

    def __init__(
        self, run_dir: Path, context: ForkServerContext | None = None, supervisor: Supervisor | None = None
    ) -> None:
        self.authkey = secrets.token_bytes(32)
        """A lane needs this and `address` to write."""
        self._address = socket_directory(run_dir) / "board.sock"
        self._context = context or get_context("forkserver")
        self._manager: ManagerProcess | None = None
        self._entries: BoardProxy | None = None  # used by the thread only, as its connection is
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="board")
        self._supervisor = supervisor or Supervisor()
        self._keeper: asyncio.Task[None] | None = None
        self._down: str | None = "it is not open"
        self._closed = False
        self._work_arrived = asyncio.Event()
        self._watched: dict[Key, Callable[[Entry], None]] = {}
        self._seen: dict[Key, Entry] = {}
        self._strays: set[Key] = set()

    @property
    def address(self) -> str:
        """The Manager's socket, from `open` until `close`."""
        return str(self._address)

    @property
    def pid(self) -> int | None:
        """The Manager's process, while there is one."""
        return None if self._manager is None else self._manager.pid

    async def open(self) -> None:
        """Starts the Manager. Raises `BootError` if that fails."""
        self._manager = ManagerProcess(self.address, self.authkey, self._context)
        try:
            await self._start(self._manager)
        except _MANAGER_ERRORS as error:
            raise BootError(f"The board's Manager process did not start: {_reason(error)}.") from error
        self._keeper = self._supervisor.start("board", partial(self._keep, self._manager))

    async def close(self) -> None:
        """Ends the Manager, and leaves no process, thread or socket. Takes about a second if it hangs.

        Must also be called after an `open` that failed. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._mark_down("it is closed")
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        try:
            await self._call(self._disconnect, within=CLOSE_S)
            self._thread.shutdown()
        except TimeoutError:  # blocked outside the Manager, so killing that does not help
            self._thread.shutdown(wait=False)

    def watch(self, key: AttemptKey, changed: Callable[[Entry], None]) -> None:
        """Calls `changed` on the event loop whenever the attempt's entry appears or changes, until `forget`."""
        self._watched[key] = changed
        self._work_arrived.set()

    def forget(self, key: AttemptKey) -> None:
        """Ends a watch. The remaining entry of the attempt is removed in the background."""
        self._watched.pop(key, None)
        if self._seen.pop(key, None) is not None:
            self._strays.add(key)

    async def check(self) -> str | None:
        """Calls the Manager. Returns None if it responds within two seconds, else what is wrong, as a sentence."""
        if self._down is None:
            try:
                await self._call(self._ping)
            except _MANAGER_ERRORS as error:
                self._mark_down(_reason(error))
        return (
            None if self._down is None else f"The board is unavailable: {self._down}. Its Manager is being restarted."
        )

    async def _keep(self, manager: ManagerProcess) -> None:
        while True:
            try:
                await self._follow()
            except _MANAGER_ERRORS as error:
                self._mark_down(_reason(error))
            log.warning("the board's Manager has failed and is being restarted", reason=self._down)
            for pause in pauses(0.1):
                await asyncio.sleep(pause)
                try:
                    await self._start(manager)
                    break
                except _MANAGER_ERRORS as error:
                    self._mark_down(_reason(error))

    async def _follow(self) -> None:
        """Mirrors entries until the Manager fails. Sleeps while no entry is watched or has to be removed."""
        while self._down is None:
            if self._watched or self._strays:
                strays, self._strays = self._strays, set()
                self._compare(await self._call(partial(self._read, strays)))
                await asyncio.sleep(READ_INTERVAL_S)
            else:
                self._work_arrived.clear()
                await self._work_arrived.wait()

    def _compare(self, snapshot: dict[Key, Value]) -> None:
        stray_before = time.time_ns() // 1000 - STRAY_AGE_US
        for key, value in snapshot.items():
            entry = Entry(*value)
            if key not in self._watched:
                if entry.started_at < stray_before:  # its lane was killed, or wrote again after `forget`
                    self._strays.add(key)
            elif entry != self._seen.get(key):
                self._seen[key] = entry
                asyncio.get_running_loop().call_soon(self._notify, key, entry)

    def _notify(self, key: Key, entry: Entry) -> None:
        if changed := self._watched.get(key):
            changed(entry)

    async def _start(self, manager: ManagerProcess) -> None:
        await self._call(partial(self._launch, manager), within=READY_S + CALL_TIMEOUT_S)
        if manager.pidfd is None:
            raise ChildProcessError("it ended immediately")
        self._down = None
        self._strays.clear()
        asyncio.get_running_loop().add_reader(manager.pidfd, self._mark_down, "its process ended")

    def _mark_down(self, reason: str) -> None:
        """Marks the Manager as failed and kills it, which also unblocks a thread that waits for it."""
        if self._manager is not None:
            if self._down is None and self._manager.pidfd is not None:
                asyncio.get_running_loop().remove_reader(self._manager.pidfd)
            self._manager.kill()
        self._down = reason
        self._work_arrived.set()

    async def _call(self, call: Callable[[], T], within: float = CALL_TIMEOUT_S) -> T:
        """Runs `call` in the board's thread, after earlier calls. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    # The methods below run in the thread.

    def _launch(self, manager: ManagerProcess) -> None:
        self._disconnect()
        manager.start()
        self._entries = connect(self.address, self.authkey)

    def _disconnect(self) -> None:
        if self._entries is not None:
            self._entries.hang_up()
            self._entries = None
        if self._manager is not None:
            self._manager.close()

    def _read(self, strays: set[Key]) -> dict[Key, Value]:
        entries = self._connected()
        for key in strays:
            entries.pop(key, None)
        return entries.copy()

    def _ping(self) -> None:
        len(self._connected())

    def _connected(self) -> BoardProxy:
        if self._entries is None:
            raise ConnectionError("it is not connected")
        return self._entries


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not respond in time"
    return f"its connection failed ({type(error).__name__})"
