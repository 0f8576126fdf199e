"""Running a group of attempts in the engine."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from offload.jobs.dispatch.attempt import Attempt
from offload.jobs.interfaces import Engine
from offload.jobs.model import AttemptKey, Lost, Outcome, Progress, Stopped

OVERTIME_S = 10.0
"""The engine ends an attempt at its time limit. If it has not after this much longer, the attempt is ended here."""

log = structlog.get_logger()


async def run_group(
    engine: Engine,
    attempts: Sequence[Attempt],
    *,
    on_progress: Callable[[Attempt, Progress], None],
    on_outcome: Callable[[Attempt, Outcome], None],
) -> None:
    """Run attempts in one slot of the engine. Call `on_outcome` exactly once for each, whatever the engine does.

    Both callbacks must not raise.
    """
    unfinished = {attempt.running.key: attempt for attempt in attempts}

    def progress(key: AttemptKey, news: Progress) -> None:
        if attempt := unfinished.get(key):
            on_progress(attempt, news)

    def outcome(key: AttemptKey, ended: Outcome) -> None:
        if attempt := unfinished.pop(key, None):
            on_outcome(attempt, ended)

    assignments = [attempt.assignment() for attempt in attempts]
    try:
        async with asyncio.timeout(max(each.timeout_s for each in assignments) + OVERTIME_S):
            await engine.run(assignments, progress, outcome)
    except TimeoutError:
        for key in list(unfinished):
            await engine.stop(key)
            outcome(key, Stopped(by="time"))
    except Exception as error:  # a fault of the engine must not lose the jobs
        log.exception("engine failed", jobs=[key.job_id for key in unfinished])
        for key in list(unfinished):
            outcome(key, Lost(detail=f"The engine failed: {error!r}"))
