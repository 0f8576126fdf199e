"""What is written on the board, and how a process reaches it.

The board is one dict in a `multiprocessing.Manager`: attempt's key → one flat value, always replaced whole. Keyed by
attempt, not by job, each entry has exactly one writer, so a late write or removal can't touch the next attempt's.
"""

import threading
from multiprocessing.managers import DictProxy, SyncManager
from typing import TYPE_CHECKING, NamedTuple

Key = tuple[str, int]
"""(job id, attempt), as plain data: the Manager's process imports nothing of the service to hold it."""

Value = tuple[int, int, int | None, int | None, str | None, str | None]
"""An `Entry` as plain data, for the same reason."""


class Entry(NamedTuple):
    """What a running attempt is doing: its process, since when (µs since the epoch), and how far it has come."""

    pid: int
    started_at: int
    done: int | None
    total: int | None
    unit: str | None
    note: str | None


if TYPE_CHECKING:
    _Dict = DictProxy[Key, Value]
else:
    _Dict = DictProxy  # can't be subscripted before Python 3.13


class BoardProxy(_Dict):
    """The Manager's dict as its clients hold it, without counting references.

    The server keeps the dict for as long as it lives, so counting would only do harm: a Manager rebuilt at the same
    address can have its dict under the same id, and would take the old proxies' farewells for those of new ones. And
    every child that a task forks would have to talk to the Manager before its first line.
    """

    _tls: threading.local
    """multiprocessing's place for the calling thread's connection."""

    def _incref(self) -> None:
        """Called for every new proxy, and by multiprocessing in a forked child: nothing to do."""

    def hang_up(self) -> None:
        """Drops the calling thread's connection. A proxy never does so by itself, even when it is broken."""
        connection = self._tls.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()


class BoardManager(SyncManager):
    """The Manager's type. `entries()` is the one thing that it hands out."""

    def entries(self) -> BoardProxy:
        """The dict; replaced by `register` below."""
        raise NotImplementedError


BoardManager.register("entries", proxytype=BoardProxy)


def connect(address: str, authkey: bytes) -> BoardProxy:
    """A way to the dict for the calling thread.

    It raises, as does every later call, OSError or EOFError where the Manager is gone, and blocks while it is stopped.
    """
    manager = BoardManager(address, authkey)
    manager.connect()
    return manager.entries()
