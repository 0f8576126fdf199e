"""One timer that looks at all that runs: its limits, its progress. It rests while nothing runs."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from offload.engines.local.dispatch import REPORT_S, HandOver
from offload.jobs.model import AttemptKey
from offload.wire.board import Entry

LOOK_S = 0.05
"""How often. Memory may grow by some 100 MiB in that time; a limit in seconds is kept to within it."""

YOUNG_S = 0.02
"""What is younger is not looked at: there may be thousands of short attempts."""


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
    """Holds what has been handed to processes."""

    def __init__(self, board: BoardView) -> None:
        self._board = board
        self._handed: dict[HandOver, AttemptKey | None] = {}  # with the attempt whose entry is being followed
        self._timer: asyncio.TimerHandle | None = None

    def add(self, hand_over: HandOver) -> None:
        """It has been handed over."""
        self._handed[hand_over] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def remove(self, hand_over: HandOver) -> None:
        """It is over."""
        followed = self._handed.pop(hand_over, None)
        if followed is not None:
            self._board.forget(followed)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for hand_over in list(self._handed):
            if hand_over.age_s >= YOUNG_S:
                # By itself: a report that raises must not cost the others their limits.
                loop.call_soon(self._look_at, hand_over)
        if self._handed:
            self._timer = loop.call_later(LOOK_S, self._look)

    def _look_at(self, hand_over: HandOver) -> None:
        hand_over.narrow()
        if hand_over.age_s >= REPORT_S and hand_over in self._handed and self._handed[hand_over] is None:
            self._follow(hand_over)
        hand_over.look()

    def _follow(self, hand_over: HandOver) -> None:
        if running := hand_over.open:
            self._handed[hand_over] = running[0]
            self._board.watch(running[0], hand_over.tell)
