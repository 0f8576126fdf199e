"""An engine whose attempts end when and how a test says."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Done, Outcome, Progress, Rejected, Stopped, Usage
from tests.support.waiting import until

USAGE = Usage(wall_s=0.25)


class ScriptedEngine:
    """Keeps `jobs.interfaces.Engine` for slots and stops; what a lane would compute comes from `end`."""

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._running: dict[AttemptKey, asyncio.Future[Outcome]] = {}
        self._reports: dict[AttemptKey, Callable[[AttemptKey, Progress], None]] = {}
        self._slot_of: dict[AttemptKey, object] = {}
        self._changed: Callable[[], None] = lambda: None
        self.started: list[Assignment] = []
        self.stopped: list[AttemptKey] = []
        self.out_of_reach = False
        """True: `stop` can't reach any attempt, and says so."""

    @property
    def free_slots(self) -> int:
        return self._slots - len(set(self._slot_of.values()))

    async def open(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        changed()

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        free = self.free_slots > 0
        slot: object = object()
        for assignment in assignments if free else ():
            self._slot_of[assignment.key] = slot
            self._running[assignment.key] = asyncio.get_running_loop().create_future()
            self._reports[assignment.key] = on_progress
            self.started.append(assignment)
        for assignment in assignments:
            outcome = await self._running[assignment.key] if free else Rejected(detail="no slot")
            on_outcome(assignment.key, outcome)
        for assignment in assignments if free else ():
            del self._running[assignment.key], self._reports[assignment.key], self._slot_of[assignment.key]
        if free:
            self._changed()

    async def stop(self, key: AttemptKey) -> bool:
        self.stopped.append(key)
        if self.out_of_reach:
            return False
        self._end(key, Stopped(by="request"))
        return True

    async def close(self) -> None:
        for key in list(self._running):
            await self.stop(key)

    def lanes(self) -> Sequence[LaneView]:
        return [LaneView(state="busy", pid=None, job=key.job_id, busy_s=0.0) for key in self._running]

    def pid(self, key: AttemptKey) -> int | None:  # noqa: ARG002  # it has no processes
        return None

    def replaced(self) -> Mapping[Replaced, int]:
        return {}

    async def check(self) -> str | None:
        return None

    async def running(self, job_id: str) -> AttemptKey:
        """Waits until an attempt of the job runs, and tells which."""
        return await until(
            lambda: next((key for key, end in self._running.items() if key.job_id == job_id and not end.done()), None),
            what=f"an attempt of {job_id} to run",
        )

    def slot(self, job_id: str) -> object:
        """In which slot the job's attempt runs."""
        return next(slot for key, slot in self._slot_of.items() if key.job_id == job_id)

    async def running_now(self, number: int) -> list[AttemptKey]:
        """Waits until so many attempts run, and tells which."""
        return await until(
            lambda: (
                keys if len(keys := [key for key, end in self._running.items() if not end.done()]) == number else None
            ),
            what=f"{number} attempts to run",
        )

    async def end(self, job_id: str, outcome: Outcome | None = None) -> None:
        """Ends the running attempt of a job, by default with the result 1."""
        self._end(await self.running(job_id), outcome or Done(result=b"1", result_bytes=1, usage=USAGE))

    async def report(self, job_id: str, progress: Progress) -> None:
        """Reports what the running attempt of a job is doing."""
        key = await self.running(job_id)
        self._reports[key](key, progress)

    def _end(self, key: AttemptKey, outcome: Outcome) -> None:
        running = self._running.get(key)
        if running is not None and not running.done():
            running.set_result(outcome)
