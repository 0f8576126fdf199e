"""One timer that enforces the limits of running attempts and reports their progress. It is off while nothing runs."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from offload.engines.local.attempt_group import REPORT_S, AttemptGroup
from offload.jobs.model import AttemptKey
from offload.supervision import Supervisor
from offload.wire.board import Entry

CHECK_S = 0.05
"""How often the timer runs. Memory may grow by some 100 MiB in this time; a time limit is exact to within it."""

YOUNG_S = 0.02
"""A younger group is not checked: there may be thousands of short attempts."""


class BoardView(Protocol):
    """The board, as far as an engine needs it."""

    @property
    def pid(self) -> int | None:
        """The Manager's process."""
        ...

    def watch(self, key: AttemptKey, changed: Callable[[Entry], None]) -> None:
        """Call `changed` on the event loop with each new entry of this attempt."""
        ...

    def forget(self, key: AttemptKey) -> None:
        """Stop watching an attempt. Without effect when it is not watched."""
        ...


class Watchdog:
    """Checks the groups that have been added, until they are removed."""

    def __init__(self, board: BoardView, supervisor: Supervisor) -> None:
        self._board = board
        self._supervisor = supervisor
        supervisor.failures["watchdog"] += 0  # a rate needs the 0 before the 1
        self._groups: dict[AttemptGroup, AttemptKey | None] = {}  # with the attempt whose board entry is watched
        self._timer: asyncio.TimerHandle | None = None

    def add(self, group: AttemptGroup) -> None:
        """Check this group from now on."""
        self._groups[group] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECK_S, self._check_all)

    def remove(self, group: AttemptGroup) -> None:
        """Stop checking this group."""
        watched = self._groups.pop(group, None)
        if watched is not None:
            self._board.forget(watched)

    def _check_all(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CHECK_S, self._check_all) if self._groups else None
        for group in list(self._groups):
            if group.age_s >= YOUNG_S:
                loop.call_soon(self._check, group)  # each by itself, so that the loop does other things in between

    def _check(self, group: AttemptGroup) -> None:
        try:
            group.withdraw_unstarted()
            if group.age_s >= REPORT_S and group in self._groups and self._groups[group] is None:
                self._watch_entry(group)
            group.enforce_limits()
        except Exception as error:  # such as a report that raises: it must not affect the limits of other groups
            self._supervisor.note("watchdog", error)

    def _watch_entry(self, group: AttemptGroup) -> None:
        if running := group.unfinished:
            self._groups[group] = running[0]
            self._board.watch(running[0], group.set_entry)
