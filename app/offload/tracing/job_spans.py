"""The spans of jobs.

    POST /jobs/shrink     ├──┤                          the request, which FastAPI traces
    ├─ queue shrink         ├───┤
    ├─ attempt shrink           ├───┤                   lost: its lane was killed
    ├─ queue shrink                 ├┤
    └─ attempt shrink                ├──────────┤
       └─ …                             ├────┤          the task's own spans

A span is sent when it has ended. The span id of an attempt is derived from its journal record. So if a service dies
during an attempt, the next service can still send its span, and the spans that the task had sent find their parent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)

from offload import __version__
from offload.jobs.interfaces import Clock
from offload.jobs.model import FailureKind, Job, Lost, Outcome, Rejected, State

Ended = Literal["succeeded", "failed", "cancelled", "lost", "handed-back"]
"""The values of `offload.outcome`."""


class SpanIds(RandomIdGenerator):
    """Random span ids, except that `next_id` is used for the next span if it is set."""

    def __init__(self) -> None:
        self.next_id: int | None = None

    def generate_span_id(self) -> int:
        next_id, self.next_id = self.next_id, None
        return super().generate_span_id() if next_id is None else next_id


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait of a requeued job: since when, and the span of the attempt that was lost before, if any."""

    since: int
    lost: SpanContext | None


class JobTraces:
    """Implements `jobs.interfaces.Traces`. For the event loop only. Stores nothing about jobs that wait initially."""

    def __init__(self, provider: TracerProvider, ids: SpanIds, clock: Clock) -> None:
        self.tracer = provider.get_tracer("offload", __version__)
        self.clock = clock
        self.requeued: dict[str, Wait] = {}
        self._ids = ids
        self._opened = clock()

    def here(self) -> str | None:
        """See `Traces.here`."""
        context = get_current_span().get_span_context()
        return to_traceparent(context) if context.is_valid else None

    def begin(self, job: Job) -> "Attempt | None":
        """See `Traces.begin`."""
        return None if job.trace is None else self._attempt(job, self._wait(job))

    def cancelled(self, job: Job) -> None:
        """See `Traces.cancelled`."""
        if job.trace is not None:
            self.queue(job, self._wait(job).since, job.finished_at or self.clock(), cancelled=True)

    def interrupted(self, running: Job, job: Job) -> None:
        """See `Traces.interrupted`. The span ends now, since the time of the service's death is unknown."""
        if running.trace is not None:
            lost = Lost(detail="The service died while the job was running.")
            self._attempt(running, self._wait(running)).end(job, lost, None, FailureKind.INTERRUPTED)

    def queue(self, job: Job, since: int, until: int, *, cancelled: bool = False) -> None:
        """Sends the span of a wait in the queue."""
        attributes = {**attributes_of(job), "offload.outcome": "cancelled"} if cancelled else attributes_of(job)
        span = self.tracer.start_span(
            f"queue {job.task}", from_traceparent(job.trace), attributes=attributes, start_time=since * 1000
        )
        span.end(max(since, until) * 1000)

    def _wait(self, job: Job) -> Wait:
        """Returns the wait of a job that has just left the queue.

        The wait under an earlier service is only known for the first attempt.
        """
        known = self.requeued.pop(job.id, None)
        return known or Wait(job.created_at if job.attempt <= 1 else max(self._opened, job.created_at), None)

    def _attempt(self, job: Job, wait: Wait) -> "Attempt":
        started = job.started_at or self.clock()
        digest = blake2b(f"{job.id} {job.attempt} {started}".encode(), digest_size=8).digest()
        self._ids.next_id = int.from_bytes(digest) or 1
        span = self.tracer.start_span(
            f"attempt {job.task}",
            from_traceparent(job.trace),
            attributes={**attributes_of(job), "offload.job.attempt": job.attempt},
            links=[Link(wait.lost, {"offload.link": "lost attempt"})] if wait.lost is not None else (),
            start_time=started * 1000,
        )
        return Attempt(self, span, wait, started)


class Attempt:
    """Implements `jobs.interfaces.TracedAttempt`."""

    def __init__(self, traces: JobTraces, span: Span, wait: Wait, started: int) -> None:
        self._traces = traces
        self._span = span
        self._wait = wait
        self._started = started
        self.place = to_traceparent(span.get_span_context())

    def end(self, job: Job, outcome: Outcome, pid: int | None, lost_by: FailureKind = FailureKind.WORKER_DIED) -> None:
        """See `TracedAttempt.end`. An attempt that never started has no span: its job continues to wait."""
        at = max(self._started, job.finished_at or self._traces.clock())
        requeued = job.state is State.QUEUED
        if isinstance(outcome, Rejected):
            if requeued:
                self._traces.requeued[job.id] = self._wait
            else:
                self._traces.queue(job, self._wait.since, at, cancelled=True)
            return
        self._traces.queue(job, self._wait.since, self._started)
        ended, problem, why = _end(job, outcome, lost_by)
        self._span.set_attribute("offload.outcome", ended)
        if pid is not None:
            self._span.set_attribute("offload.lane.pid", pid)
        if problem is not None:
            self._span.set_attribute("error.type", problem)
            self._span.set_status(Status(StatusCode.ERROR, why))
        self._span.end(at * 1000)
        if requeued:
            self._traces.requeued[job.id] = Wait(at, self._span.get_span_context() if ended == "lost" else None)


def _end(job: Job, outcome: Outcome, lost_by: FailureKind) -> tuple[Ended, str | None, str | None]:
    """Returns how an attempt ended, and for a failure its kind and a sentence."""
    if job.state is State.SUCCEEDED:
        return "succeeded", None, None
    if job.state is State.CANCELLED:
        return "cancelled", None, None
    if job.failure is not None:
        return "failed", str(job.failure.kind), job.failure.detail
    if isinstance(outcome, Lost):
        return "lost", str(lost_by), outcome.detail
    return "handed-back", None, None


def attributes_of(job: Job) -> Mapping[str, str | int]:
    """Returns the attributes of each span. They contain no parameters, results and owners."""
    attributes = {"offload.task": job.task, "offload.job.id": job.id}
    return attributes if job.batch_id is None else {**attributes, "offload.batch.id": job.batch_id}


def to_traceparent(context: SpanContext) -> str:
    """Returns the context as a `traceparent` (W3C Trace Context, 3.2)."""
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"


def from_traceparent(place: str | None) -> Context:
    """Parses a `traceparent`."""
    if place is None:
        return Context()
    _, trace_id, span_id, flags = place.split("-")
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(context), Context())
