"""How each fault is done to a running service, and how long the service takes to be itself again."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.chaos.load import Load
from tests.chaos.plan import OF_THE_SERVICE, Blow, Fault
from tests.chaos.times import Times
from tests.support.server import Server
from tests.support.waiting import NotInTimeError, until

STOPPABLE = {Fault.LANE_STOPPED, Fault.MANAGER_STOPPED}
HAND_OVER_S = 1.0
"""A blow waits at most so long for a large result to be handed over."""

BACK_S = 30.0
"""A lane that has not come back after so long, on a busy machine, never does."""

GRACE_S = 4.0
BOUND_S = 2.0
"""What the end after SIGTERM may take beyond the grace, on a busy machine."""


class Attacker:
    """Strikes one server and its processes."""

    def __init__(self, server: Server, load: Load, times: Times) -> None:
        self.struck: Counter[Fault] = Counter()
        self.missed = 0
        """Blows whose victim was gone before it could be struck."""
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
        self._load.serve_at(str(self._server.api.http.base_url))

    async def strike(self, blow: Blow) -> None:
        """Does one blow. Returns when the service, if it was struck, is ready again."""
        await asyncio.to_thread(self._server.note_semaphores)
        lane = await self._lane(blow)
        for fault in sorted(
            blow.faults, key=OF_THE_SERVICE.__contains__
        ):  # the service last: it takes the others along
            if fault in OF_THE_SERVICE:
                await self._strike_service(fault, blow)
            elif not await self._strike_part(fault, lane, blow.resumed_after_s):
                self.missed += 1
                continue
            self.struck[fault] += 1

    async def _strike_service(self, fault: Fault, blow: Blow) -> None:
        if blow.at_hand_over:
            with contextlib.suppress(NotInTimeError):
                await until(lambda: self._load.submitting, within=HAND_OVER_S)
        if fault is Fault.SERVICE_KILLED:
            self._server.process.kill()
            await asyncio.to_thread(self._server.process.wait)
        else:
            await self.terminate()
        if blow.again_in_start_s is not None:
            self._server.launch()
            await asyncio.sleep(blow.again_in_start_s)  # any moment of the start is meant
            await asyncio.to_thread(self._server.note_semaphores)
            how = signal.SIGKILL if fault is Fault.SERVICE_KILLED else signal.SIGTERM
            self._server.process.send_signal(how)
            await asyncio.to_thread(self._server.wait, GRACE_S + BOUND_S)
            self.struck[fault] += 1
        await self.start()

    async def terminate(self) -> None:
        """Ends the service in order, and measures it."""
        began = time.monotonic()
        self._server.process.terminate()
        try:
            code = await asyncio.to_thread(self._server.wait)
        except Exception as error:
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

    async def _strike_part(self, fault: Fault, lane: int | None, resumed_after_s: float | None) -> bool:
        pid = lane if fault in {Fault.LANE_KILLED, Fault.LANE_STOPPED} else await asyncio.to_thread(self._part, fault)
        try:
            victim = psutil.Process(pid or -1)
            if fault in STOPPABLE:
                victim.suspend()
                self._stopped.append(victim)
            else:
                victim.kill()
        except (psutil.NoSuchProcess, ValueError):
            return False
        if fault in STOPPABLE and resumed_after_s is not None:
            asyncio.get_running_loop().call_later(resumed_after_s, _resume, victim)
        if fault is Fault.LANE_KILLED:
            self._measure(self._lane_back(victim.pid))
        return True

    def _part(self, fault: Fault) -> int | None:
        """The pid of the forkserver or the Manager; lanes, which they look like for a moment, are told apart."""
        front_desk = self._server.process.pid
        session = os.getsid(front_desk)
        forked = {one.pid: one for one in self._server._forked()}
        forkserver = next(
            (pid for pid, one in forked.items() if _parent(one) == front_desk and _session(pid) == session), None
        )
        if fault is Fault.FORKSERVER_KILLED:
            return forkserver
        apart = (pid for pid in forked if _session(pid) not in {session, None} and _name(pid) != "offload-lane")
        return next(apart, None)

    async def _lane(self, blow: Blow) -> int | None:
        """The pid of the lane that is struck, if any."""
        if not {Fault.LANE_KILLED, Fault.LANE_STOPPED} & set(blow.faults):
            return None
        pids = [pid for pid, _ in await self._lanes() if pid]
        if blow.at_hand_over:
            with contextlib.suppress(NotInTimeError):
                return await until(lambda: self._handing_over(pids), within=HAND_OVER_S)
        return pids[blow.pick % len(pids)] if pids else None

    def _handing_over(self, pids: list[int]) -> int | None:
        """The lane, of these, that is writing a result file at this moment."""
        if not any(file.suffix == ".partial" for file in (self._server.data_dir / "results").iterdir()):
            return None
        for pid in pids:
            with contextlib.suppress(OSError):
                if any(_target(fd).endswith(".partial") for fd in Path(f"/proc/{pid}/fd").iterdir()):
                    return pid
        return None

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
            lanes = await self._lanes()
            if whole:
                return bool(lanes) and all(state != "opening" for _, state in lanes)
            return bool(lanes) and pid not in {shown for shown, _ in lanes}

        for what, whole in (("death of a lane noticed", False), ("all lanes back after it", True)):
            try:
                await until(partial(seen, whole), within=BACK_S, what=what)
            except NotInTimeError as error:
                self.broken.append(str(error))
                return
            if self._server.process is service and service.poll() is None:
                self._times.took(what, time.monotonic() - began)

    async def _lanes(self) -> list[tuple[int | None, str]]:
        """(pid, state) of each lane; nothing where the service can't be asked just now."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
                lanes = (await http.get(f"{self._server.api.http.base_url}/stats")).json()["lanes"]
        except httpx.TransportError:
            return []
        return [(lane["pid"], lane["state"]) for lane in lanes]


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "offload-lane"


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None
