"""One run: a service, its clients, the injections of a plan one after the other, and then the checks."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import checks
from tests.chaos.begins import Begins, check_begins, read_begins
from tests.chaos.faults.injection import Injector
from tests.chaos.faults.no_processes import pids_group
from tests.chaos.ledger import Ledger
from tests.chaos.load.clients import Load
from tests.chaos.plan import Injection, Plan
from tests.chaos.service import ChaosServer
from tests.chaos.times import Times
from tests.support.caller import TERMINAL
from tests.support.waiting import NotInTimeError, until

CLIENTS = 6
QUIET_S = 120.0
"""How long the accepted jobs may take to end after the last injection."""

WARM = 0.25
"""The fraction of the second phase after which the service is warm. Its resources must not grow after that."""


@dataclass(slots=True)
class Run:
    """The outcome of a run."""

    plan: Plan
    ledger: Ledger
    times: Times
    injector: Injector
    begins: Begins = field(default_factory=dict)
    jobs: int = 0
    """The number of jobs, deleted ones included."""
    before: checks.Resources | None = None
    after: checks.Resources | None = None
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


async def run(plan: Plan, directory: Path, lanes: int, report: Callable[[str], None]) -> Run:
    """Runs a plan in an empty directory. Raises only if the harness itself fails."""
    began = time.monotonic()
    server = ChaosServer(directory, lanes)
    async with _parts(server, plan) as (load, injector, ledger, times):
        result = Run(plan, ledger, times, injector)
        try:
            await injector.ends.start()
            load.start()
            await _phase(plan.first, load, injector, "first phase", report)
            warm = round(len(plan.second) * WARM)
            await _phase(plan.second[:warm], load, injector, "second phase, until warm", report)
            result.before = await _quiet(result, load, server)
            load.resume()
            await _phase(plan.second[warm:], load, injector, "second phase", report)
            result.after = await _quiet(result, load, server)
            await load.end()
            await _check_every_job(result, load)
            await injector.ends.terminate()
        except (NotInTimeError, AssertionError) as error:
            result.broken.append(f"{type(error).__name__}: {error}")
            result.broken += await _stuck_jobs(load, ledger)
        else:
            result.broken += result.after.grown(result.before)
            result.broken += await asyncio.to_thread(checks.check_processes, server)
            result.broken += checks.check_files(server, ledger)
        result.begins = read_begins(server.begins)
        result.broken += check_begins(ledger, result.begins, injector.ends.stops)
        result.broken += (
            ledger.broken
            + injector.broken
            + checks.check_times(times)
            + checks.check_log(server, injector.injected.keys())
        )
        result.seconds = time.monotonic() - began
        return result


@asynccontextmanager
async def _parts(server: ChaosServer, plan: Plan) -> AsyncIterator[tuple[Load, Injector, Ledger, Times]]:
    ledger, times = Ledger(), Times()
    load = Load(plan.seed, CLIENTS, ledger, times)
    with pids_group() as group:
        try:
            yield load, Injector(server, load, times, group), ledger, times
        finally:
            await load.close()
            await asyncio.to_thread(server.abandon)


async def _phase(
    injections: Sequence[Injection], load: Load, injector: Injector, name: str, report: Callable[[str], None]
) -> None:
    for number, injection in enumerate(injections, 1):
        await asyncio.sleep(injection.pause_s)  # at any moment: there is no condition to wait for
        await injector.inject(injection)
        load.check()
        if number % 10 == 0 or number == len(injections):
            report(f"{name}: {number} of {len(injections)} injections, {sum(injector.injected.values())} faults in all")


async def _quiet(result: Run, load: Load, server: ChaosServer) -> checks.Resources:
    """Waits until all accepted jobs have ended. Returns the resources of the service at that moment."""
    injector = result.injector
    await injector.resume()
    load.pause()
    await until(load.quiet, within=QUIET_S, what="all accepted jobs to end")
    await until(lambda: injector.lanes_are("idle"), within=QUIET_S, what="every lane to be idle")
    result.broken += await asyncio.to_thread(checks.check_leftovers, server)
    return await asyncio.to_thread(checks.Resources.of, server)


async def _check_every_job(result: Run, load: Load) -> None:
    """Waits for all jobs, those whose 202 was lost included, then compares every job with the ledger."""

    async def all_terminal() -> bool:
        return all(job["state"] in TERMINAL for job in await load.calls.every_job())

    await until(all_terminal, within=QUIET_S, what="every job to be terminal")
    jobs = await load.calls.every_job()
    for job in jobs:
        line = result.ledger.lines.get(job["labels"][0])
        if line is not None:
            line.id = line.id or job["id"]
            result.ledger.note(line, job)
            await load.jobs.check_result(line)
    result.jobs = len(jobs) + sum(line.deleted for line in result.ledger.lines.values())
    result.broken += checks.check_jobs(result.ledger, jobs)


async def _stuck_jobs(load: Load, ledger: Ledger) -> list[str]:
    """Returns the jobs that clients still wait for, if the run could not end."""
    waited_for = [line for line in ledger.lines.values() if line.id and line.end is None]
    stuck = []
    for line in waited_for[:100]:
        with contextlib.suppress(TimeoutError, AssertionError):
            async with asyncio.timeout(5):
                if not ledger.note(line, job := await load.calls.job(line)):
                    tries = f"attempt {job['attempt']} of {job['max_attempts']}"
                    stuck.append(f"stuck: {line.label}, {job['task']}, is {job['state']}, {tries}: {job['id']}")
    return stuck
