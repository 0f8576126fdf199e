"""`GET /metrics`, for Prometheus.

Only integers that are counted anyway are kept for it. They are copied on the event loop. The text takes 25 ms for 50
tasks, so a thread makes it, one at a time: see `exposition`.
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
"""The label for all tasks that are no longer registered: the number of labels must be bounded."""

OPEN_METRICS = "application/openmetrics-text"

router = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
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
    """Counts since the start of the service, for the jobs of all owners, and current values."""
    async with state.one_scrape:
        open_metrics = accepts(request.headers, OPEN_METRICS)  # one version of each format
        body, content_type = await asyncio.to_thread(_render, snapshot(state), open_metrics=open_metrics)
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The counts at one moment."""

    queued: int
    running: int
    queue_limit: int
    oldest_s: float
    """How long the oldest queued job has waited."""
    lanes: Sequence[LaneView]
    tasks: Mapping[str, TaskCounts]
    """For each registered task, and for all others together."""
    replaced: Mapping[Replaced, int]
    refused: Mapping[str, int]
    background_failures: Mapping[str, int]
    data_dir: Path


def snapshot(state: AppState) -> Snapshot:
    """Copies the counts. Must run on the event loop, which changes them."""
    return Snapshot(
        queued=len(state.dispatcher.queue),
        running=state.dispatcher.running,
        queue_limit=state.settings.queue_limit,
        oldest_s=_oldest_s(state),
        lanes=state.engine.lanes(),
        tasks=_by_task(state),
        replaced=Counter(state.engine.replaced()),
        refused=Counter(state.refused),
        background_failures=Counter(state.background_failures),
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


def _render(now: Snapshot, *, open_metrics: bool) -> tuple[bytes, str]:
    from offload.api.operations.exposition import render  # noqa: PLC0415  # prometheus_client takes 50 ms to import

    return render(now, open_metrics=open_metrics)
