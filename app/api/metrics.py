"""`GET /metrics`: what the front desk knows, as Prometheus reads it.

Nothing is kept for it but integers that are counted anyway. `prometheus_client` is loaded by the first who asks.
"""

import asyncio
import importlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Response

from app import __version__
from app.api.openapi import ACCEPTING, EXAMINING, READING, problems
from app.api.state import AppState, State
from app.errors import (
    CrossSiteRefusedError,
    DigestMismatchError,
    ProblemError,
    TaskNotFoundError,
    UnauthorizedError,
)
from app.jobs.interfaces import REPLACED
from app.jobs.model import TERMINAL
from app.jobs.statistics import BOUNDS_S, Histogram, TaskStatistics

if TYPE_CHECKING:
    from prometheus_client import Metric

OTHER = "other"
"""The label of tasks that are not registered any more, all together: what is counted must not grow without end."""

_REFUSING: tuple[type[ProblemError], ...] = (
    *(UnauthorizedError, CrossSiteRefusedError, TaskNotFoundError, DigestMismatchError),
    *(*READING, *EXAMINING, *ACCEPTING),
)
REFUSALS = sorted(error.type for error in _REFUSING)
"""Reasons that are told from the beginning, with 0. There are a few more, none of them a client's choice."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"
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
async def metrics(state: State, accept: Annotated[str | None, Header(include_in_schema=False)] = None) -> Response:
    """Counts since the start of the service, of all jobs, whoever owns them; and how it is now."""
    await asyncio.to_thread(importlib.import_module, "prometheus_client")  # takes 50 ms, once
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415  # see above
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

    registry = CollectorRegistry()
    registry.register(Collector(state))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept or "")
    return Response(encode(registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"})


class Collector:
    """Reads the running service."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def collect(self) -> Iterator["Metric"]:
        """Every metric, with a value for each label from the first time on."""
        yield from self._now()
        yield from self._jobs()
        yield from self._since_the_start()

    def _now(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily  # noqa: PLC0415

        state = self._state
        lanes = state.engine.lanes()
        yield InfoMetricFamily("offload_build", "The service that runs.", {"version": __version__})
        yield GaugeMetricFamily("offload_jobs_queued", "Jobs that wait for a lane.", len(state.dispatcher.queue))
        yield GaugeMetricFamily("offload_jobs_running", "Attempts in the lanes.", state.dispatcher.running)
        yield GaugeMetricFamily(
            "offload_queue_limit", "Queued jobs beyond which new ones are refused.", state.settings.queue_limit
        )
        yield GaugeMetricFamily(
            "offload_queue_oldest_seconds", "How long the oldest queued job has been waiting.", _oldest_s(state)
        )
        by_state = GaugeMetricFamily("offload_lanes", "Lanes by what they do.", labels=["state"])
        for name in ("idle", "busy", "opening"):
            by_state.add_metric([name], sum(lane.state == name for lane in lanes))
        yield by_state
        held = sum(_resident_bytes(lane.pid) for lane in lanes if lane.pid is not None)
        yield GaugeMetricFamily("offload_lanes_resident_memory_bytes", "Resident memory of all lanes.", held)
        data_dir = state.settings.data_dir
        journal = sum(_size(file) for file in data_dir.glob("journal.sqlite3*"))
        yield GaugeMetricFamily("offload_journal_bytes", "The journal on disk.", journal)
        free = shutil.disk_usage(data_dir).free
        yield GaugeMetricFamily("offload_data_free_bytes", "What the disk of the data directory has left.", free)

    def _jobs(self) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily  # noqa: PLC0415

        tasks = self._by_task()
        ended = CounterMetricFamily("offload_jobs", "Jobs that have ended.", labels=["task", "state"])
        ran = HistogramMetricFamily("offload_job_seconds", "How long the last attempt of a job took.", labels=["task"])
        waited = HistogramMetricFamily(
            "offload_queue_seconds", "From a job's acceptance to the start of its last attempt.", labels=["task"]
        )
        for name, statistics in tasks.items():
            for each in sorted(TERMINAL):
                ended.add_metric([name, each.value], sum(of_task.ended[each] for of_task in statistics))
            ran.add_metric([name], *_buckets(of_task.ran for of_task in statistics))
            waited.add_metric([name], *_buckets(of_task.waited for of_task in statistics))
        yield from (ended, ran, waited)

    def _by_task(self) -> Mapping[str, list[TaskStatistics]]:
        registered = self._state.registry
        tasks: dict[str, list[TaskStatistics]] = {name: [] for name in (*registered, OTHER)}
        for name, of_task in self._state.dispatcher.statistics.tasks.items():
            tasks[name if name in registered else OTHER].append(of_task)
        return tasks

    def _since_the_start(self) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

        counted = (
            (
                "offload_lane_restarts",
                "How often a lane has got a new process.",
                dict.fromkeys(REPLACED, 0) | dict(self._state.engine.replaced()),
            ),
            (
                "offload_refused",
                "Submissions that were refused, by the problem's name.",
                dict.fromkeys(REFUSALS, 0) | dict(self._state.refused),
            ),
        )
        for name, what, counts in counted:
            family = CounterMetricFamily(name, what, labels=["reason"])
            for reason, count in counts.items():
                family.add_metric([reason], count)
            yield family


def _buckets(histograms: Iterable[Histogram]) -> tuple[list[tuple[str, float]], float]:
    """Cumulative counts by upper bound, and the sum of all durations."""
    counts, total_s = [0] * (len(BOUNDS_S) + 1), 0.0
    for histogram in histograms:
        counts = [so_far + more for so_far, more in zip(counts, histogram.counts, strict=True)]
        total_s += histogram.total_s
    bounds = [*(repr(bound) for bound in BOUNDS_S), "+Inf"]
    return [(bound, sum(counts[: place + 1])) for place, bound in enumerate(bounds)], total_s


def _oldest_s(state: AppState) -> float:
    live = state.dispatcher.live
    created = [job.created_at for job_id in state.dispatcher.queue.heads() if (job := live.get(job_id))]
    return max(0, state.clock() - min(created)) / 1e6 if created else 0.0


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # it has ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
