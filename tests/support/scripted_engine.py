"""An engine whose attempts end when and how a test says."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Done, Failed, Outcome, Progress, Rejected, Stopped, Usage
from tests.support.waiting import until

USAGE = Usage(wall_s=0.25)


@dataclass(eq=False)
class _Group:
    """Attempts in one slot. The first of `waiting` is next."""

    waiting: list[Assignment]
    on_progress: Callable[[AttemptKey, Progress], None]
    on_outcome: Callable[[AttemptKey, Outcome], None]
    running: AttemptKey | None = None
    end: asyncio.Future[Outcome] = field(default_factory=asyncio.Future)

    def unfinished(self) -> list[AttemptKey]:
        return [*([self.running] if self.running else []), *(each.key for each in self.waiting)]


class ScriptedEngine:
    """Implements `jobs.interfaces.Engine` without processes; `tests/contracts/test_engine.py` runs over it.

    A running attempt ends when the test calls `end`, or immediately if `script` returns an outcome for it. There are no
    time and memory limits, and no attempt ever takes long enough for those behind it to be `Rejected`.
    """

    def __init__(self, slots: int = 1, script: Callable[[Assignment], Outcome | None] = lambda _: None) -> None:
        self._slots = slots
        self._script = script
        self._groups: list[_Group] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed: Callable[[], None] = lambda: None
        self._closed = False
        self.received: list[Assignment] = []
        """All attempts that a slot was claimed for."""
        self.started: list[Assignment] = []
        self.stopped: list[AttemptKey] = []
        """The arguments of `stop`."""
        self.out_of_reach = False
        """True: `stop` reaches no attempt and returns False."""

    @property
    def free_slots(self) -> int:
        return 0 if self._closed else self._slots - len(self._groups)

    async def open(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        changed()

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        if self.free_slots <= 0:
            for assignment in assignments:
                on_outcome(assignment.key, Rejected(detail="No slot is free."))
            return
        group = _Group(list(assignments), on_progress, on_outcome)
        self._groups.append(group)
        self.received += assignments
        task = asyncio.create_task(self._run(group))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _run(self, group: _Group) -> None:
        while group.waiting:
            assignment = group.waiting.pop(0)
            group.running, group.end = assignment.key, asyncio.get_running_loop().create_future()
            self.started.append(assignment)
            outcome = self._script(assignment) or await group.end
            group.running = None
            group.on_outcome(assignment.key, outcome)
            if not isinstance(outcome, Done | Failed):  # its process has ended
                self._reject(group, group.waiting)
        self._groups.remove(group)
        self._changed()

    @staticmethod
    def _reject(group: _Group, waiting: Sequence[Assignment]) -> None:
        for assignment in list(waiting):
            group.waiting.remove(assignment)
            group.on_outcome(assignment.key, Rejected(detail="It had not started."))

    async def stop(self, key: AttemptKey) -> bool:
        self.stopped.append(key)
        if self.out_of_reach:
            return False
        for group in self._groups:
            self._reject(group, [each for each in group.waiting if each.key == key])
        self._end(key, Stopped(by="request"))
        return True

    async def close(self) -> None:
        self._closed = True
        for group in list(self._groups):
            self._reject(group, group.waiting)
            if group.running is not None:
                self._end(group.running, Stopped(by="request"))
        if self._tasks:
            await asyncio.wait(self._tasks)

    def lanes(self) -> Sequence[LaneView]:
        busy = [
            LaneView(state="busy", pid=None, job=group.unfinished()[0].job_id, busy_s=0.0) for group in self._groups
        ]
        return [*busy, *[LaneView(state="idle", pid=None, job=None, busy_s=None)] * (self._slots - len(busy))]

    def pid(self, key: AttemptKey) -> int | None:  # noqa: ARG002  # it has no processes
        return None

    def replaced(self) -> Mapping[Replaced, int]:
        return {}

    async def check(self) -> str | None:
        return None

    async def running(self, job_id: str) -> AttemptKey:
        """Wait until an attempt of the job runs. Return its key."""
        return await until(
            lambda: next((key for key in self.running_keys() if key.job_id == job_id), None),
            what=f"an attempt of {job_id} to run",
        )

    async def running_now(self, number: int) -> list[AttemptKey]:
        """Wait until this many attempts run. Return their keys."""
        return await until(
            lambda: keys if len(keys := self.running_keys()) == number else None, what=f"{number} attempts to run"
        )

    def running_keys(self) -> list[AttemptKey]:
        """Return the attempts that run now."""
        return [group.running for group in self._groups if group.running is not None and not group.end.done()]

    async def groups(self, number: int) -> list[list[str]]:
        """Wait until this many slots are claimed. Return the ids of the jobs in each."""
        await until(lambda: len(self._groups) == number, what=f"{number} groups")
        return [[key.job_id for key in group.unfinished()] for group in self._groups]

    async def end(self, job_id: str, outcome: Outcome | None = None) -> None:
        """End the running attempt of a job, by default with the result 1."""
        self._end(await self.running(job_id), outcome or Done(result=b"1", result_bytes=1, usage=USAGE))

    async def report(self, job_id: str, progress: Progress) -> None:
        """Report what the running attempt of a job is doing."""
        key = await self.running(job_id)
        next(group for group in self._groups if group.running == key).on_progress(key, progress)

    def _end(self, key: AttemptKey, outcome: Outcome) -> None:
        for group in self._groups:
            if group.running == key and not group.end.done():
                group.end.set_result(outcome)
