"""Log lines that name their trace."""

from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger


def add_trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of a request that is being answered. A line about a job brings its own along."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(context.trace_id))
    return event
