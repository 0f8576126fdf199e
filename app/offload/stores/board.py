"""The board as the front desk sees it: a mirror of what every running attempt says of itself.

    lane's process ──writes──► Manager process ◄──one read each 50 ms── thread ──► event loop: changed(entry)

The board is a view; the journal is the truth. So nothing waits for it: the one thread that talks to the Manager has a
deadline for every answer, and a Manager that died or hangs is killed and made anew at the same address with the same
key, where the lanes' reporters find it by themselves.
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
from offload.wire.board import BoardProxy, Entry, Key, Value, connect

ROUND_S = 0.05
"""How often the Manager is read while anything is watched. Nothing is read while nothing is."""

ANSWER_S = 2.0
"""The Manager hangs when it has not answered for so long."""

CLOSE_S = 1.0

STRAY_US = 5_000_000
"""An entry that nobody watches is removed when its attempt began so long ago: a young one may still get its watcher."""

_FAULTS = (OSError, EOFError, ProcessError, RemoteError)
"""What a call of a Manager raises that is gone, going, or does not answer (TimeoutError is an OSError)."""

log = structlog.get_logger()
T = TypeVar("T")


class Board:
    """Watches attempts. Everything but the Manager's own calls happens on the event loop."""

    def __init__(self, run_dir: Path, context: ForkServerContext | None = None) -> None:
        self.authkey = secrets.token_bytes(32)
        """What a lane needs beside `address` in order to write."""
        self._address = socket_directory(run_dir) / "board.sock"
        self._context = context or get_context("forkserver")
        self._manager: ManagerProcess | None = None
        self._entries: BoardProxy | None = None  # the thread's alone, as its connection is
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="board")
        self._keeper: asyncio.Task[None] | None = None
        self._lost: str | None = "it is not open"
        self._closed = False
        self._stirred = asyncio.Event()
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
        """Starts the Manager. Raises BootError where that fails."""
        self._manager = ManagerProcess(self.address, self.authkey, self._context)
        try:
            await self._start(self._manager)
        except _FAULTS as error:
            raise BootError(f"The board's Manager process did not start: {_said(error)}.") from error
        self._keeper = asyncio.create_task(self._keep(self._manager), name="board")

    async def close(self) -> None:
        """Ends the Manager, within about a second even where it hangs, and leaves no process, thread or socket.

        To be called after an `open` that failed, too; a second time it does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._lose("it is closed")
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        try:
            await self._ask(self._let_go, within=CLOSE_S)
            self._thread.shutdown()
        except TimeoutError:  # stuck outside the Manager, where nothing here can free it
            self._thread.shutdown(wait=False)

    def watch(self, key: AttemptKey, changed: Callable[[Entry], None]) -> None:
        """Calls `changed` on the event loop whenever that attempt's entry appears or changes, until `forget`."""
        self._watched[key] = changed
        self._stirred.set()

    def forget(self, key: AttemptKey) -> None:
        """Ends a watch. An entry that the attempt left behind is removed in the background."""
        self._watched.pop(key, None)
        if self._seen.pop(key, None) is not None:
            self._strays.add(key)

    async def check(self) -> str | None:
        """Asks the Manager for an answer. None where it comes within two seconds, else what is wrong."""
        if self._lost is None:
            try:
                await self._ask(self._ping)
            except _FAULTS as error:
                self._lose(_said(error))
        return None if self._lost is None else f"The board is away, {self._lost}; its Manager is being started anew."

    async def _keep(self, manager: ManagerProcess) -> None:
        while True:
            try:
                await self._follow()
            except _FAULTS as error:
                self._lose(_said(error))
            log.warning("the board's Manager was lost and is started anew", reason=self._lost)
            for pause in pauses(0.1):
                await asyncio.sleep(pause)
                try:
                    await self._start(manager)
                    break
                except _FAULTS as error:
                    self._lose(_said(error))

    async def _follow(self) -> None:
        """Mirrors until the Manager is lost; asleep while nothing is watched and nothing is to be removed."""
        while self._lost is None:
            if self._watched or self._strays:
                strays, self._strays = self._strays, set()
                self._take(await self._ask(partial(self._read, strays)))
                await asyncio.sleep(ROUND_S)
            else:
                self._stirred.clear()
                await self._stirred.wait()

    def _take(self, snapshot: dict[Key, Value]) -> None:
        stray_before = time.time_ns() // 1000 - STRAY_US
        for key, value in snapshot.items():
            entry = Entry(*value)
            if key not in self._watched:
                if entry.started_at < stray_before:  # its lane was killed, or wrote once more after `forget`
                    self._strays.add(key)
            elif entry != self._seen.get(key):
                self._seen[key] = entry
                asyncio.get_running_loop().call_soon(self._tell, key, entry)

    def _tell(self, key: Key, entry: Entry) -> None:
        if changed := self._watched.get(key):
            changed(entry)

    async def _start(self, manager: ManagerProcess) -> None:
        await self._ask(partial(self._launch, manager), within=READY_S + ANSWER_S)
        if manager.pidfd is None:
            raise ChildProcessError("it ended at once")
        self._lost = None
        self._strays.clear()
        asyncio.get_running_loop().add_reader(manager.pidfd, self._lose, "its process ended")

    def _lose(self, reason: str) -> None:
        """The Manager is no good any more. Killing it also frees the thread that may be waiting for it."""
        if self._manager is not None:
            if self._lost is None and self._manager.pidfd is not None:
                asyncio.get_running_loop().remove_reader(self._manager.pidfd)
            self._manager.kill()
        self._lost = reason
        self._stirred.set()

    async def _ask(self, call: Callable[[], T], within: float = ANSWER_S) -> T:
        """Runs `call` in the board's thread, in its turn. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    # What follows runs in the thread.

    def _launch(self, manager: ManagerProcess) -> None:
        self._let_go()
        manager.start()
        self._entries = connect(self.address, self.authkey)

    def _let_go(self) -> None:
        if self._entries is not None:
            self._entries.hang_up()
            self._entries = None
        if self._manager is not None:
            self._manager.close()

    def _read(self, strays: set[Key]) -> dict[Key, Value]:
        entries = self._reach()
        for key in strays:
            entries.pop(key, None)
        return entries.copy()

    def _ping(self) -> None:
        len(self._reach())

    def _reach(self) -> BoardProxy:
        if self._entries is None:
            raise ConnectionError("it has gone")
        return self._entries


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return f"its connection broke ({type(error).__name__})"
