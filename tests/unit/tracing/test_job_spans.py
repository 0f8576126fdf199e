"""The spans of jobs in cases that are rare in a real service."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from offload.jobs import lifecycle
from offload.jobs.model import Done, Job, Lost, Rejected, Stopped, Usage
from offload.tracing.job_spans import JobTraces, SpanIds

PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JOB = Job(
    id="j", task="t", params=b"{}", created_at=10, timeout_s=1, memory_mb=64, max_attempts=3, trace=PLACE, batch_id="b"
)
DONE = Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.1))


@dataclass
class Rig:
    """One after the other, services with the same journal; `at` is the clock."""

    sent: InMemorySpanExporter
    at: int = 0

    def opened(self, at: int) -> JobTraces:
        self.at, ids = at, SpanIds()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.sent))
        return JobTraces(provider, ids, lambda: self.at)

    def told(self) -> list[tuple[str, int, int]]:
        """Names and times, in microseconds, of all spans by their begins."""
        spans = [(span.name, (span.start_time or 0) // 1000, (span.end_time or 0) // 1000) for span in self.spans]
        return sorted(spans, key=lambda span: span[1])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.sent.get_finished_spans()

    def ids(self, name: str) -> list[int]:
        return [span.context.span_id for span in self.spans if span.name == name and span.context is not None]


@pytest.fixture
def rig() -> Iterator[Rig]:
    exporter = InMemorySpanExporter()
    yield Rig(exporter)
    exporter.shutdown()


def test_an_attempt_that_never_started_has_no_span(rig: Rig) -> None:
    traces, rejected = rig.opened(5), Rejected(detail="No lane is free.")
    running = lifecycle.start(JOB, 20)
    attempt = traces.begin(running)
    assert attempt is not None
    rig.at = 25
    queued = lifecycle.conclude(running, rejected, 25)
    attempt.end(queued, rejected, None)
    assert rig.told() == []
    running = lifecycle.start(queued, 30)
    attempt = traces.begin(running)
    assert attempt is not None
    attempt.end(lifecycle.succeed(running, DONE, 40), DONE, 7)
    assert rig.told() == [("queue t", 10, 30), ("attempt t", 30, 40)]


def test_a_job_cancelled_before_its_attempt_started_has_only_a_queue_span(rig: Rig) -> None:
    traces = rig.opened(5)
    running = lifecycle.start(JOB, 20)
    attempt = traces.begin(running)
    assert attempt is not None
    attempt.end(lifecycle.cancel(running, None, 25), Rejected(detail=""), None)
    assert rig.told() == [("queue t", 10, 25)]
    assert (rig.spans[0].attributes or {})["offload.outcome"] == "cancelled"


def test_an_attempt_stopped_by_an_orderly_end_is_not_an_error(rig: Rig) -> None:
    traces = rig.opened(5)
    running = lifecycle.start(JOB, 20)
    attempt = traces.begin(running)
    assert attempt is not None
    rig.at = 25
    attempt.end(lifecycle.requeue(running), Stopped(by="request"), 7)
    assert rig.told() == [("queue t", 10, 20), ("attempt t", 20, 25)]
    span = rig.spans[1]
    assert ((span.attributes or {})["offload.outcome"], span.status.is_ok) == ("handed-back", True)
    again = traces.begin(lifecycle.start(lifecycle.requeue(running), 30))
    assert again is not None
    assert again.place != attempt.place, "the same number, but another attempt"


def test_an_attempt_has_the_same_id_before_and_after_a_restart(rig: Rig) -> None:
    running = lifecycle.start(JOB, 20)
    before = rig.opened(5).begin(running)
    assert before is not None
    rig.opened(50).interrupted(running, lifecycle.interrupt(running, 50))
    assert rig.told() == [("queue t", 10, 20), ("attempt t", 20, 50)]
    (found,) = rig.ids("attempt t")
    assert before.place.split("-")[2] == f"{found:016x}"


def test_the_wait_between_attempts_is_one_span(rig: Rig) -> None:
    """Under an earlier service, for a second attempt, nobody knows; under this one, since it was opened."""
    running = lifecycle.start(JOB, 20)
    lost = Lost(detail="gone")
    queued = lifecycle.conclude(running, lost, 22)
    traces = rig.opened(50)
    running = lifecycle.start(queued, 60)
    attempt = traces.begin(running)
    assert attempt is not None
    rig.at = 65
    queued = lifecycle.conclude(running, lost, 65)
    attempt.end(queued, lost, 7)
    rig.at = 70
    traces.cancelled(lifecycle.cancel(queued, None, 70))
    assert rig.told() == [("queue t", 50, 60), ("attempt t", 60, 65), ("queue t", 65, 70)]
    assert traces.requeued == {}, "nothing is kept of a job that has ended"


def test_a_job_accepted_without_a_trace_has_no_spans(rig: Rig) -> None:
    traces = rig.opened(5)
    assert traces.here() is None
    untraced = replace(JOB, trace=None)
    running = lifecycle.start(untraced, 20)
    assert traces.begin(running) is None
    traces.interrupted(running, lifecycle.interrupt(running, 30))
    traces.cancelled(lifecycle.cancel(untraced, None, 30))
    assert rig.told() == []


def test_no_span_ends_before_it_starts_if_the_clock_goes_back(rig: Rig) -> None:
    traces = rig.opened(5)
    running = lifecycle.start(JOB, 20)
    attempt = traces.begin(running)
    assert attempt is not None
    rig.at = 3
    lost = Lost(detail="gone")
    attempt.end(lifecycle.conclude(running, lost, 3), lost, 7)
    assert rig.told() == [("queue t", 10, 20), ("attempt t", 20, 20)]
