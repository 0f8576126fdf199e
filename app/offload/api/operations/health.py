"""How the service itself is doing: health and statistics."""

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
"""How long a part may take to say that it works."""

router = APIRouter(tags=["service"])


class Live(BaseModel):
    """The event loop runs."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Every part works."""

    status: Literal["ready"] = "ready"


class Lane(BaseModel):
    """One worker process."""

    state: Literal["idle", "busy", "opening"]
    pid: int | None
    job: str | None = Field(description="null also where it is another owner's")
    busy_s: float | None = Field(description="how long its present attempt has been running")


class Waiting(BaseModel):
    """Queued jobs of one owner at one priority."""

    owner: str | None
    priority: int
    jobs: int


class Queue(BaseModel):
    """What waits for a lane."""

    size: int
    limit: int
    waiting: list[Waiting] = Field(description="the jobs that the caller may see")


class TaskStats(BaseModel):
    """A task since the start of the service; durations in seconds, over its newest jobs."""

    succeeded: int
    failed: int
    cancelled: int
    per_s: float = Field(description="jobs ended per second, over the last minute")
    run_s_p50: float | None
    run_s_p95: float | None
    wait_s_p50: float | None


class Stats(BaseModel):
    """What the service is doing."""

    lanes: list[Lane]
    queue: Queue
    tasks: dict[str, TaskStats]


@router.get("/health/live", operation_id="health_live", summary="Is it alive?", responses=problems())
async def health_live(response: Response) -> Live:
    """Answers while the event loop runs."""
    response.headers["Cache-Control"] = "no-store"
    return Live()


@router.get("/health/ready", operation_id="health_ready", summary="Is it ready?", responses=problems(NotReadyError))
async def health_ready(state: State, response: Response) -> Ready:
    """Really asks every part, at the same time, and names those that don't work."""
    response.headers["Cache-Control"] = "no-store"
    names, answers = list(state.checks), await asyncio.gather(*map(_ask, state.checks.values()))
    wrong = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
    if wrong:
        detail = " ".join(f"{name}: {answer}" for name, answer in wrong.items())
        raise NotReadyError(detail, retry_after=1, facts={"parts": wrong})
    return Ready()


async def _ask(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return f"It has not answered for {CHECK_S:g} s."
    except Exception as error:  # a part that can't even be asked is not ready, and the others are still to be told
        return f"It can't be asked: {error!r}."


@router.get("/stats", operation_id="stats", summary="What is it doing?", responses=problems())
async def stats(state: State, caller: Caller, response: Response) -> Stats:
    """The lanes, the queue by owner and priority, and each task's counts, rate and durations.

    Sizes and counts are of all jobs; which jobs and whose, a caller is told of its own only.
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
    return Lane(state=lane.state, pid=lane.pid, job=lane.job if seen else None, busy_s=lane.busy_s)
