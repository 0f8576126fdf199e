"""One trace of a job: its request, its waits, its attempts and what its task traces, across processes and their ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.collector import Collector, Span
from tests.support.server import Server
from tests.support.waiting import until_sync

TASKS = "shrink scatter end_tracing leave_attached left crumble"
CALLER = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@contextmanager
def traced(directory: Path, url: str, *, lanes: int = 1, **settings: str | float) -> Iterator[Server]:
    """A service that sends its traces there."""
    tasks = ", ".join(f"traced_tasks:{name}" for name in TASKS.split())
    server = Server(directory, lanes=lanes, tasks=f"sample_tasks:hold, sample_tasks:refuse, {tasks}", **settings)
    server.environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
    with server:
        yield server


def named(spans: list[Span], name: str) -> Span:
    (span,) = (span for span in spans if span.name == name)
    return span


WHOLE = ("POST /jobs/shrink", "queue shrink", "attempt shrink", "load", "resize")


def test_one_trace_from_the_request_to_what_the_task_does(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        (lane,) = server.api.idle_lanes(1)
        job = server.api.succeeded(server.api.submit("shrink", {})["id"])
        spans = collector.trace_of(job["id"], *WHOLE)
    request, queue, attempt, load, resize = (named(spans, name) for name in WHOLE)
    assert {span.trace for span in spans} == {job["result"]}
    assert [request.parent, queue.parent, attempt.parent, load.parent, resize.parent] == [
        "",
        request.id,
        request.id,
        attempt.id,
        attempt.id,
    ]
    assert request.begin <= queue.begin <= queue.end == attempt.begin <= load.begin <= resize.begin
    assert load.end <= resize.begin
    assert resize.end <= attempt.end
    assert (request.facts["http.route"], request.facts["http.response.status_code"]) == ("/jobs/shrink", 202)
    assert queue.facts == {"offload.task": "shrink", "offload.job.id": job["id"]}
    assert attempt.facts == {
        **queue.facts,
        "offload.job.attempt": 1,
        "offload.lane.pid": lane.pid,
        "offload.outcome": "succeeded",
    }
    assert [span.error for span in spans] == [None] * 5
    assert [span.resource["service.name"] for span in spans] == ["offload"] * 5
    assert [request.resource["process.pid"], load.resource["process.pid"]] == [server.process.pid, lane.pid]
