"""One run: a service, its clients, the plan's blows one after the other, and then the facts."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import facts, work
from tests.chaos.faults import GRACE_S, Attacker
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.plan import Blow, Plan
from tests.chaos.times import Times
from tests.support.caller import TERMINAL
from tests.support.server import Server
from tests.support.waiting import NotInTimeError, until

CLIENTS = 6
QUIET_S = 120.0
"""How long all that has been accepted may take to end once nothing is struck any more."""

WARM = 0.25
"""The part of the second act after which the service is warm: what it holds then, it should hold at the end."""


@dataclass(slots=True)
class Run:
    """What a run came to."""

    plan: Plan
    ledger: Ledger
    times: Times
    attacker: Attacker
    jobs: int = 0
    """How many jobs the service had or had deleted."""
    before: facts.Holding | None = None
    after: facts.Holding | None = None
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


async def run(plan: Plan, directory: Path, lanes: int, tell: Callable[[str], None]) -> Run:
    """Carries out a plan in an empty directory. Raises only where the harness itself can't go on."""
    began = time.monotonic()
    tmp = directory / "tmp"
    tmp.mkdir()
    server = Server(directory, lanes=lanes, shutdown_grace_s=GRACE_S, log_level="info")
    server.environment["TMPDIR"] = str(tmp)
    work.lay_out(server.files_dir)
    async with _parts(server, plan) as (load, attacker, ledger, times):
        it = Run(plan, ledger, times, attacker)
        try:
            await attacker.start()
            load.begin()
            await _act(plan.first, load, attacker, "first act", tell)
            warm = round(len(plan.second) * WARM)
            await _act(plan.second[:warm], load, attacker, "second act, until warm", tell)
            it.before = await _quiet(load, attacker, server)
            load.go_on()
            await _act(plan.second[warm:], load, attacker, "second act", tell)
            it.after = await _quiet(load, attacker, server)
            await load.end()
            await _reckon(it, load)
            await attacker.terminate()
        except (NotInTimeError, AssertionError) as error:
            it.broken.append(f"{type(error).__name__}: {error}")
            it.broken += await _unended(load, ledger)
        else:
            it.broken += it.after.grown(it.before)
            it.broken += await asyncio.to_thread(facts.of_the_processes, server)
            it.broken += facts.of_the_files(server, tmp, ledger)
        it.broken += ledger.broken + attacker.broken + facts.of_the_times(times) + facts.of_the_log(server)
        it.seconds = time.monotonic() - began
        return it


@asynccontextmanager
async def _parts(server: Server, plan: Plan) -> AsyncIterator[tuple[Load, Attacker, Ledger, Times]]:
    ledger, times = Ledger(), Times()
    load = Load(plan.seed, CLIENTS, ledger, times)
    try:
        yield load, Attacker(server, load, times), ledger, times
    finally:
        await load.close()
        await asyncio.to_thread(server.abandon)


async def _act(blows: Sequence[Blow], load: Load, attacker: Attacker, name: str, tell: Callable[[str], None]) -> None:
    for number, blow in enumerate(blows, 1):
        await asyncio.sleep(blow.pause_s)  # nothing to wait for: any moment is meant
        await attacker.strike(blow)
        load.check()
        if number % 10 == 0 or number == len(blows):
            tell(f"{name}: {number} of {len(blows)} blows, {sum(attacker.struck.values())} faults in all")


async def _quiet(load: Load, attacker: Attacker, server: Server) -> facts.Holding:
    """Lets everything that was accepted end, and looks at what the service then holds."""
    await attacker.resume()
    load.pause()
    await until(load.quiet, within=QUIET_S, what="the end of all that was accepted")
    await until(lambda: attacker.lanes_are("idle"), within=QUIET_S, what="every lane to be idle")
    return await asyncio.to_thread(facts.Holding.of, server.process.pid)


async def _reckon(it: Run, load: Load) -> None:
    """Follows the jobs whose acceptance nobody had heard of, then holds every job against the ledger."""

    async def all_terminal() -> bool:
        return all(job["state"] in TERMINAL for job in await load.calls.every_job())

    await until(all_terminal, within=QUIET_S, what="every job to be terminal")
    jobs = await load.calls.every_job()
    for job in jobs:
        line = it.ledger.lines.get(job["labels"][0])
        if line is not None:
            line.id = line.id or job["id"]
            it.ledger.saw(line, job)
            await load.check_result(line)
    it.jobs = len(jobs) + sum(line.forgotten for line in it.ledger.lines.values())
    it.broken += facts.of_the_list(it.ledger, jobs)


async def _unended(load: Load, ledger: Ledger) -> list[str]:
    """The jobs that somebody still waits for, where the run could not be brought to its end."""
    waited_for = [line for line in ledger.lines.values() if line.id and line.end is None]
    stuck = []
    for line in waited_for[:100]:
        with contextlib.suppress(TimeoutError, AssertionError):
            async with asyncio.timeout(5):
                if not ledger.saw(line, job := await load.calls.job(line)):
                    stuck.append(f"stuck: {job}")
    return stuck
