"""One timer that looks at all running attempts: their limits, their progress. It rests while nothing runs."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from app.engines.attempt import Attempt
from app.jobs.model import AttemptKey
from app.worker.entry import Entry

LOOK_S = 0.05
"""How often. Memory may grow by some 100 MiB in that time; a limit in seconds is kept to within it."""

YOUNG_S = 0.02
"""A younger attempt is not looked at: thousands of short ones need neither a report nor the board."""


class BoardView(Protocol):
    """The board, as far as an engine needs it."""

    @property
    def pid(self) -> int | None:
        """The Manager's process."""
        ...

    def watch(self, key: AttemptKey, changed: Callable[[Entry], None]) -> None:
        """Calls `changed` on the event loop with each new entry of that attempt."""
        ...

    def forget(self, key: AttemptKey) -> None:
        """Ends a watch; nothing happens where there is none."""
        ...


class Watch:
    """Holds the running attempts."""

    def __init__(self, board: BoardView) -> None:
        self._board = board
        self._attempts: dict[AttemptKey, Attempt] = {}
        self._watched: set[AttemptKey] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, attempt: Attempt) -> None:
        """The attempt has begun."""
        self._attempts[attempt.key] = attempt
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def remove(self, attempt: Attempt) -> None:
        """The attempt has ended."""
        self._attempts.pop(attempt.key, None)
        if attempt.key in self._watched:
            self._watched.discard(attempt.key)
            self._board.forget(attempt.key)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for attempt in list(self._attempts.values()):
            if attempt.age_s < YOUNG_S:
                continue
            if attempt.key not in self._watched:
                self._watched.add(attempt.key)
                self._board.watch(attempt.key, attempt.tell)
            loop.call_soon(attempt.look)  # by itself: a report that raises must not cost the others their limits
        if self._attempts:
            self._timer = loop.call_later(LOOK_S, self._look)
