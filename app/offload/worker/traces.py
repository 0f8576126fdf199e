"""Exports the spans of tasks: sets up OpenTelemetry's global tracers in a lane, below the attempt that runs.

The forkserver imports it when traces are enabled, so that lanes share it.
"""

import contextlib
import importlib
import logging
from contextvars import Token

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from offload.tracing import export

with contextlib.suppress(ImportError):
    importlib.import_module("requests")  # exporters load it when they are made


class LaneTraces:
    """The tracing of one lane. If a task's module has set up its own tracing, that one stays and is left alone."""

    def __init__(self) -> None:
        self._place = TraceContextTextMapPropagator()
        self._before: Token[Context] | None = None
        self._outbox: export.SpanSender | None = None
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            # The server logs its own failures. Those of a lane would be in the log of a job.
            export.redirect_errors(logging.NullHandler())
            self._outbox = export.SpanSender(export.create_exporter())
            self._provider = export.create_provider(self._outbox)
            trace.set_tracer_provider(self._provider)

    def begin(self, place: str | None) -> None:
        """Make the spans that start from now on children of this attempt."""
        self._before = attach(self._place.extract({"traceparent": place}) if place is not None else Context())

    def end(self) -> str | None:
        """End the attempt. Return why this process can't trace the next one, or None."""
        if self._before is not None:
            detach(self._before)
            self._before = None
        if self._outbox is not None and (self._outbox.closed or trace.get_tracer_provider() is not self._provider):
            return "the task ended the tracing of its lane"
        return None

    def flush(self) -> None:
        """Send the ended spans. This takes as long as the collector takes."""
        if self._outbox is not None:
            self._outbox.force_flush()
