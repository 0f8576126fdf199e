"""Tells the board what this process's attempt is doing, without costing the attempt anything.

The task's thread only stores; one daemon thread looks at what was stored, makes it harmless, and writes it. A Manager
that is gone or stopped holds up that thread alone. A child that a task forks has no such thread and reports nothing.
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
"""How often the thread looks while an attempt runs."""

FIRST_S = 0.1
"""An attempt younger than this is not written, so that short jobs cost no board operation at all."""

WRITE_S = 0.1
"""At most one entry is written in this time: ten a second."""

UNIT_CHARS = 20
NOTE_CHARS = 200
LARGEST = 2**63 - 1

Told = tuple[object, object, object, object]
"""done, total, unit and note as the task gave them, which may be anything."""


class Entries(Protocol):
    """The part of `BoardProxy` that reporting needs."""

    def __setitem__(self, key: Key, value: Value, /) -> None: ...
    def pop(self, key: Key, default: None, /) -> Value | None: ...
    def hang_up(self) -> None: ...


class Reporter:
    """One process's way to report. `begin`, `progress` and `end` take no lock that is held during I/O."""

    def __init__(self, address: str, authkey: bytes, connect: Callable[[str, bytes], Entries] = connect) -> None:
        self._dial = partial(connect, address, authkey)
        self._entries: Entries | None = None
        self._awake = threading.Event()
        self._current: tuple[Key, int, float] | None = None
        self._told: Told = (None, None, None, None)
        self._written: tuple[Key, Value] | None = None
        self._written_at = -math.inf

    def start(self) -> None:
        """Starts the thread, for the life of the process."""
        threading.Thread(target=self._run, name="reporter", daemon=True).start()

    def begin(self, key: Key) -> None:
        """An attempt begins in this process: (job id, attempt)."""
        self._told = (None, None, None, None)
        self._current = ((key[0], key[1]), time.time_ns() // 1000, time.monotonic())
        if not self._awake.is_set():  # cheaper than setting it again for each of thousands of short jobs
            self._awake.set()

    def progress(
        self, done: int, total: int | None = None, *, unit: str | None = None, note: str | None = None
    ) -> None:
        """How far the attempt has come. As cheap as a call can be, so that a task may do it at every step."""
        self._told = (done, total, unit, note)

    def note(self, note: str) -> None:
        """Says something of the attempt, and leaves how far it has come as it is."""
        self._told = (*self._told[:3], note)

    def end(self) -> None:
        """The attempt has ended; what was written of it is removed soon after."""
        self._current = None

    def _run(self) -> None:
        while True:
            self._awake.wait()
            busy = self.look(time.monotonic())
            if busy:
                time.sleep(LOOK_S)
            else:
                self._awake.clear()
                if self._current is not None:  # it began between the look and the clearing
                    self._awake.set()

    def look(self, now: float) -> bool:
        """Writes or removes what is due at the monotonic time `now`; False where there is nothing more to do.

        Whatever goes wrong with the board is not the task's concern: the connection is dropped, the next look tries
        again with a new one.
        """
        current = self._current
        try:
            if self._written is not None and (current is None or current[0] != self._written[0]):
                self._reach().pop(self._written[0], None)
                self._written = None
            if current is not None:
                self._write(current, now)
        except Exception:  # the Manager answers a broken call with whatever its server raised
            self._drop()
        return current is not None or self._written is not None

    def _write(self, current: tuple[Key, int, float], now: float) -> None:
        key, started_at, begun = current
        if now - begun < FIRST_S or now - self._written_at < WRITE_S:
            return
        value = (os.getpid(), started_at, *harmless(self._told))
        if (key, value) != self._written and self._current is current:
            self._written_at = now
            self._reach()[key] = value
            self._written = (key, value)

    def _reach(self) -> Entries:
        if self._entries is None:
            self._entries = self._dial()
        return self._entries

    def _drop(self) -> None:
        """Forgets the connection, and what was written: a Manager that has gone took it along."""
        self._written = None
        entries, self._entries = self._entries, None
        if entries is not None:
            entries.hang_up()


def harmless(told: Told) -> tuple[int | None, int | None, str | None, str | None]:
    """What a task told, as something that every reader can take: what makes no sense is None.

    Counts are from 0 to 2⁶³-1, a total is above 0, and what is done is never more than the total.
    """
    done, total = _count(told[0]), _count(told[1]) or None
    if done is not None and total is not None:
        done = min(done, total)
    return done, total, _text(told[2], UNIT_CHARS), _text(told[3], NOTE_CHARS)


def _count(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        whole = int(value) if isinstance(value, float) else index(value)  # type: ignore[arg-type]  # it may be anything
    except Exception:  # not a number, NaN, infinite, or an object whose conversion raises
        return None
    return min(whole, LARGEST) if whole >= 0 else None


def _text(value: object, longest: int) -> str | None:
    """Cut by `str`'s own methods, since a subclass may have its own; lone surrogates can't be sent as UTF-8."""
    if not isinstance(value, str):
        return None
    return str.__getitem__(value, slice(longest)).encode(errors="replace").decode()
