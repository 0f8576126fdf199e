"""Ends the service in each way, and starts it again."""

import asyncio
import signal
import subprocess
import time

from tests.chaos.faults.lock import locked_journal
from tests.chaos.ledger import Line
from tests.chaos.load.clients import Load
from tests.chaos.load.work import Work
from tests.chaos.plan import Fault, Injection
from tests.chaos.service import GRACE_S, ChaosServer
from tests.chaos.times import Times
from tests.support.server import DidNotStartError
from tests.support.waiting import until

BOUND_S = 2.0
"""How much longer than the grace period the end after SIGTERM may take, on a busy machine."""

MERCY = 2
"""A task that kills the service does so at most this often more than it may begin."""

KILLED_WITHIN_S = 60.0
"""How long a task that kills the service may be queued."""


class Ends:
    """Ends and starts one service."""

    def __init__(self, server: ChaosServer, load: Load, times: Times) -> None:
        self.broken: list[str] = []
        self.stops: list[float] = []
        """The time of each SIGTERM (seconds since the epoch)."""
        self._server = server
        self._load = load
        self._times = times

    async def start(self) -> None:
        """Starts the service, and gives the clients its address."""
        began = time.monotonic()
        await asyncio.to_thread(self._server.start)
        self._times.took("start until ready", time.monotonic() - began)
        self._load.calls.url = self._server.url

    async def end(self, fault: Fault, injection: Injection) -> None:
        """Ends the service by this fault. Returns when the service is ready again."""
        match fault:
            case Fault.SERVICE_KILLED:
                await self._kill()
            case Fault.START_KILLED:
                await self._kill()
                await self._hit_the_start(signal.SIGKILL, injection.in_start_s)
            case Fault.SERVICE_TERMINATED:
                await self.terminate()
            case Fault.START_TERMINATED:
                await self.terminate()
                await self._hit_the_start(signal.SIGTERM, injection.in_start_s)
            case Fault.LOCKED_TERMINATED:
                await self._terminate_while_locked(injection.resumed_after_s)
            case _:
                await self._let_a_task_kill(1 + injection.pick % 3)
                return
        await self.start()

    async def terminate(self, what: str = "SIGTERM to the end", *, in_order: bool = True) -> None:
        """Ends the service by SIGTERM, measures how long that takes, and checks the exit code if it must be 0."""
        began = time.monotonic()
        self._signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(self._server.wait)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{what}: the service did not end") from error
        took = time.monotonic() - began
        self._times.took(f"{what} (grace {GRACE_S:g} s)", took)
        if took > GRACE_S + BOUND_S or code < 0 or (code and in_order):
            self.broken.append(f"{what}: exit code {code} after {took:.1f} s of {GRACE_S:g} s grace")

    def _signal(self, number: signal.Signals) -> None:
        if number is signal.SIGTERM:
            self.stops.append(time.time())
        self._server.process.send_signal(number)

    async def _kill(self) -> None:
        self._server.process.kill()
        await asyncio.to_thread(self._server.wait)

    async def _hit_the_start(self, number: signal.Signals, after_s: float) -> None:
        self._server.launch()
        await asyncio.sleep(after_s)  # at any moment of the start
        await asyncio.to_thread(self._server.note_semaphores)
        self._signal(number)
        await asyncio.to_thread(self._server.wait, GRACE_S + BOUND_S)

    async def _terminate_while_locked(self, released_after_s: float | None) -> None:
        """Another program holds the journal's lock for writes, for some time or until the service has ended."""
        async with locked_journal(self._server) as release:
            if released_after_s is not None:
                asyncio.get_running_loop().call_later(released_after_s, release.set)
            await self.terminate("SIGTERM while locked", in_order=False)

    async def _let_a_task_kill(self, max_attempts: int) -> None:
        """Submits a task that kills the service whenever it begins, and starts the service again after each."""
        options = {"max_attempts": max_attempts, "priority": 100}
        work = Work(task="murder", params={"mercy": max_attempts + MERCY}, options=options, fails="worker-died")
        line = self._load.add(work)
        while await self._killed(line):
            try:
                await self.start()
            except DidNotStartError as error:
                if error.code != -signal.SIGKILL:
                    raise

    async def _killed(self, line: Line) -> bool:
        """Waits until the service has been killed, or the job has ended. Returns True for the former."""
        killed = self._server.process.poll
        await until(
            lambda: killed() is not None or line.end is not None,
            within=KILLED_WITHIN_S,
            what="a task to kill the service, or to end",
        )
        return killed() is not None
