"""How each fault is done to a running service, and how long the service takes to be itself again."""

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

from tests.chaos.facts import BACK, MOST_S, NOTICED
from tests.chaos.load import Load
from tests.chaos.parts import Parts, handing_over, look
from tests.chaos.plan import OF_LANES, OF_THE_SERVICE, STOPS, Blow, Fault
from tests.chaos.times import Times
from tests.support.server import Server
from tests.support.waiting import NotInTimeError, until

HAND_OVER_S = 1.0
"""A blow waits at most so long for a large result, or a submission, to be handed over."""

GRACE_S = 4.0
BOUND_S = 2.0
"""What the end after SIGTERM may take beyond the grace, on a busy machine."""


class Attacker:
    """Strikes one server and its processes."""

    def __init__(self, server: Server, load: Load, times: Times) -> None:
        self.struck: Counter[Fault] = Counter()
        self.missed: Counter[Fault] = Counter()
        """Faults whose victim was away, or gone before it could be struck."""
        self.broken: list[str] = []
        self._server = server
        self._load = load
        self._times = times
        self._stopped: list[psutil.Process] = []
        self._beside: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts the service, again too, and tells the clients where it is."""
        began = time.monotonic()
        await asyncio.to_thread(self._server.start)
        self._times.took("start until ready", time.monotonic() - began)
        self._load.calls.url = str(self._server.api.http.base_url).rstrip("/")

    async def terminate(self) -> None:
        """Ends the service in order, and measures it."""
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
        """Lets go on what is still stopped, and waits for what is being measured."""
        for process in self._stopped:
            _resume(process)
        await asyncio.gather(*self._beside)

    async def strike(self, blow: Blow) -> None:
        """Does one blow. Returns when the service, if it was struck, is ready again."""
        await asyncio.to_thread(self._server.note_semaphores)
        parts = await asyncio.to_thread(look, self._server)
        aimed = await self._aim(blow, parts)
        for number, fault in enumerate(sorted(blow.faults, key=OF_THE_SERVICE.__contains__)):  # it takes all along
            if fault in OF_THE_SERVICE:
                await self._strike_service(fault, blow.again_in_start_s)
            else:
                lane = parts.lanes[(blow.pick + number) % len(parts.lanes)] if parts.lanes else None
                self._strike_part(fault, _victim(fault, parts, aimed or lane), blow.resumed_after_s)

    async def _aim(self, blow: Blow, parts: Parts) -> int | None:
        """Waits for the moment that the blow is meant for; answers the lane that is then the right one, if any."""
        if not blow.at_hand_over:
            return None
        with contextlib.suppress(NotInTimeError):
            if OF_LANES & set(blow.faults):
                return await until(lambda: handing_over(self._server, parts.lanes), within=HAND_OVER_S)
            await until(lambda: self._load.submitting, within=HAND_OVER_S)
        return None

    def _strike_part(self, fault: Fault, pid: int | None, resumed_after_s: float | None) -> None:
        try:
            victim = psutil.Process(pid or -1)
            if fault in STOPS:
                victim.suspend()
                self._stopped.append(victim)
            else:
                victim.kill()
        except (psutil.NoSuchProcess, ValueError):
            self.missed[fault] += 1
            return
        self.struck[fault] += 1
        if fault in STOPS and resumed_after_s is not None:
            asyncio.get_running_loop().call_later(resumed_after_s, _resume, victim)
        if fault is Fault.LANE_KILLED:
            self._measure(self._lane_back(victim.pid))

    async def _strike_service(self, fault: Fault, again_in_start_s: float | None) -> None:
        if fault is Fault.SERVICE_KILLED:
            self._server.process.kill()
            await asyncio.to_thread(self._server.wait)
        else:
            await self.terminate()
        self.struck[fault] += 1
        if again_in_start_s is not None:
            self._server.launch()
            await asyncio.sleep(again_in_start_s)  # any moment of the start is meant
            await asyncio.to_thread(self._server.note_semaphores)
            self._server.process.send_signal(signal.SIGKILL if fault is Fault.SERVICE_KILLED else signal.SIGTERM)
            await asyncio.to_thread(self._server.wait, GRACE_S + BOUND_S)
            self.struck[fault] += 1
        await self.start()

    def _measure(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _lane_back(self, pid: int) -> None:
        """Measures until the service knows of the death, and until all lanes are open again."""
        service, began = self._server.process, time.monotonic()

        async def seen(whole: bool) -> bool:
            if self._server.process is not service or service.poll() is not None:
                return True
            if whole:
                return await self.lanes_are("idle", "busy")
            lanes = await self._lanes()
            return bool(lanes) and pid not in {shown for shown, _ in lanes}

        for what, whole in ((NOTICED, False), (BACK, True)):
            try:
                await until(partial(seen, whole), within=MOST_S[what], what=what)
            except NotInTimeError as error:
                self.broken.append(str(error))
                return
            if self._server.process is service and service.poll() is None:
                self._times.took(what, time.monotonic() - began)

    async def lanes_are(self, *states: str) -> bool:
        """Whether the service says that every lane is in one of these states."""
        lanes = await self._lanes()
        return bool(lanes) and all(state in states for _, state in lanes)

    async def _lanes(self) -> list[tuple[int | None, str]]:
        """(pid, state) of each lane; nothing where the service can't be asked just now."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
                lanes = (await http.get(f"{self._server.api.http.base_url}/stats")).json()["lanes"]
        except httpx.TransportError:
            return []
        return [(lane["pid"], lane["state"]) for lane in lanes]


def _victim(fault: Fault, parts: Parts, lane: int | None) -> int | None:
    if fault in OF_LANES:
        return lane
    return parts.forkserver if fault is Fault.FORKSERVER_KILLED else parts.manager


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()
