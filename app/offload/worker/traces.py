"""What tasks trace, in a lane: OpenTelemetry's global tracers are made to send, below the attempt that runs.

Imported only where traces are wanted, by the forkserver, so that lanes share it.
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
    importlib.import_module("requests")  # which exporters load when they are made


class LaneTraces:
    """One lane's. Where a task's module has set up a tracing of its own, that stays, and looks after itself."""

    def __init__(self) -> None:
        self._place = TraceContextTextMapPropagator()
        self._before: Token[Context] | None = None
        self._outbox: export.Outbox | None = None
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            export.hush(logging.NullHandler())  # the front desk tells of its own; this would be in a job's log
            self._outbox = export.Outbox(export.exporter())
            self._provider = export.provider(self._outbox)
            trace.set_tracer_provider(self._provider)

    def begin(self, place: str | None) -> None:
        """What is traced from now on belongs to this attempt."""
        self._before = attach(self._place.extract({"traceparent": place}) if place is not None else Context())

    def end(self) -> str | None:
        """The attempt has ended. Answers why this process can't trace the next one, if so."""
        if self._before is not None:
            detach(self._before)
            self._before = None
        if self._outbox is not None and (self._outbox.closed or trace.get_tracer_provider() is not self._provider):
            return "the task ended the tracing of its lane"
        return None

    def flush(self) -> None:
        """Sends what there is; takes as long as the collector does."""
        if self._outbox is not None:
            self._outbox.force_flush()
