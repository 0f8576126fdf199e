"""Writes the metrics in the formats of Prometheus: the snapshot of `metrics`, and values of the disk and `/proc`.

Every metric has a value for each of its labels from the start: rates and alerts need the 0 before the 1.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from offload import __version__
from offload.api.contract.openapi import ACCEPTING, EXAMINING, READING
from offload.api.operations.metrics import Snapshot
from offload.errors import (
    BadRequestError,
    CrossSiteRefusedError,
    DigestMismatchError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
    TaskNotFoundError,
    UnauthorizedError,
)
from offload.jobs.interfaces import REPLACED
from offload.jobs.model import TERMINAL
from offload.jobs.statistics import BOUNDS_S, Histogram, TaskCounts

BOUNDS = (*map(repr, BOUNDS_S), "+Inf")

_REJECTING: tuple[type[ProblemError], ...] = (
    *(UnauthorizedError, CrossSiteRefusedError, NotFoundError, TaskNotFoundError, MethodNotAllowedError),
    *(BadRequestError, DigestMismatchError, InternalError),
    *(*READING, *EXAMINING, *ACCEPTING),
)
REFUSALS = tuple(sorted({error.type for error in _REJECTING}))
"""The types of problems that a submission can be rejected with."""

Reason = TypeVar("Reason", bound=str)


def render(now: Snapshot, *, open_metrics: bool) -> tuple[bytes, str]:
    """Returns the text and its content type. Reads files, so call it in a thread."""
    registry = CollectorRegistry()
    registry.register(_SnapshotCollector(now))
    ProcessCollector(registry=registry)
    if open_metrics:
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # it has no types
        return text, openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4


class _SnapshotCollector(Collector):
    """Hands existing counts to prometheus_client."""

    def __init__(self, now: Snapshot) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        now = self._now
        yield InfoMetricFamily("offload_build", "The service that runs.", {"version": __version__})
        yield from _queue(now)
        yield from _lanes(now)
        yield from _tasks(now.tasks)
        yield _by_reason(
            "offload_refused", "Submissions that were refused, by the problem's name.", REFUSALS, now.refused
        )
        yield _background(now.background_failures)
        yield from _disk(now.data_dir)


def _queue(now: Snapshot) -> Iterator[Metric]:
    yield GaugeMetricFamily("offload_jobs_queued", "Jobs that wait for a lane.", now.queued)
    yield GaugeMetricFamily("offload_jobs_running", "Attempts in the lanes.", now.running)
    limit = "Queued jobs beyond which new ones are refused."
    yield GaugeMetricFamily("offload_queue_limit", limit, now.queue_limit)
    oldest = "How long the oldest queued job has been waiting."
    yield GaugeMetricFamily("offload_queue_oldest_seconds", oldest, now.oldest_s)


def _lanes(now: Snapshot) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("offload_lanes", "Lanes by what they do.", labels=["state"])
    for state in ("idle", "busy", "opening"):
        by_state.add_metric([state], sum(lane.state == state for lane in now.lanes))
    yield by_state
    held = sum(_resident_bytes(lane.pid) for lane in now.lanes if lane.pid is not None)
    yield GaugeMetricFamily("offload_lanes_resident_memory_bytes", "Resident memory of all lanes.", held)
    yield _by_reason("offload_lane_restarts", "How often a lane has got a new process.", REPLACED, now.replaced)


def _tasks(tasks: Mapping[str, TaskCounts]) -> Iterator[Metric]:
    ended = CounterMetricFamily("offload_jobs", "Jobs that have ended.", labels=["task", "state"])
    ran = HistogramMetricFamily("offload_job_seconds", "How long the last attempt of a job took.", labels=["task"])
    waited = HistogramMetricFamily(
        "offload_queue_seconds", "From a job's acceptance to the start of its last attempt.", labels=["task"]
    )
    for name, counts in tasks.items():
        for state in sorted(TERMINAL):
            ended.add_metric([name, state.value], counts.ended[state])
        ran.add_metric([name], _buckets(counts.ran), counts.ran.total_s)
        waited.add_metric([name], _buckets(counts.waited), counts.waited.total_s)
    yield from (ended, ran, waited)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """How many durations were up to each bound."""
    return list(zip(BOUNDS, accumulate(histogram.counts), strict=True))


def _by_reason(name: str, what: str, known: Sequence[Reason], counts: Mapping[Reason, int]) -> Metric:
    family = CounterMetricFamily(name, what, labels=["reason"])
    for reason in dict.fromkeys((*known, *counts)):
        family.add_metric([reason], counts.get(reason, 0))
    return family


def _background(failures: Mapping[str, int]) -> Metric:
    what = "How often background work of the service has failed and was started again."
    family = CounterMetricFamily("offload_background_failures", what, labels=["work"])
    for work, count in failures.items():
        family.add_metric([work], count)
    return family


def _disk(data_dir: Path) -> Iterator[Metric]:
    journal = sum(_size(file) for file in data_dir.glob("journal.sqlite3*"))
    yield GaugeMetricFamily("offload_journal_bytes", "The journal on disk.", journal)
    free = GaugeMetricFamily("offload_data_free_bytes", "What the disk of the data directory has left.")
    with suppress(OSError):  # without the directory it has no value, and all others have
        free.add_metric([], shutil.disk_usage(data_dir).free)
    yield free


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
