"""The entries of the board, and how a process connects to it.

The board is one dict in a `multiprocessing.Manager`. It maps an attempt's key to one flat value, which is always
replaced as a whole. The key contains the attempt number, so each entry has exactly one writer: a late write or removal
can't affect the next attempt's entry.
"""

import threading
from multiprocessing.managers import DictProxy, SyncManager
from typing import TYPE_CHECKING, NamedTuple

Key = tuple[str, int]
"""(job id, attempt) as built-in types: the Manager's process imports nothing of the service to hold it."""

Value = tuple[int, int, int | None, int | None, str | None, str | None]
"""The fields of an `Entry` as built-in types, for the same reason."""


class Entry(NamedTuple):
    """What a running attempt reports: its process, its start (µs since the epoch) and its progress."""

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
    """A client's proxy of the Manager's dict that does not count references.

    The Manager keeps the dict for its whole life, so counting would only do harm. A Manager that is started again at
    the same address may give its dict the same id, and would take the decrements of old proxies for those of new ones.
    And every child that a task forks would have to call the Manager before its first line.
    """

    _tls: threading.local
    """Where multiprocessing keeps the calling thread's connection."""

    def _incref(self) -> None:
        """Do nothing. multiprocessing calls this for every new proxy and in a forked child."""

    def hang_up(self) -> None:
        """Close the calling thread's connection. A proxy never does this itself, even when the connection is broken."""
        connection = self._tls.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()


class BoardManager(SyncManager):
    """The Manager's type. `entries()` is its only method for clients."""

    def entries(self) -> BoardProxy:
        """Return a proxy of the dict. `register`, below, replaces this method."""
        raise NotImplementedError


BoardManager.register("entries", proxytype=BoardProxy)


def connect(address: str, authkey: bytes) -> BoardProxy:
    """Return a proxy of the dict for the calling thread.

    This function and every later call raise OSError or EOFError when the Manager has ended, and block while it is
    stopped.
    """
    manager = BoardManager(address, authkey)
    manager.connect()
    return manager.entries()
