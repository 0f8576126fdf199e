"""The engine on this machine: a set of lanes, each a process that can be killed without touching the others."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from offload.engines.local.attempt_group import NOT_STARTED, AttemptGroup
from offload.engines.local.lane import Lane
from offload.engines.local.watchdog import BoardView, Watchdog
from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Outcome, Progress, Rejected
from offload.supervision import Supervisor
from offload.wire.messages import MESSAGE_BYTES, LaneSetup
from offload.wire.process_tree import adopt_orphans

OPEN_S = 10.0
"""How long `open` waits for the lanes. Those that open later are offered then."""

STOP_S = 1.0
RESPONSE_S = 2.0


class LocalEngine:
    """Implements `jobs.interfaces.Engine`. The first lanes open faster when the forkserver has been started before."""

    def __init__(self, setup: LaneSetup, *, lanes: int, board: BoardView, supervisor: Supervisor | None = None) -> None:
        self._setup = setup
        self._count = lanes
        self._board = board
        self._supervisor = supervisor or Supervisor()
        self._watchdog = Watchdog(board, self._supervisor)
        self._lanes: list[Lane] = []
        self._running: dict[AttemptKey, tuple[AttemptGroup, asyncio.Task[None]]] = {}
        self._replaced: Counter[Replaced] = Counter()
        self._closing = False

    @property
    def free_slots(self) -> int:
        """How many lanes can start a dispatch now."""
        return 0 if self._closing else sum(lane.state == "idle" for lane in self._lanes)

    async def open(self, changed: Callable[[], None]) -> None:
        """Open the lanes. Wait until each has opened, or failed to open, once.

        The server has ended the processes of earlier services before, with `leftovers.kill_leftovers`.
        """
        adopt_orphans()
        for _ in range(self._count):
            self._lanes.append(
                Lane(
                    self._setup,
                    self._watchdog,
                    changed,
                    self._count_replaced,
                    lambda: self._board.pid,
                    self._supervisor,
                )
            )
            self._lanes[-1].open()
        tries = [asyncio.ensure_future(lane.tried.wait()) for lane in self._lanes]
        for late in (await asyncio.wait(tries, timeout=OPEN_S))[1]:
            late.cancel()

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        """See `Engine.run`. The attempts continue when the caller is cancelled."""
        lane = None if self._closing else next((lane for lane in self._lanes if lane.can_start()), None)
        fitting = _fitting(assignments) if lane is not None else 0

        def report_and_forget(key: AttemptKey, outcome: Outcome) -> None:
            try:
                on_outcome(key, outcome)  # it may ask for the attempt's pid
            finally:
                self._running.pop(key, None)

        for assignment in assignments[fitting:]:
            on_outcome(assignment.key, Rejected(detail="No lane is free.") if lane is None else NOT_STARTED)
        if lane is None:
            return
        group = lane.claim(assignments[:fitting], on_progress, report_and_forget)
        task = asyncio.get_running_loop().create_task(lane.run(group))
        for assignment in group.assignments:
            self._running[assignment.key] = (group, task)
        await asyncio.shield(task)

    async def stop(self, key: AttemptKey) -> bool:
        """See `Engine.stop`."""
        if key not in self._running:
            return True
        group, task = self._running[key]
        if not group.sent:
            group.conclude(NOT_STARTED)
        group.withdraw_unstarted()
        if key not in group.unfinished:
            return True
        group.stop("request")
        await asyncio.wait([task], timeout=STOP_S)
        return group.concluded or not group.process.alive

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closing = True
        await asyncio.gather(*(lane.close() for lane in self._lanes))
        if tasks := {task for _, task in self._running.values()}:
            await asyncio.wait(tasks, timeout=STOP_S)

    def lanes(self) -> Sequence[LaneView]:
        """See `Engine.lanes`."""
        return [lane.view() for lane in self._lanes]

    def pid(self, key: AttemptKey) -> int | None:
        """See `Engine.pid`."""
        return self._running[key][0].process.pid if key in self._running else None

    def replaced(self) -> Mapping[Replaced, int]:
        """See `Engine.replaced`."""
        return self._replaced

    def _count_replaced(self, reason: Replaced) -> None:
        self._replaced[reason] += 1

    async def check(self) -> str | None:
        """See `Engine.check`."""
        if any(await asyncio.gather(*(lane.responds(RESPONSE_S) for lane in self._lanes))):
            return None
        problem = next((lane.problem for lane in self._lanes if lane.problem), None)
        return f"No lane is open: {problem}." if problem else "No lane is open; they are being opened."


def _fitting(assignments: Sequence[Assignment]) -> int:
    """Return how many of them fit in one message. It is at least one, whose parameters may go by file."""
    size = 0
    for number, assignment in enumerate(assignments):
        size += len(assignment.params)
        if number and size > MESSAGE_BYTES // 2:
            return number
    return len(assignments)
