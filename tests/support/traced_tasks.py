"""Tasks that use OpenTelemetry's API, and some that misuse its SDK."""

import os
import time
from pathlib import Path

from opentelemetry import baggage, context, trace

tracer = trace.get_tracer(__name__)


def shrink(gate: str | None = None) -> str:
    """Work in two steps. The second waits for the gate. Return the id of the trace."""
    with tracer.start_as_current_span("load", attributes={"image": "a.jpg"}):
        pass
    with tracer.start_as_current_span("resize") as span:
        while gate is not None and not Path(gate).exists():
            time.sleep(0.005)
        return trace.format_trace_id(span.get_span_context().trace_id)


def scatter() -> int:
    """Fork a child that traces something and returns from the task as well. Return its pid."""
    pid = os.fork()
    with tracer.start_as_current_span("both"):
        pass
    if pid:
        os.waitpid(pid, 0)
    else:
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # the provider of the SDK has it
    return pid


def end_tracing() -> None:
    """End the lane's tracing."""
    with tracer.start_as_current_span("last words"):
        pass
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]  # the provider of the SDK has it


def leave_attached() -> None:
    """Leave a span and baggage attached to the context."""
    context.attach(trace.set_span_in_context(tracer.start_span("left")))
    context.attach(baggage.set_baggage("left", "behind"))


def left() -> int:
    """Count the entries of the baggage."""
    return len(baggage.get_all())
