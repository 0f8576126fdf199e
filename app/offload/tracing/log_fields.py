"""Adds trace ids to log lines. Apart from `export`, since it needs only OpenTelemetry's API, not the SDK."""

from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger


def add_trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Adds the trace id of the current request, unless the line has one, as lines about jobs do."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(context.trace_id))
    return event
