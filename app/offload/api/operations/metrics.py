"""`GET /metrics`: what the front desk knows, as Prometheus reads it.

Nothing is kept for it but integers that are counted anyway. What the event loop's own parts know is copied on the loop;
the rest, 25 ms for 50 tasks, is done beside it (`exposition`), by one thread at a time.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from offload.api.contract.openapi import problems
from offload.api.contract.request_headers import accepts
from offload.api.state import AppState, State
from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.statistics import TaskCounts

OTHER = "other"
"""The label of tasks that are not registered any more, all together: what is counted must not grow without end."""

OPEN_METRICS = "application/openmetrics-text"

router = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="For Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "The metrics, as text or as OpenMetrics",
            "content": {kind: {"schema": {"type": "string"}} for kind in ("text/plain", OPEN_METRICS)},
        },
        **problems(),
    },
)
async def metrics(state: State, request: Request) -> Response:
    """Counts since the start of the service, of all jobs, whoever owns them; and how it is now."""
    async with state.one_scrape:
        open_metrics = accepts(request.headers, OPEN_METRICS)  # of each format there is one version here
        body, content_type = await asyncio.to_thread(_written, moment(state), open_metrics=open_metrics)
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the front desk knows at one moment."""

    queued: int
    running: int
    queue_limit: int
    oldest_s: float
    """How long the oldest queued job has been waiting."""
    lanes: Sequence[LaneView]
    tasks: Mapping[str, TaskCounts]
    """Of each registered task, and of all others together."""
    replaced: Mapping[Replaced, int]
    refused: Mapping[str, int]
    data_dir: Path


def moment(state: AppState) -> Moment:
    """Copies it; on the event loop, to which all of it belongs."""
    return Moment(
        queued=len(state.dispatcher.queue),
        running=state.dispatcher.running,
        queue_limit=state.settings.queue_limit,
        oldest_s=_oldest_s(state),
        lanes=state.engine.lanes(),
        tasks=_by_task(state),
        replaced=Counter(state.engine.replaced()),
        refused=Counter(state.refused),
        data_dir=state.settings.data_dir,
    )


def _oldest_s(state: AppState) -> float:
    live = state.dispatcher.live
    created = [job.created_at for job_id in state.dispatcher.queue.heads() if (job := live.get(job_id))]
    return max(0, state.clock() - min(created)) / 1e6 if created else 0.0


def _by_task(state: AppState) -> Mapping[str, TaskCounts]:
    tasks = {name: TaskCounts() for name in (*state.registry, OTHER)}
    for name, statistics in state.dispatcher.statistics.tasks.items():
        tasks[name if name in state.registry else OTHER].include(statistics.counts)
    return tasks


def _written(now: Moment, *, open_metrics: bool) -> tuple[bytes, str]:
    from offload.api.operations.exposition import written  # noqa: PLC0415  # its library takes 50 ms, at the first scrape

    return written(now, open_metrics=open_metrics)
