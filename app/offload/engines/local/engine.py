"""The engine on this machine: a set of lanes, each a process that can be killed without touching the others."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from offload.engines.local.dispatch import NOT_BEGUN, HandOver
from offload.engines.local.lane import Lane
from offload.engines.local.watch import BoardView, Watch
from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Outcome, Progress, Rejected
from offload.wire.messages import MESSAGE_BYTES, LaneSetup
from offload.worker.setup import adopt_orphans

FIRST_TRY_S = 10.0
"""How long `open` waits for the lanes. Later ones are offered when they come."""

STOP_S = 1.0
ANSWER_S = 2.0


class LocalEngine:
    """Keeps `jobs.interfaces.Engine`. Start the forkserver (`context.start_forkserver`) before it, for speed."""

    def __init__(self, setup: LaneSetup, *, lanes: int, board: BoardView) -> None:
        self._setup = setup
        self._count = lanes
        self._board = board
        self._watch = Watch(board)
        self._lanes: list[Lane] = []
        self._running: dict[AttemptKey, tuple[HandOver, asyncio.Task[None]]] = {}
        self._replaced: Counter[Replaced] = Counter()
        self._closing = False

    @property
    def free_slots(self) -> int:
        """One attempt a lane, and only where it can start this moment. This is the place that decides it."""
        return 0 if self._closing else sum(lane.state == "idle" for lane in self._lanes)

    async def open(self, changed: Callable[[], None]) -> None:
        """Opens the lanes; waits until each has been opened, or could not be, once.

        What an earlier service left running has been ended before, by `leftovers.sweep`.
        """
        adopt_orphans()
        for _ in range(self._count):
            self._lanes.append(Lane(self._setup, self._watch, changed, self._count_replaced, lambda: self._board.pid))
            self._lanes[-1].open()
        tries = [asyncio.ensure_future(lane.tried.wait()) for lane in self._lanes]
        for late in (await asyncio.wait(tries, timeout=FIRST_TRY_S))[1]:
            late.cancel()

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        """See `Engine.run`. The attempts go on where the caller is cancelled."""
        lane = None if self._closing else next((lane for lane in self._lanes if lane.can_begin()), None)
        fitting = _fitting(assignments) if lane is not None else 0

        def over(key: AttemptKey, outcome: Outcome) -> None:
            try:
                on_outcome(key, outcome)  # which may ask for its pid
            finally:
                self._running.pop(key, None)

        for assignment in assignments[fitting:]:
            on_outcome(assignment.key, Rejected(detail="No lane is free.") if lane is None else NOT_BEGUN)
        if lane is None:
            return
        hand_over = lane.claim(assignments[:fitting], on_progress, over)
        task = asyncio.get_running_loop().create_task(lane.run(hand_over))
        for assignment in hand_over.assignments:
            self._running[assignment.key] = (hand_over, task)
        await asyncio.shield(task)

    async def stop(self, key: AttemptKey) -> bool:
        """See `Engine.stop`."""
        if key not in self._running:
            return True
        hand_over, task = self._running[key]
        if not hand_over.handed:
            hand_over.conclude(NOT_BEGUN)
        hand_over.narrow()
        if key not in hand_over.open:
            return True
        hand_over.stop("request")
        await asyncio.wait([task], timeout=STOP_S)
        return hand_over.over or not hand_over.process.alive

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
        if any(await asyncio.gather(*(lane.answers(ANSWER_S) for lane in self._lanes))):
            return None
        problem = next((lane.problem for lane in self._lanes if lane.problem), None)
        return f"No lane is open: {problem}." if problem else "No lane is open; they are being opened."


def _fitting(assignments: Sequence[Assignment]) -> int:
    """How many of them one message can carry: at least one, whose parameters may go by file."""
    size = 0
    for number, assignment in enumerate(assignments):
        size += len(assignment.params)
        if number and size > MESSAGE_BYTES // 2:
            return number
    return len(assignments)
