"""Reports an attempt's progress to the board, at almost no cost for the attempt.

The task's thread only stores what it reports. A daemon thread reads it, sanitizes it and writes it to the board. A
Manager that has ended or is stopped delays that thread alone. A child that a task forks has no such thread and reports
nothing.
"""

import math
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from operator import index
from typing import Protocol

from offload.wire.board import Key, Value, connect

LOOK_S = 0.025
"""How often the thread looks for news while an attempt runs."""

FIRST_S = 0.1
"""A younger attempt is not written to the board, so a short job costs no board operation."""

WRITE_S = 0.1
"""The least time between two writes: at most ten a second."""

UNIT_CHARS = 20
NOTE_CHARS = 200
LARGEST = 2**63 - 1

Reported = tuple[object, object, object, object]
"""done, total, unit and note as the task passed them. They may be any objects."""


class Entries(Protocol):
    """The part of `BoardProxy` that the reporter needs."""

    def __setitem__(self, key: Key, value: Value, /) -> None: ...
    def pop(self, key: Key, default: None, /) -> Value | None: ...
    def hang_up(self) -> None: ...


class Reporter:
    """The reporter of one process. `begin`, `progress` and `end` take no lock that is held during I/O."""

    def __init__(self, address: str, authkey: bytes, connect: Callable[[str, bytes], Entries] = connect) -> None:
        self._connect = partial(connect, address, authkey)
        self._entries: Entries | None = None
        self._awake = threading.Event()
        self._current: tuple[Key, int, float] | None = None
        self._reported: Reported = (None, None, None, None)
        self._written: tuple[Key, Value] | None = None
        self._written_at = -math.inf

    def start(self) -> None:
        """Start the thread, for the life of the process."""
        threading.Thread(target=self._run, name="reporter", daemon=True).start()

    def begin(self, key: Key) -> None:
        """Start to report an attempt: (job id, attempt)."""
        self._reported = (None, None, None, None)
        self._current = ((key[0], key[1]), time.time_ns() // 1000, time.monotonic())
        if not self._awake.is_set():  # cheaper than setting it again for each of thousands of short jobs
            self._awake.set()

    def progress(
        self, done: int, total: int | None = None, *, unit: str | None = None, note: str | None = None
    ) -> None:
        """Store the attempt's progress. It is cheap, so a task may call it at every step."""
        self._reported = (done, total, unit, note)

    def note(self, note: str) -> None:
        """Store a note and leave the rest of the progress as it is."""
        self._reported = (*self._reported[:3], note)

    def end(self) -> None:
        """Stop reporting. The attempt's entry is removed soon after."""
        self._current = None

    def _run(self) -> None:
        while True:
            self._awake.wait()
            busy = self.look(time.monotonic())
            if busy:
                time.sleep(LOOK_S)
            else:
                self._awake.clear()
                if self._current is not None:  # an attempt has started since the look
                    self._awake.set()

    def look(self, now: float) -> bool:
        """Write or remove what is due at the monotonic time `now`. Return False when there is nothing more to do.

        Errors of the board do not affect the task: the connection is dropped, and the next look opens a new one.
        """
        current = self._current
        try:
            if self._written is not None and (current is None or current[0] != self._written[0]):
                self._connected().pop(self._written[0], None)
                self._written = None
            if current is not None:
                self._write(current, now)
        except Exception:  # a failed call raises whatever the Manager's server raised
            self._drop()
        return current is not None or self._written is not None

    def _write(self, current: tuple[Key, int, float], now: float) -> None:
        key, started_at, started = current
        if now - started < FIRST_S or now - self._written_at < WRITE_S:
            return
        value = (os.getpid(), started_at, *sanitized(self._reported))
        if (key, value) != self._written and self._current is current:
            self._written_at = now
            self._connected()[key] = value
            self._written = (key, value)

    def _connected(self) -> Entries:
        if self._entries is None:
            self._entries = self._connect()
        return self._entries

    def _drop(self) -> None:
        """Close the connection and forget the entry: it is lost when the Manager has ended."""
        self._written = None
        entries, self._entries = self._entries, None
        if entries is not None:
            entries.hang_up()


def sanitized(reported: Reported) -> tuple[int | None, int | None, str | None, str | None]:
    """Return the report as values that every reader can handle. A value that makes no sense becomes None.

    Counts are from 0 to 2⁶³-1, a total is above 0, and `done` is at most the total.
    """
    done, total = _count(reported[0]), _count(reported[1]) or None
    if done is not None and total is not None:
        done = min(done, total)
    return done, total, _text(reported[2], UNIT_CHARS), _text(reported[3], NOTE_CHARS)


def _count(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        whole = int(value) if isinstance(value, float) else index(value)  # type: ignore[arg-type]  # any object
    except Exception:  # not a number, NaN, infinite, or an object whose conversion raises
        return None
    return min(whole, LARGEST) if whole >= 0 else None


def _text(value: object, longest: int) -> str | None:
    """Truncate a text. `str`'s own methods are used: a subclass may override them. Lone surrogates become `?`."""
    if not isinstance(value, str):
        return None
    return str.__getitem__(value, slice(longest)).encode(errors="replace").decode()
