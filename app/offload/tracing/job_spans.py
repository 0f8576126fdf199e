"""What becomes of jobs, as spans.

    POST /jobs/shrink     ├──┤                          the request, which FastAPI traces
    ├─ queue shrink         ├───┤
    ├─ attempt shrink           ├───┤                   lost: its lane was killed
    ├─ queue shrink                 ├┤
    └─ attempt shrink                ├──────────┤
       └─ …                             ├────┤          the task's own

A span is told when it has ended. An attempt's id is made of what the journal knows of it, so that one which the service
took along can still be told by the next: what its task had sent then finds its parent.
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
"""What `offload.outcome` says of an attempt."""


class Ids(RandomIdGenerator):
    """Ids at random, but for the next span's where it is named here."""

    def __init__(self) -> None:
        self.named: int | None = None

    def generate_span_id(self) -> int:
        named, self.named = self.named, None
        return super().generate_span_id() if named is None else named


@dataclass(frozen=True, slots=True)
class Wait:
    """A job's way back into the queue: since when it waits, and the attempt that was lost before, if one was."""

    since: int
    lost: SpanContext | None


class JobTraces:
    """Keeps `jobs.interfaces.Traces`. On the event loop only; a job that waits for the first time costs it nothing."""

    def __init__(self, provider: TracerProvider, ids: Ids, clock: Clock) -> None:
        self.tracer = provider.get_tracer("offload", __version__)
        self.clock = clock
        self.again: dict[str, Wait] = {}
        self._ids = ids
        self._opened = clock()

    def here(self) -> str | None:
        """See `Traces.here`."""
        context = get_current_span().get_span_context()
        return written(context) if context.is_valid else None

    def begin(self, job: Job) -> "Attempt | None":
        """See `Traces.begin`."""
        return None if job.trace is None else self._attempt(job, self._wait(job))

    def cancelled(self, job: Job) -> None:
        """See `Traces.cancelled`."""
        if job.trace is not None:
            self.queue(job, self._wait(job).since, job.finished_at or self.clock(), cancelled=True)

    def interrupted(self, running: Job, job: Job) -> None:
        """See `Traces.interrupted`. Nobody knows when the service died: the attempt ends where its end was found."""
        if running.trace is not None:
            lost = Lost(detail="The service died while the job was running.")
            self._attempt(running, self._wait(running)).end(job, lost, None, FailureKind.INTERRUPTED)

    def queue(self, job: Job, since: int, until: int, *, cancelled: bool = False) -> None:
        """Tells of a wait in the queue."""
        facts = {**facts_of(job), "offload.outcome": "cancelled"} if cancelled else facts_of(job)
        span = self.tracer.start_span(f"queue {job.task}", read(job.trace), attributes=facts, start_time=since * 1000)
        span.end(max(since, until) * 1000)

    def _wait(self, job: Job) -> Wait:
        """Of a job that has just left the queue. What it waited for under an earlier service is known of its first
        attempt only.
        """
        known = self.again.pop(job.id, None)
        return known or Wait(job.created_at if job.attempt <= 1 else max(self._opened, job.created_at), None)

    def _attempt(self, job: Job, wait: Wait) -> "Attempt":
        began = job.started_at or self.clock()
        named = blake2b(f"{job.id} {job.attempt} {began}".encode(), digest_size=8).digest()
        self._ids.named = int.from_bytes(named) or 1
        span = self.tracer.start_span(
            f"attempt {job.task}",
            read(job.trace),
            attributes={**facts_of(job), "offload.job.attempt": job.attempt},
            links=[Link(wait.lost, {"offload.link": "lost attempt"})] if wait.lost is not None else (),
            start_time=began * 1000,
        )
        return Attempt(self, span, wait, began)


class Attempt:
    """Keeps `jobs.interfaces.TracedAttempt`."""

    def __init__(self, traces: JobTraces, span: Span, wait: Wait, began: int) -> None:
        self._traces = traces
        self._span = span
        self._wait = wait
        self._began = began
        self.place = written(span.get_span_context())

    def end(self, job: Job, outcome: Outcome, pid: int | None, lost_by: FailureKind = FailureKind.WORKER_DIED) -> None:
        """See `TracedAttempt.end`. One that never started is not told: its job has waited on."""
        at = max(self._began, job.finished_at or self._traces.clock())
        again = job.state is State.QUEUED
        if isinstance(outcome, Rejected):
            if again:
                self._traces.again[job.id] = self._wait
            else:
                self._traces.queue(job, self._wait.since, at, cancelled=True)
            return
        self._traces.queue(job, self._wait.since, self._began)
        ended, problem, why = _end(job, outcome, lost_by)
        self._span.set_attribute("offload.outcome", ended)
        if pid is not None:
            self._span.set_attribute("offload.lane.pid", pid)
        if problem is not None:
            self._span.set_attribute("error.type", problem)
            self._span.set_status(Status(StatusCode.ERROR, why))
        self._span.end(at * 1000)
        if again:
            self._traces.again[job.id] = Wait(at, self._span.get_span_context() if ended == "lost" else None)


def _end(job: Job, outcome: Outcome, lost_by: FailureKind) -> tuple[Ended, str | None, str | None]:
    """How an attempt ended; where by a failure, its kind, and it in a sentence."""
    if job.state is State.SUCCEEDED:
        return "succeeded", None, None
    if job.state is State.CANCELLED:
        return "cancelled", None, None
    if job.failure is not None:
        return "failed", str(job.failure.kind), job.failure.detail
    if isinstance(outcome, Lost):
        return "lost", str(lost_by), outcome.detail
    return "handed-back", None, None


def facts_of(job: Job) -> Mapping[str, str | int]:
    """What is said with each span. Nothing of parameters, results and owners: those stay with the service."""
    facts = {"offload.task": job.task, "offload.job.id": job.id}
    return facts if job.batch_id is None else {**facts, "offload.batch.id": job.batch_id}


def written(context: SpanContext) -> str:
    """As a `traceparent` (W3C Trace Context, 3.2)."""
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"


def read(place: str | None) -> Context:
    """What `written` has written."""
    if place is None:
        return Context()
    _, trace_id, span_id, flags = place.split("-")
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(context), Context())
