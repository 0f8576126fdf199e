"""`GET /health/…` and `GET /stats`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from offload.api.contract.openapi import problems
from offload.api.state import AppState, Caller, State
from offload.errors import NotReadyError
from offload.jobs.interfaces import LaneView

CHECK_S = 3.0
"""Time limit of a health check."""

router = APIRouter(tags=["service"])


class Live(BaseModel):
    """The event loop runs."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Every health check passed."""

    status: Literal["ready"] = "ready"


class Lane(BaseModel):
    """One worker process."""

    state: Literal["idle", "busy", "opening"]
    pid: int | None
    job: str | None = Field(description="null also for a job of another owner")
    busy_s: float | None = Field(description="seconds since its current attempt started")
    problem: str | None = Field(description="while it is opening: why the last try failed")


class Waiting(BaseModel):
    """Queued jobs of one owner at one priority."""

    owner: str | None
    priority: int
    jobs: int


class Queue(BaseModel):
    """The queue."""

    size: int
    limit: int
    waiting: list[Waiting] = Field(description="only the jobs that the caller may see")


class TaskStats(BaseModel):
    """A task's counts since the start of the service, and durations of its newest jobs in seconds."""

    succeeded: int
    failed: int
    cancelled: int
    per_s: float = Field(description="finished jobs per second in the last minute")
    run_s_p50: float | None
    run_s_p95: float | None
    wait_s_p50: float | None


class Stats(BaseModel):
    """Lanes, queue and tasks."""

    lanes: list[Lane]
    queue: Queue
    tasks: dict[str, TaskStats]


@router.get("/health/live", operation_id="health_live", summary="Liveness", responses=problems())
async def health_live(response: Response) -> Live:
    """Responds while the event loop runs."""
    response.headers["Cache-Control"] = "no-store"
    return Live()


@router.get("/health/ready", operation_id="health_ready", summary="Readiness", responses=problems(NotReadyError))
async def health_ready(state: State, response: Response) -> Ready:
    """Checks every part of the service, concurrently, and names those that fail."""
    response.headers["Cache-Control"] = "no-store"
    names, results = list(state.checks), await asyncio.gather(*map(_run_check, state.checks.values()))
    failed = {name: result for name, result in zip(names, results, strict=True) if result is not None}
    if failed:
        detail = " ".join(f"{name}: {result}" for name, result in failed.items())
        raise NotReadyError(detail, retry_after=1, facts={"parts": failed})
    return Ready()


async def _run_check(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return f"The check did not finish within {CHECK_S:g} s."
    except Exception as error:  # the other checks must still be reported
        return f"The check failed: {error!r}."


@router.get("/stats", operation_id="stats", summary="Statistics", responses=problems())
async def stats(state: State, caller: Caller, response: Response) -> Stats:
    """Returns the lanes, the queue by owner and priority, and each task's counts, rate and durations.

    Sizes and counts include the jobs of all owners. Ids and owners are shown only for jobs that the caller may see.
    """
    response.headers["Cache-Control"] = "no-store"
    queue = state.dispatcher.queue
    waiting = [
        Waiting(owner=owner, priority=priority, jobs=jobs)
        for owner, levels in queue.sizes().items()
        if caller.sees(owner)
        for priority, jobs in sorted(levels.items(), reverse=True)
    ]
    summaries = state.dispatcher.statistics.summary(state.clock())
    return Stats(
        lanes=[_lane(lane, state, caller) for lane in state.engine.lanes()],
        queue=Queue(size=len(queue), limit=state.settings.queue_limit, waiting=waiting),
        tasks={name: TaskStats.model_validate(summary) for name, summary in summaries.items()},
    )


def _lane(lane: LaneView, state: AppState, caller: Caller) -> Lane:
    job = state.dispatcher.live.get(lane.job) if lane.job else None
    seen = job is not None and caller.sees(job.owner)
    return Lane(
        state=lane.state,
        pid=lane.pid,
        job=lane.job if seen else None,
        busy_s=lane.busy_s,
        problem=lane.problem,
    )
