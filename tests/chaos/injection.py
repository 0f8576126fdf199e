"""Injects each fault into a running service, and measures how long the service takes to recover."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Coroutine
from functools import partial

import httpx
import psutil

from tests.chaos.checks import MOST_S, NOTICED, RECOVERED
from tests.chaos.load import Load
from tests.chaos.plan import LANE_FAULTS, SERVICE_FAULTS, STOP_FAULTS, Fault, Injection
from tests.chaos.processes import Parts, find_processes, lane_writing_a_result
from tests.chaos.times import Times
from tests.support.server import Server
from tests.support.waiting import NotInTimeError, until

AIM_WITHIN_S = 1.0
"""How long an injection waits for a lane that writes a large result, or for a submission."""

GRACE_S = 4.0
BOUND_S = 2.0
"""How much longer than the grace period the end after SIGTERM may take, on a busy machine."""


class Injector:
    """Injects faults into one server and its processes."""

    def __init__(self, server: Server, load: Load, times: Times) -> None:
        self.injected: Counter[Fault] = Counter()
        self.missed: Counter[Fault] = Counter()
        """Faults whose process was missing, or ended before the injection."""
        self.broken: list[str] = []
        self._server = server
        self._load = load
        self._times = times
        self._stopped: list[psutil.Process] = []
        self._measurements: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts the service, and gives the clients its address."""
        began = time.monotonic()
        await asyncio.to_thread(self._server.start)
        self._times.took("start until ready", time.monotonic() - began)
        self._load.calls.url = str(self._server.api.http.base_url).rstrip("/")

    async def terminate(self) -> None:
        """Ends the service by SIGTERM, and measures how long that takes."""
        began = time.monotonic()
        self._server.process.terminate()
        try:
            code = await asyncio.to_thread(self._server.wait)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("the service did not end after SIGTERM") from error
        took = time.monotonic() - began
        self._times.took(f"SIGTERM to the end (grace {GRACE_S:g} s)", took)
        if code != 0 or took > GRACE_S + BOUND_S:
            self.broken.append(f"SIGTERM: exit code {code} after {took:.1f} s of {GRACE_S:g} s grace")

    async def resume(self) -> None:
        """Resumes every stopped process, and waits for all measurements."""
        for process in self._stopped:
            _resume(process)
        await asyncio.gather(*self._measurements)

    async def inject(self, injection: Injection) -> None:
        """Injects the faults of one moment. Returns when the service is ready again, if it was killed or terminated."""
        await asyncio.to_thread(self._server.note_semaphores)
        parts = await asyncio.to_thread(find_processes, self._server)
        aimed = await self._aim(injection, parts)
        for number, fault in enumerate(
            sorted(injection.faults, key=SERVICE_FAULTS.__contains__)
        ):  # last, since it ends all other processes
            if fault in SERVICE_FAULTS:
                await self._inject_into_service(fault, injection.repeated_in_start_s)
            else:
                lane = parts.lanes[(injection.pick + number) % len(parts.lanes)] if parts.lanes else None
                self._inject_into_part(fault, _victim(fault, parts, aimed or lane), injection.resumed_after_s)

    async def _aim(self, injection: Injection, parts: Parts) -> int | None:
        """Waits for the moment that the injection is aimed at. Returns the lane that writes a result, if any."""
        if not injection.aimed:
            return None
        with contextlib.suppress(NotInTimeError):
            if LANE_FAULTS & set(injection.faults):
                return await until(lambda: lane_writing_a_result(self._server, parts.lanes), within=AIM_WITHIN_S)
            await until(lambda: self._load.submitting, within=AIM_WITHIN_S)
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
            self._measure(self._measure_recovery(victim.pid))

    async def _inject_into_service(self, fault: Fault, repeated_in_start_s: float | None) -> None:
        if fault is Fault.SERVICE_KILLED:
            self._server.process.kill()
            await asyncio.to_thread(self._server.wait)
        else:
            await self.terminate()
        self.injected[fault] += 1
        if repeated_in_start_s is not None:
            self._server.launch()
            await asyncio.sleep(repeated_in_start_s)  # at any moment of the start
            await asyncio.to_thread(self._server.note_semaphores)
            self._server.process.send_signal(signal.SIGKILL if fault is Fault.SERVICE_KILLED else signal.SIGTERM)
            await asyncio.to_thread(self._server.wait, GRACE_S + BOUND_S)
            self.injected[fault] += 1
        await self.start()

    def _measure(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._measurements.add(task)
        task.add_done_callback(self._measurements.discard)

    async def _measure_recovery(self, pid: int) -> None:
        """Measures how long until the service notices the death, and until all lanes are open again."""
        service, began = self._server.process, time.monotonic()

        async def seen(whole: bool) -> bool:
            if self._server.process is not service or service.poll() is not None:
                return True
            if whole:
                return await self.lanes_are("idle", "busy")
            lanes = await self._lanes()
            return bool(lanes) and pid not in {shown for shown, _ in lanes}

        for what, whole in ((NOTICED, False), (RECOVERED, True)):
            try:
                await until(partial(seen, whole), within=MOST_S[what], what=what)
            except NotInTimeError as error:
                self.broken.append(str(error))
                return
            if self._server.process is service and service.poll() is None:
                self._times.took(what, time.monotonic() - began)

    async def lanes_are(self, *states: str) -> bool:
        """Returns True if the service reports every lane in one of these states."""
        lanes = await self._lanes()
        return bool(lanes) and all(state in states for _, state in lanes)

    async def _lanes(self) -> list[tuple[int | None, str]]:
        """Returns (pid, state) of each lane, or nothing if the service does not respond."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
                lanes = (await http.get(f"{self._server.api.http.base_url}/stats")).json()["lanes"]
        except httpx.TransportError:
            return []
        return [(lane["pid"], lane["state"]) for lane in lanes]


def _victim(fault: Fault, parts: Parts, lane: int | None) -> int | None:
    if fault in LANE_FAULTS:
        return lane
    return parts.forkserver if fault is Fault.FORKSERVER_KILLED else parts.manager


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()
