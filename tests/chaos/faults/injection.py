"""Injects each fault into a running service, and counts it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from pathlib import Path

import psutil

from tests.chaos.faults import hostile, no_processes
from tests.chaos.faults.ends import Ends
from tests.chaos.faults.lock import locked_journal
from tests.chaos.faults.processes import Parts, find_processes, lane_writing_a_result
from tests.chaos.faults.recovery import Recovery
from tests.chaos.load.clients import Load
from tests.chaos.load.work import Work
from tests.chaos.plan import LANE_FAULTS, PART_FAULTS, SERVICE_FAULTS, STOP_FAULTS, Fault, Injection
from tests.chaos.service import ChaosServer
from tests.chaos.times import Times
from tests.support.waiting import NotInTimeError, until

AIM_WITHIN_S = 1.0
"""How long an injection waits for a lane that writes a large result, or for a submission."""

NO_PROCESS_S = 0.3
LOCKED_S = 7.0
"""The longest time for which the journal is locked: more than the service waits before it refuses a write."""

SERVICE_STOPPED_S = 1.5
"""The longest time for which the service is stopped: it is the clients that wait."""

TASK_FAULTS = {
    Fault.FILES_LEFT: Work(task="hoard", params={}),
    Fault.PROCESS_LEFT: Work(task="desert", params={}),
    Fault.PROGRAM_CHANGED: Work(task="become", params={}, options={"timeout_s": 1}, fails="timed-out"),
}


class Injector:
    """Injects faults into one server and its processes. `group` is the cgroup that can refuse processes, if any."""

    def __init__(self, server: ChaosServer, load: Load, times: Times, group: Path | None) -> None:
        self.injected: Counter[Fault] = Counter()
        self.missed: Counter[Fault] = Counter()
        """Faults whose process was missing, or ended before the injection, and those that are not possible here."""
        self.ends = Ends(server, load, times)
        self.broken: list[str] = self.ends.broken
        self._server = server
        self._load = load
        self._recovery = Recovery(server, load.calls, times, self.broken)
        self.lanes_are = self._recovery.lanes_are
        self._group = group
        self._stopped: list[psutil.Process] = []
        self._unlock = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Resumes every stopped process, and waits for what runs in the background."""
        for process in self._stopped:
            _resume(process)
        await asyncio.gather(*self._background)

    async def inject(self, injection: Injection) -> None:
        """Injects the faults of one moment. Returns when the service is ready again, if it was ended."""
        assert self._server.process.poll() is None, f"the service ended by itself: {self._server.process.poll()}"
        await asyncio.to_thread(self._server.note_semaphores)
        parts = await asyncio.to_thread(find_processes, self._server)
        aimed = await self._aim(injection, parts)
        for number, fault in enumerate(
            sorted(injection.faults, key=SERVICE_FAULTS.__contains__)
        ):  # last, since it ends all other processes
            lane = aimed or (parts.lanes[(injection.pick + number) % len(parts.lanes)] if parts.lanes else None)
            if fault in SERVICE_FAULTS:
                self._unlock.set()  # a start needs the journal
                _resume(psutil.Process(self._server.process.pid))
                await self.ends.end(fault, injection)
                self.injected[fault] += 1
            elif fault in PART_FAULTS:
                self._inject_into_part(fault, _victim(fault, parts, lane), injection.resumed_after_s)
            else:
                await self._inject_other(fault, lane, injection)

    async def _inject_other(self, fault: Fault, lane: int | None, injection: Injection) -> None:
        match fault:
            case Fault.NO_PROCESS:
                await self._refuse_processes(lane)
            case Fault.JOURNAL_LOCKED:
                self._in_background(self._lock_journal(injection.resumed_after_s or LOCKED_S))
            case Fault.SERVICE_STOPPED:
                self._stop_service(min(injection.resumed_after_s or SERVICE_STOPPED_S, SERVICE_STOPPED_S))
            case Fault.READS_NOTHING:
                self._in_background(self._read_nothing())
            case Fault.HOSTILE_HEADERS:
                self._in_background(self._send_hostile_headers())
            case Fault.BATCH_CANCELLED:
                self._load.add_batch()
                self.injected[fault] += 1
            case _:
                self._load.add(TASK_FAULTS[fault])
                self.injected[fault] += 1

    async def _aim(self, injection: Injection, parts: Parts) -> int | None:
        """Waits for the moment that the injection is aimed at. Returns the lane that writes a result, if any."""
        if not injection.aimed:
            return None
        with contextlib.suppress(NotInTimeError):
            if LANE_FAULTS & set(injection.faults):
                return await until(lambda: lane_writing_a_result(self._server, parts.lanes), within=AIM_WITHIN_S)
            await until(lambda: self._load.jobs.submitting, within=AIM_WITHIN_S)
        return None

    def _inject_into_part(self, fault: Fault, pid: int | None, resumed_after_s: float | None) -> None:
        try:
            victim = psutil.Process(pid or -1)
            if fault in STOP_FAULTS:
                victim.suspend()
                self._stopped.append(victim)
            else:
                victim.kill()
        except (psutil.NoSuchProcess, ValueError):
            self.missed[fault] += 1
            return
        self.injected[fault] += 1
        if fault in STOP_FAULTS and resumed_after_s is not None:
            asyncio.get_running_loop().call_later(resumed_after_s, _resume, victim)
        if fault is Fault.LANE_KILLED:
            self._in_background(self._recovery.measure(victim.pid))

    async def _refuse_processes(self, lane: int | None) -> None:
        """No process can be made for a moment, in which a lane is killed."""
        if self._group is None or lane is None:
            self.missed[Fault.NO_PROCESS] += 1
            return
        no_processes.refuse(self._group, await asyncio.to_thread(self._server.family))
        try:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(lane).kill()
            await asyncio.sleep(NO_PROCESS_S)  # the length of the fault
        finally:
            no_processes.allow(self._group)
        self.injected[Fault.NO_PROCESS] += 1
        self._in_background(self._recovery.measure(lane))

    async def _lock_journal(self, unlocked_after_s: float) -> None:
        if self._load.jobs.journal_locked:
            self.missed[Fault.JOURNAL_LOCKED] += 1
            return
        self._load.jobs.journal_locked = True
        self._unlock.clear()
        async with locked_journal(self._server):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._unlock.wait(), unlocked_after_s)
        self._load.jobs.journal_locked = False
        self.injected[Fault.JOURNAL_LOCKED] += 1

    def _stop_service(self, resumed_after_s: float) -> None:
        service = psutil.Process(self._server.process.pid)
        service.suspend()
        self._stopped.append(service)
        asyncio.get_running_loop().call_later(resumed_after_s, _resume, service)
        self.injected[Fault.SERVICE_STOPPED] += 1

    async def _read_nothing(self) -> None:
        taken = await self._recovery.health_measured(partial(hostile.read_nothing, self._server))
        self._count(Fault.READS_NOTHING, happened=taken > 0)

    async def _send_hostile_headers(self) -> None:
        answered, broken = await self._recovery.health_measured(partial(hostile.send_hostile_headers, self._server))
        self.broken += broken
        self._count(Fault.HOSTILE_HEADERS, happened=answered > 0)

    def _count(self, fault: Fault, *, happened: bool) -> None:
        (self.injected if happened else self.missed)[fault] += 1

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _victim(fault: Fault, parts: Parts, lane: int | None) -> int | None:
    if fault in LANE_FAULTS:
        return lane
    return parts.forkserver if fault is Fault.FORKSERVER_KILLED else parts.manager


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()
